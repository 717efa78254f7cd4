"""What the value of a cell is, for one metric: the one definition that everything derived from it calls.

A measure knows its scores (None: missing), the sub-tasks and sources of the instances, and what stands for a missing
score at worst and at best. Value, interval, limits, the value among answered instances, slices and gates follow from
it, each also ``filled`` with the missing at either end.
"""

from __future__ import annotations

from dataclasses import replace

from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.confidence_measure import ConfidenceMeasure, confidence_measures
from pytest_medhelm.results.leaderboard.label_measure import LabelMeasure, label_measures
from pytest_medhelm.results.leaderboard.score_measure import ScoreMeasure, measure_of
from pytest_medhelm.results.stats.limits import Limits
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

ANSWERED = frozenset({"ok", "judge_error"})
"""Statuses of instances that the model answered."""


Measure = ScoreMeasure | LabelMeasure | ConfidenceMeasure


def worst_and_best(measure: Measure) -> tuple[float | None, float | None]:
    """The value with all that is missing at its worst, and at its best; where lower is better the first is larger."""
    if measure.missing and (measure.n or measure.gaps()):
        gaps = measure.gaps()
        return measure.filled(()).value(), measure.filled(frozenset(gaps)).value()
    return measure.value(), measure.value()


def outer_limits(measure: Measure, alpha: float) -> Limits | None:
    """The lowest lower and the highest upper limit that missing data leave possible; None where there is none.

    They are computed again for what is filled in: a limit moves with the value, and it also widens. More scores also
    tell more, but those that are not there do not: the limits of what was measured are never further out.
    """
    filled = [fill.limits(alpha) for fill in measure.fills()]
    known = [limits for limits in filled if limits is not None]
    if not known or len(known) < len(filled):
        return None
    measured = measure.limits(alpha) if measure.missing else None
    ends = known if measured is None else [measured, *known]
    return replace(ends[0], low=min(limits.low for limits in ends), high=max(limits.high for limits in ends))


def measures_of(columns: Columns, metadata: BenchmarkMetadata) -> dict[str, Measure]:
    """Every metric of a cell, sorted; those of scores before those of labels and of confidences."""
    measures: dict[str, Measure] = {name: measure_of(name, columns, metadata) for name in sorted(columns.scores)}
    return measures | label_measures(columns, metadata) | confidence_measures(columns.confidences, columns.clusters)


def answered_positions(name: str, columns: Columns) -> list[int]:
    """The positions, among those for which a metric exists, of the instances that the model answered."""
    inapplicable = columns.not_applicable.get(name, set())
    kept = [position for position in range(len(columns.ids)) if position not in inapplicable]
    return [index for index, position in enumerate(kept) if columns.statuses[position] in ANSWERED]
