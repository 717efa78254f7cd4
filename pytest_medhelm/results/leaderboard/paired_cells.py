"""Two models compared on the instances, and by the judges, that both have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from statistics import fmean
from typing import TYPE_CHECKING

from pytest_medhelm.results.leaderboard.document import PairedRow
from pytest_medhelm.results.leaderboard.jury_columns import Ratings, score
from pytest_medhelm.results.stats.intervals import Interval
from pytest_medhelm.results.stats.paired import holm, paired_interval, paired_mean, paired_p

if TYPE_CHECKING:
    from pytest_medhelm.results.leaderboard.cell import Cell


MOST_GROUPS = 100
"""Of models that are alike, on one benchmark; more letters than that nobody can read."""
TINY = 1e-6
"""Less than this apart are scores that leaderboard.json has rounded."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The instances that two cells have both measured, in one order."""

    names: Sequence[str]
    """Public ids."""
    differences: Sequence[float]
    """First minus second."""
    clusters: Sequence[int] | None
    strata: Sequence[int] | None
    span: float
    """The largest difference that there can be."""
    whole: bool = True
    """Every sub-task of the benchmark has a pair."""

    @property
    def mean(self) -> float:
        """The mean difference; with sub-tasks the unweighted mean of theirs."""
        return paired_mean(self.differences, self.strata)

    def interval(self, confidence: float = 0.95) -> Interval | None:
        """Its interval (``paired_interval``); None without pairs."""
        return paired_interval(
            self.differences, self.clusters, span=self.span, confidence=confidence, strata=self.strata
        )

    @property
    def p(self) -> float | None:
        """The two-sided p-value (``paired_p``)."""
        return paired_p(self.differences, self.clusters, span=self.span, strata=self.strata)


ALPHA = 0.05
"""Two-sided, after Holm's correction over all pairs of a benchmark."""


def paired(cells: Sequence[Cell], candidates: Sequence[str]) -> list[PairedRow]:
    """Every pair of candidates on every benchmark: the mean difference on the instances that both have measured.

    ``p`` is corrected by Holm over the pairs of a benchmark; two differ where it is below 0.05 and the interval leaves
    0 out.
    """
    pool = sorted({cell.model for cell in cells} & set(candidates))
    table = {(cell.benchmark, cell.model): cell for cell in cells}
    rows: list[PairedRow] = []
    for benchmark in sorted({cell.benchmark for cell in cells}):
        compared = [paired_row(benchmark, table.get((benchmark, one)), table.get((benchmark, two)))
                 for one, two in combinations(pool, 2)]  # fmt: skip
        rows += corrected_rows([row for row in compared if row is not None])
    return rows


def paired_row(benchmark: str, first: Cell | None, second: Cell | None) -> PairedRow | None:
    """First minus second, p not yet corrected; None where they cannot be compared."""
    if first is None or second is None or first.main_metric != second.main_metric:
        return None
    if first.metadata["data"]["sha256"] != second.metadata["data"]["sha256"]:
        return None
    if not (first.scored or second.scored) or incomparable(first, second):
        return None  # Nothing was measured, e.g. no judge gave a verdict.
    pairs = pair(first, second, first.main_metric)
    interval = pairs.interval()
    if interval is None or not pairs.whole:
        return None
    return {
        "benchmark": benchmark,
        "models": [first.model, second.model],
        "difference": pairs.mean,
        "low": interval.low,
        "high": interval.high,
        "n": len(pairs.differences),
        "p": 1.0 if pairs.p is None else pairs.p,
        "differ": False,
    }


def incomparable(first: Cell, second: Cell) -> str:
    """Why two cells have no difference although both have scores; empty where they have.

    A model whose value is missing for want of a sub-task has none. Juries are compared judge by judge, on what was
    rated, also where no answer was rated by all of them.
    """
    for cell in (first, second):
        if cell.value is None and not cell.jury.is_jury_metric(cell.main_metric):
            note = cell.metrics[cell.main_metric]["note"] if cell.scored else ""
            return f"{cell.model} has no value: {note or 'nothing was measured'}"
    return ""


def corrected_rows(rows: Sequence[PairedRow]) -> list[PairedRow]:
    """With p after Holm's correction over all of them."""
    adjusted = holm([row["p"] for row in rows])
    return [
        {**row, "p": p, "differ": p < ALPHA and not row["low"] <= 0 <= row["high"]}
        for row, p in zip(rows, adjusted, strict=True)
    ]


def letter_groups(cells: Sequence[Cell], rows: Sequence[PairedRow]) -> dict[str, dict[str, str]]:
    """By benchmark and model one or more letters: models that share one are not shown to differ.

    "a" is a group of the best. A model that was not compared with every other one of a group is not in it. A benchmark
    on which there are more than MOST_GROUPS groups is left out.
    """
    letters: dict[str, dict[str, str]] = {}
    for benchmark in sorted({row["benchmark"] for row in rows}):
        of_benchmark = [row for row in rows if row["benchmark"] == benchmark]
        alike = {frozenset(row["models"]) for row in of_benchmark if not row["differ"]}
        names = {name for row in of_benchmark for name in row["models"]}
        groups = _letters(_ordered(cells, benchmark, names), alike)
        if groups:
            letters[benchmark] = groups
    return letters


