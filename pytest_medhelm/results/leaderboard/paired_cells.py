"""Two models compared on the instances, and by the judges, that both have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from pytest_medhelm.results.leaderboard.columns import Ratings, score
from pytest_medhelm.results.leaderboard.document import PairedRow
from pytest_medhelm.results.stats.intervals import Interval
from pytest_medhelm.results.stats.paired import paired_interval, paired_mean, paired_p

if TYPE_CHECKING:
    from pytest_medhelm.results.leaderboard.cell import Cell


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

    @property
    def mean(self) -> float:
        """The mean difference; with sub-runs the unweighted mean of theirs."""
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


def paired(cells: Sequence[Cell], candidates: Sequence[str]) -> list[PairedRow]:
    """With two candidates: the mean difference on the instances that both have measured."""
    pool = sorted({cell.model for cell in cells} & set(candidates))
    if len(pool) != 2:
        return []
    table = {(cell.benchmark, cell.model): cell for cell in cells}
    rows: list[PairedRow] = []
    for benchmark in sorted({cell.benchmark for cell in cells}):
        first, second = (table.get((benchmark, model)) for model in pool)
        if first is None or second is None or first.main_metric != second.main_metric:
            continue
        if first.metadata["data"]["sha256"] != second.metadata["data"]["sha256"]:
            continue
        if not (first.scored or second.scored):
            continue  # Nothing was measured, e.g. no judge gave a verdict.
        found = pair(first, second, first.main_metric)
        interval = found.interval()
        if interval is None:
            continue
        rows.append(
            {
                "benchmark": benchmark,
                "models": pool,
                "difference": found.mean,
                "low": interval.low,
                "high": interval.high,
                "n": len(found.differences),
            }
        )
    return rows


def pair(first: Cell, second: Cell, metric: str) -> Pairs:
    """What both have measured of a metric that at least one of them has."""
    found = list(pairs_of(first, second, metric))

    def kept(column: Sequence[int] | None) -> list[int] | None:
        return None if column is None else [column[place] for place, _ in found]

    return Pairs(
        names=[first.instances[place] for place, _ in found],
        differences=[gap for _, gap in found],
        clusters=kept(first.clusters),
        strata=kept(first.sub_tasks),
        span=largest_difference(first, second, metric),
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
    """The place in ``first`` of each instance that both have measured, and the difference, first minus second."""
    others = {name: place for place, name in enumerate(second.instances)}
    for place, name in enumerate(first.instances):
        if name in others:
            found = difference_at(first, place, second, others[name], metric)
            if found is not None:
                yield place, found


def difference_at(first: Cell, place: int, second: Cell, other: int, metric: str) -> float | None:
    """The difference of a metric on one instance, given its place in both cells; None unless both measured it.

    Jury scores are compared judge by judge and criterion by criterion, on the triples (instance, judge, criterion)
    that both have: a judge that fails on one model's answers must not make a difference by its absence.
    """
    mine, theirs = _at(first, metric, place), _at(second, metric, other)
    gap = None if mine is None or theirs is None else mine - theirs
    # leaderboard.json has its criteria in another order
    if metric == "jury" and set(first.criteria) == set(second.criteria) and first.ratings and second.ratings:
        ratings = first.ratings[place], second.ratings[other]
        if ratings != (None, None):
            gap = _by_judge(*ratings, mine, theirs)
    return 0.0 if gap is not None and abs(gap) < TINY else gap


def _at(cell: Cell, metric: str, place: int) -> float | None:
    return cell.scores[metric][place] if metric in cell.scores else None


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
    return fmean(own - its for own, its in pairs)


def _value(ratings: Ratings | None, judge: str, value: float | None) -> float:
    if ratings is not None:
        return score(ratings[judge], None)
    assert value is not None
    return value
