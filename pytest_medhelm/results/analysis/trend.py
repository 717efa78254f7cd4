"""Many suites in order of time: the main values of each benchmark, and what they may not be joined across."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from pytest_medhelm.results.analysis.in_time import SuiteOfTrend, distinct_names, in_time
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.paired_cells import pair
from pytest_medhelm.results.leaderboard.stored_results import Stored
from pytest_medhelm.util.errors import ConfigError

BREAKING = ("data", "eval_set_hash", "prompt", "code", "scoring", "jury")
"""Parts of a cell's provenance that must be alike for values to be joined and subtracted."""
REMARKED = ("model", "versions")
"""Parts that may differ, since they are what is followed, but are said."""
PARTIAL = "partial"
"""Stands for values of runs that lack instances of their evaluation set."""


@dataclass(frozen=True, slots=True)
class Point:
    """What a suite holds of one model: a value, or why there is none."""

    value: float | None
    low: float | None
    """95 % interval."""
    high: float | None
    n: int
    """Instances with a score."""
    recorded: int
    """Instances with a record."""
    size: int
    """Instances of the evaluation set."""
    sample: bool
    partial: bool
    note: str
    """Why there is no value, or a warning about the interval."""


@dataclass(frozen=True, slots=True)
class Change:
    """The last value minus an earlier one, on the instances that both have measured."""

    since: int
    """The earlier suite, by its place."""
    difference: float
    low: float
    """95 % interval."""
    high: float
    n: int
    method: str


@dataclass(frozen=True, slots=True)
class Line:
    """One model on one benchmark; everything has one entry per suite."""

    model: str
    points: tuple[Point | None, ...]
    """None where a suite holds no results of it."""
    joined: tuple[bool, ...]
    """Whether a point may be joined with that of the suite before."""
    change: Change | None
    """From the earliest value that the last one may be compared with."""
    differs: tuple[str, ...]
    """Why the last value may not be compared with the first: members of ``BREAKING``, or ``PARTIAL``."""

    @property
    def measured(self) -> list[int]:
        """The suites that hold a value."""
        return [index for index, point in enumerate(self.points) if point is not None and point.value is not None]

    @property
    def whole(self) -> Change | None:
        """The change from the first value to the last, if these may be compared."""
        return self.change if self.change is not None and self.change.since == self.measured[0] else None


@dataclass(frozen=True, slots=True)
class Event:
    """What became different between two suites."""

    before: int
    """The newest earlier suite that holds a value."""
    after: int
    facts: tuple[str, ...]
    """Members of ``BREAKING`` or of ``REMARKED``."""
    models: tuple[str, ...]
    """Whose values; empty for all that the later suite holds."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One benchmark, measured by one main metric on one scale."""

    benchmark: str
    title: str
    metric: str
    scale: tuple[float, float]
    """Worst and best."""
    lines: tuple[Line, ...]
    breaks: tuple[Event, ...]
    remarks: tuple[Event, ...]

    @property
    def lower_is_better(self) -> bool:
        """Small values are good ones."""
        return self.scale[0] > self.scale[1]


@dataclass(frozen=True, slots=True)
class Trend:
    """Everything that is shown."""

    suites: tuple[SuiteOfTrend, ...]
    by_time: bool
    """The suites are in order of time; else in the order given, since of some no time is known."""
    charts: tuple[Chart, ...]
    alone: tuple[str, ...]
    """Benchmarks, with their metric, that only one suite holds a value of."""


def trend(suites: Sequence[Stored], benchmarks: Collection[str] = ()) -> Trend:
    """Follow every model through the suites.

    Raises ConfigError for fewer than two suites, one that is named twice, an unknown benchmark, and where no benchmark
    has values in two suites.
    """
    if len(suites) < 2:
        raise ConfigError("a trend needs two suites or more: name another, e.g. medhelm-results/june")
    ordered, by_time = in_time(suites)
    names = distinct_names(ordered)
    known = sorted({cell.benchmark for stored in suites for cell in stored.cells})
    for name in benchmarks:
        if name not in known:
            raise ConfigError(f"--benchmark={name}: no suite has results of it; there are {', '.join(known) or 'none'}")
    charts, alone = [], []
    for key, tables in _tables(ordered, benchmarks or known):
        if sum(any(cell.value is not None for cell in table.values()) for table in tables) > 1:
            charts.append(_chart(key, tables, ordered))
        else:
            alone.append(f"{key[0]} ({key[1]})")
    if not charts:
        raise ConfigError("there is no trend: no benchmark has values of the same metric in two of these suites")
    return Trend(
        tuple(SuiteOfTrend(name, stored.started) for name, stored in zip(names, ordered, strict=True)),
        by_time,
        tuple(charts),
        tuple(alone),
    )


Key = tuple[str, str, tuple[float, float]]
"""Benchmark, main metric, and the ends of its scale."""


