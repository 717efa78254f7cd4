"""Two models on the same instances: what became better, what worse, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.paired_cells import incomparable, pair
from pytest_medhelm.results.leaderboard.stored_results import Stored
from pytest_medhelm.results.stats.paired import holm
from pytest_medhelm.util.errors import ConfigError

ALPHA = 0.05
"""Two-sided, after Holm's correction over all benchmarks that are shown."""

_PROVENANCE = (
    ("data", "the data files differ"),
    ("eval_set_hash", "the sets of instances differ"),
    ("prompt", "the prompts differ"),
    ("code", "the benchmark's module changed"),
    ("scoring", "the scoring code changed: 'medhelm rescore' would make them alike"),
    ("jury", "the judges, or how they are asked, differ"),
    ("repeats", "each value is the mean of another number of answers to a question"),
    ("versions", "the versions of pytest-medhelm differ"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One benchmark on which both were measured."""

    benchmark: str
    title: str
    metric: str
    first: float | None
    second: float | None
    difference: float
    """Second minus first, on the pairs."""
    low: float
    high: float
    """95 % interval of the difference."""
    method: str
    n: int
    """Instances that both have measured."""
    up: tuple[str, ...]
    """Instances that became better (from wrong to right, or higher), by public id."""
    down: tuple[str, ...]
    lower_is_better: bool
    p: float | None
    """Two-sided (``paired_p``), corrected by Holm over all that are shown."""
    warnings: tuple[str, ...]

    @property
    def worse(self) -> bool:
        """The second is shown to be worse: p is below ``ALPHA``, and the whole interval lies on that side of 0."""
        return self._shown and (self.low > 0 if self.lower_is_better else self.high < 0)

    @property
    def better(self) -> bool:
        """The second is shown to be better, by the same rule."""
        return self._shown and (self.high < 0 if self.lower_is_better else self.low > 0)

    @property
    def _shown(self) -> bool:
        return self.p is not None and self.p < ALPHA

    def alike_within(self, margin: float) -> bool:
        """They are shown to be equivalent: the whole interval lies within the margin on both sides of 0."""
        return -margin < self.low and self.high < margin

    def not_worse_by(self, margin: float) -> bool:
        """It is shown that the second is not worse by the margin or more."""
        return self.high <= margin if self.lower_is_better else self.low >= -margin


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is shown."""

    first: tuple[str, str]
    """Suite and model."""
    second: tuple[str, str]
    rows: tuple[Row, ...]
    only_first: tuple[str, ...]
    """Benchmarks that only one of the two was measured on."""
    only_second: tuple[str, ...]
    notes: tuple[str, ...]
    """Why a benchmark that both have cannot be compared."""


def compare(first: Stored, second: Stored, models: tuple[str, str], benchmarks: Collection[str] = ()) -> Comparison:
    """Compare a model of one suite with a model of another, or of the same. Raises ConfigError for unknown names."""
    sides = [_cells(stored, model) for stored, model in zip((first, second), models, strict=True)]
    for name in benchmarks:
        if name not in sides[0] and name not in sides[1]:
            known = ", ".join(sorted(sides[0].keys() | sides[1].keys()))
            raise ConfigError(f"--benchmark={name}: neither has results of it; there are {known}")
    kept = [{name: cell for name, cell in side.items() if not benchmarks or name in benchmarks} for side in sides]
    rows, notes = [], []
    for name in sorted(kept[0].keys() & kept[1].keys()):
        row = compare_cells(kept[0][name], kept[1][name])
        if isinstance(row, Row):
            rows.append(row)
        else:
            notes.append(f"{name}: {row}")
    return Comparison(
        (first.name, models[0]),
        (second.name, models[1]),
        tuple(corrected(rows)),
        tuple(sorted(kept[0].keys() - kept[1].keys())),
        tuple(sorted(kept[1].keys() - kept[0].keys())),
        tuple(notes),
    )


def chosen_models(first: Stored, second: Stored, named: Sequence[str]) -> tuple[str, str]:
    """The two models to compare: those that are named, else the only candidate of each side.

    Raises ConfigError listing what there is.
    """
    if len(named) > 2:
        raise ConfigError("--model may be given once for both sides, or twice: first A's, then B's")
    if named:
        return named[0], named[-1]
    chosen = []
    for stored, side in ((first, "A"), (second, "B")):
        if len(stored.candidates) != 1:
            there = ", ".join(sorted({cell.model for cell in stored.cells})) or "none"
            raise ConfigError(
                f"{side}, {stored.path}, does not hold one candidate model but these: {there}; name two with "
                "--model=NAME --model=NAME, A's first"
            )
        chosen.append(stored.candidates[0])
    return chosen[0], chosen[1]


def _cells(stored: Stored, model: str) -> dict[str, Cell]:
    cells = {cell.benchmark: cell for cell in stored.cells if cell.model == model}
    if not cells:
        there = ", ".join(sorted({cell.model for cell in stored.cells})) or "none"
        raise ConfigError(f"{stored.path} holds no results of {model!r}; it holds {there}")
    return cells


def compare_cells(first: Cell, second: Cell) -> Row | str:
    """Second minus first, on what both have measured; or why there is no difference. ``p`` is not yet corrected."""
    metric = first.main_metric
    if metric != second.main_metric:
        return f"the main metrics differ ({metric} and {second.main_metric})"
    if not first.scored or not second.scored:
        return "nothing was measured"
    reason = incomparable(first, second)
    if reason:
        return reason
    pairs = pair(second, first, metric)
    interval = pairs.interval()
    if interval is None:
        return "no instance was measured for both"
    if not pairs.whole:
        return "a sub-task has no instance that was measured for both"
    worst, best = first.metrics[metric]["scale"]
    sign = 1 if best > worst else -1
    gaps = list(zip(pairs.names, pairs.differences, strict=True))
    return Row(
        benchmark=first.benchmark,
        title=first.metadata["title"],
        metric=metric,
        first=first.value,
        second=second.value,
        difference=pairs.mean,
        low=interval.low,
        high=interval.high,
        method=interval.method,
        n=len(gaps),
        up=tuple(name for name, gap in gaps if sign * gap > 0),
        down=tuple(name for name, gap in gaps if sign * gap < 0),
        lower_is_better=sign < 0,
        p=pairs.p,
        warnings=tuple(_warnings(first, second)),
    )


def _warnings(first: Cell, second: Cell) -> Iterator[str]:
    for key, what in _PROVENANCE:
        before, after = first.provenance.get(key), second.provenance.get(key)
        if before != after:
            yield what
    for cell, side in ((first, "A"), (second, "B")):
        if cell.sample:
            yield f"{side} ran on sample data"
        if cell.partial:
            yield f"{side} is incomplete: {sum(cell.statuses.values())} of {cell.size} instances"


def corrected(rows: Sequence[Row]) -> list[Row]:
    """The rows with p after Holm's correction over all of them."""
    adjusted = holm([1.0 if row.p is None else row.p for row in rows])
    return [row if row.p is None else replace(row, p=p) for row, p in zip(rows, adjusted, strict=True)]


def as_json(comparison: Comparison) -> Mapping[str, object]:
    """Plain values."""
    rows = [
        {name: getattr(row, name) for name in Row.__slots__} | {"better": row.better, "worse": row.worse}
        for row in comparison.rows
    ]
    return {
        "format": 1,
        "first": dict(zip(("suite", "model"), comparison.first, strict=True)),
        "second": dict(zip(("suite", "model"), comparison.second, strict=True)),
        "rows": [
            row | {"up": list(row["up"]), "down": list(row["down"]), "warnings": list(row["warnings"])} for row in rows
        ],
        "only_first": list(comparison.only_first),
        "only_second": list(comparison.only_second),
        "notes": list(comparison.notes),
    }
