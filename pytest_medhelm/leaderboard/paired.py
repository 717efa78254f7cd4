"""Two models compared on the instances, and by the judges, that both have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pytest_medhelm.leaderboard.jury import Ratings, score
from pytest_medhelm.leaderboard.paired_statistics import paired_interval

if TYPE_CHECKING:
    from pytest_medhelm.leaderboard.aggregate import Cell


def paired(cells: Sequence[Cell], candidates: Sequence[str]) -> list[dict[str, Any]]:
    """With two candidates: the mean difference on the instances that both have measured."""
    pool = sorted({cell.model for cell in cells} & set(candidates))
    if len(pool) != 2:
        return []
    table = {(cell.benchmark, cell.model): cell for cell in cells}
    rows = []
    for benchmark in sorted({cell.benchmark for cell in cells}):
        first, second = (table.get((benchmark, model)) for model in pool)
        if first is None or second is None or first.main_metric != second.main_metric:
            continue
        if first.facts["data"]["sha256"] != second.facts["data"]["sha256"]:
            continue
        scale = next((cell.metrics[cell.main_metric]["scale"] for cell in (first, second) if cell.scored), None)
        if scale is None:
            continue  # Nothing was measured, e.g. no judge gave a verdict.
        pairs = list(pairs_of(first, second, first.main_metric))
        differences = [difference for _, difference in pairs]
        clusters = [first.clusters[place] for place, _ in pairs] if first.clusters else None
        interval = paired_interval(differences, clusters, span=abs(scale[1] - scale[0]))
        if interval is None:
            continue
        rows.append(
            {
                "benchmark": benchmark,
                "models": pool,
                "difference": fmean(differences),
                "low": interval.low,
                "high": interval.high,
                "n": len(differences),
            }
        )
    return rows


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
    if metric == "jury" and first.criteria == second.criteria and first.ratings and second.ratings:
        ratings = first.ratings[place], second.ratings[other]
        if ratings != (None, None):
            return _by_judge(*ratings, mine, theirs)
    return None if mine is None or theirs is None else mine - theirs


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