def _ordered(cells: Sequence[Cell], benchmark: str, names: Collection[str]) -> list[str]:
    """Best first; those without a value last."""
    values = {}
    for cell in cells:
        if cell.benchmark == benchmark and cell.model in names:
            worst, best = cell.metrics[cell.main_metric]["scale"] if cell.scored else (0.0, 1.0)
            share = None if cell.value is None else (cell.value - worst) / (best - worst)
            values[cell.model] = (share is None, -(share or 0.0), cell.model)
    return sorted(names, key=values.__getitem__)


def _letters(names: Sequence[str], alike: Collection[frozenset[str]]) -> dict[str, str]:
    """The largest groups in which all are alike, lettered in the order of their best (Piepho, J. Comput. Graph. Stat.
    13, 2004). Empty where there are more than MOST_GROUPS."""
    near = {name: {other for other in names if frozenset((name, other)) in alike} for name in names}
    groups = list(islice(_groups(set(), set(names), set(), near), MOST_GROUPS + 1))
    if len(groups) > MOST_GROUPS:
        return {}
    groups.sort(key=lambda group: sorted(map(names.index, group)))
    return {name: "".join(_letter(number) for number, group in enumerate(groups) if name in group) for name in names}


def _groups(group: set[str], rest: set[str], left: set[str], near: Mapping[str, set[str]]) -> Iterator[set[str]]:
    """All groups that cannot grow (Bron and Kerbosch, CACM 16, 1973, with the pivot of Tomita et al. 2006: without
    it, models that are all alike take a time that doubles with each)."""
    if not rest and not left:
        yield group
        return
    pivot = max(sorted(rest | left), key=lambda name: len(rest & near[name]))
    for name in sorted(rest - near[pivot]):
        yield from _groups(group | {name}, rest & near[name], left & near[name], near)
        rest, left = rest - {name}, left | {name}


def _letter(number: int) -> str:
    return chr(ord("a") + number) if number < 26 else f"({number})"


def pair(first: Cell, second: Cell, metric: str) -> Pairs:
    """What both have measured of a metric that at least one of them has."""
    pairs = list(pairs_of(first, second, metric))

    def kept(column: Sequence[int] | None) -> list[int] | None:
        return None if column is None else [column[position] for position, _ in pairs]

    return Pairs(
        names=[first.instances[position] for position, _ in pairs],
        differences=[gap for _, gap in pairs],
        clusters=kept(first.clusters),
        strata=kept(first.sub_tasks),
        span=largest_difference(first, second, metric),
        whole=first.sub_tasks is None or len(set(kept(first.sub_tasks) or ())) == len(set(first.sub_tasks)),
    )


def largest_difference(first: Cell, second: Cell, metric: str) -> float:
    """How far apart two scores of a metric can be: the length of its scale, or of what graded examples can have."""
    ends = [
        end
        for cell in (first, second)
        if metric in cell.metrics
        for end in cell.metrics[metric].get("span", cell.metrics[metric]["scale"])
    ]
    return max(ends) - min(ends)


def pairs_of(first: Cell, second: Cell, metric: str) -> Iterator[tuple[int, float]]:
    """The position in ``first`` of each instance that both have measured, and the difference, first minus second."""
    others = {name: position for position, name in enumerate(second.instances)}
    for position, name in enumerate(first.instances):
        if name in others:
            difference = difference_at(first, position, second, others[name], metric)
            if difference is not None:
                yield position, difference


def difference_at(first: Cell, position: int, second: Cell, second_position: int, metric: str) -> float | None:
    """The difference of a metric on one instance, given its position in both cells; None unless both measured it.

    Jury scores are compared judge by judge and criterion by criterion, on the triples (instance, judge, criterion)
    that both have: a judge that fails on one model's answers must not make a difference by its absence.
    """
    first_value, second_value = _at(first, metric, position), _at(second, metric, second_position)
    gap = None if first_value is None or second_value is None else first_value - second_value
    # leaderboard.json has its criteria in another order
    if metric == "jury" and set(first.criteria) == set(second.criteria) and first.ratings and second.ratings:
        ratings = first.ratings[position], second.ratings[second_position]
        if ratings != (None, None):
            gap = _by_judge(*ratings, first_value, second_value)
    return 0.0 if gap is not None and abs(gap) < TINY else gap


def _at(cell: Cell, metric: str, position: int) -> float | None:
    return cell.scores[metric][position] if metric in cell.scores else None


def _by_judge(
    first: Ratings | None, second: Ratings | None, first_value: float | None, second_value: float | None
) -> float | None:
    """The mean difference over the judges that rated both; an answer that failed has its value from every judge."""
    judges = (first.keys() if first is not None else second.keys()) if None in (first, second) else None  # type: ignore[union-attr]
    if judges is None:
        assert first is not None
        assert second is not None
        judges = first.keys() & second.keys()
    if (first is None and first_value is None) or (second is None and second_value is None) or not judges:
        return None
    pairs = [(_value(first, judge, first_value), _value(second, judge, second_value)) for judge in sorted(judges)]
    return fmean(of_first - of_second for of_first, of_second in pairs)


def _value(ratings: Ratings | None, judge: str, value: float | None) -> float:
    if ratings is not None:
        return score(ratings[judge], None)
    assert value is not None
    return value