def _tables(suites: Sequence[Stored], benchmarks: Collection[str]) -> Iterable[tuple[Key, list[dict[str, Cell]]]]:
    """By what may stand on one axis: for each suite the cells by model. A cell without scores goes with its metric."""
    cells = [[cell for cell in stored.cells if cell.benchmark in benchmarks] for stored in suites]
    keys = {key for row, stored in zip(cells, suites, strict=True) for cell in row if (key := _key(cell, stored))}
    for key in sorted(keys):
        yield (
            key,
            [
                {
                    cell.model: cell
                    for cell in row
                    if _key(cell, stored) in (key, None) and (cell.benchmark, cell.main_metric) == key[:2]
                }
                for row, stored in zip(cells, suites, strict=True)
            ],
        )


def _key(cell: Cell, stored: Stored) -> Key | None:
    if not cell.scored:
        return None
    try:
        worst, best = map(float, cell.metrics[cell.main_metric]["scale"])
    except (KeyError, TypeError, ValueError):
        raise _unfit(stored) from None
    return cell.benchmark, cell.main_metric, (worst, best)


def _unfit(stored: Stored) -> ConfigError:
    return ConfigError(f"{stored.path} lacks what a trend needs: make it again with 'medhelm report SUITE'")


def _chart(key: Key, tables: Sequence[Mapping[str, Cell]], suites: Sequence[Stored]) -> Chart:
    candidates = {name for stored in suites for name in stored.candidates}
    models = sorted({model for table in tables for model in table}, key=lambda name: (name not in candidates, name))
    newest = next(cell for table in reversed(tables) for cell in table.values())
    points = {
        model: [
            _point(table[model], stored) if model in table else None
            for table, stored in zip(tables, suites, strict=True)
        ]
        for model in models
    }
    return Chart(
        benchmark=key[0],
        title=str(newest.metadata["title"]),
        metric=key[1],
        scale=key[2],
        lines=tuple(_line(model, points[model], [table.get(model) for table in tables]) for model in models),
        breaks=_events(tables, BREAKING),
        remarks=_events(tables, REMARKED),
    )


def _point(cell: Cell, stored: Stored) -> Point:
    main: Mapping[str, Any] = dict(cell.metrics.get(cell.main_metric, {}))  # of a file that anybody may have written
    try:
        value, low, high = (_finite(main.get(name)) for name in ("value", "low", "high"))
        n, note = int(main.get("n", 0)), str(main.get("note", ""))
    except (TypeError, ValueError):
        raise _unfit(stored) from None
    if value is None and not note:
        note = "nothing was measured"
    return Point(value, low, high, n, len(cell.instances), cell.size, cell.sample, not cell.whole, note)


def _finite(value: Any) -> float | None:
    if value is not None and not math.isfinite(float(value)):
        raise ValueError(value)
    return None if value is None else float(value)


def _line(model: str, points: Sequence[Point | None], cells: Sequence[Cell | None]) -> Line:
    """The cells of one model, and their points."""
    kept = [(index, cell) for index, cell in enumerate(cells) if cell is not None and cell.value is not None]
    joined = [False] * len(cells)
    for (before, first), (after, second) in pairwise(kept):
        joined[after] = before == after - 1 and not differences(first, second)
    differs: tuple[str, ...] = ()
    change = None
    if len(kept) > 1:
        last = kept[-1][1]
        differs = differences(kept[0][1], last)
        alike = [(index, cell) for index, cell in kept[:-1] if not differences(cell, last)]
        change = _change(*alike[0], last) if alike else None
    return Line(model, tuple(points), tuple(joined), change, differs)


def differences(first: Cell, second: Cell) -> tuple[str, ...]:
    """Why the values of two cells may not be compared; empty where they may."""
    parts = _differing(first, second, BREAKING)
    return (*parts, PARTIAL) if not (first.whole and second.whole) else parts


def _differing(first: Cell, second: Cell, parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in parts if first.provenance.get(name) != second.provenance.get(name))


def _change(since: int, first: Cell, last: Cell) -> Change | None:
    pairs = pair(last, first, last.main_metric)
    interval = pairs.interval()
    if interval is None:
        return None
    return Change(since, pairs.mean, interval.low, interval.high, len(pairs.differences), interval.method)


def _events(tables: Sequence[Mapping[str, Cell]], parts: Sequence[str]) -> tuple[Event, ...]:
    """What became different: of a model since its last value, of a new model since anything of an earlier suite."""
    latest: dict[str, tuple[int, Cell]] = {}
    events: dict[tuple[int, int, tuple[str, ...]], list[str]] = {}
    present = [{model for model, cell in table.items() if cell.value is not None} for table in tables]
    for after, table in enumerate(tables):
        earlier = dict(latest)
        for model in sorted(present[after]):
            other = max(earlier.values(), key=lambda other: other[0], default=None)
            before = earlier.get(model) or (None if "model" in parts else other)
            if before is not None and (changed := _differing(before[1], table[model], parts)):
                events.setdefault((before[0], after, changed), []).append(model)
            latest[model] = after, table[model]
    return tuple(
        Event(*key, () if set(models) == present[key[1]] else tuple(models)) for key, models in sorted(events.items())
    )


def as_json(trend: Trend) -> Mapping[str, object]:
    """Plain values; suites are meant by their place in ``suites``."""
    return {"format": 1, **asdict(trend)}
