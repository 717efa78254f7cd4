"""The jury, a single judge or a metric beside the clinicians, answer by answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_medhelm.results.agreement.coefficients import alpha, kendall, spearman, weighted_kappa
from pytest_medhelm.results.agreement.columns import Scores, instances, side_by_side
from pytest_medhelm.results.agreement.differences import Difference, differences
from pytest_medhelm.results.agreement.estimate import Estimate, absent
from pytest_medhelm.results.agreement.icc import icc
from pytest_medhelm.results.agreement.interpretation import meaning
from pytest_medhelm.results.agreement.sample_size import SampleSize, needed
from pytest_medhelm.results.agreement.table import standardised
from pytest_medhelm.results.store.ratings import Answer

_CLINICIANS = "clinicians"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two columns of scores of the same answers: averages of the jury, or one judge, and averages of clinicians."""

    rater: str
    agreement: Estimate
    meaning: str
    difference: Difference
    """The rater minus the clinicians, in the units of the scale."""
    others: tuple[Estimate, ...]
    by_benchmark: Mapping[str, Estimate]
    needed: SampleSize | None
    note: str = ""


def compare(
    rater: str, scores: Scores, clinicians: Scores, *, zscore: bool, precision: float | None = None, note: str = ""
) -> Comparison:
    """A rater beside the clinicians (``theirs``); ``precision``: the wanted half-width of the interval."""
    table = side_by_side(scores, clinicians, (rater, _CLINICIANS))
    scaled = standardised(table) if zscore else table
    headline = icc(scaled, "ICC(2,1)")
    benchmarks = sorted({answer.benchmark for answer in scores.keys() & clinicians.keys()})
    split = {}
    for name in benchmarks if len(benchmarks) > 1 else ():
        part = [{answer: side[answer] for answer in side if answer.benchmark == name} for side in (scores, clinicians)]
        one = side_by_side(part[0], part[1], (rater, _CLINICIANS))
        split[name] = icc(standardised(one) if zscore else one, "ICC(2,1)")
    return Comparison(
        rater,
        headline,
        meaning(headline, f"{rater}'s score of an answer", "the clinicians' average"),
        differences(table, instances(table)),
        (
            icc(scaled, "ICC(3,1)"),
            icc(scaled, "ICC(3,k)"),
            alpha(scaled, "interval"),
            weighted_kappa(table, rounded=True),
            spearman(table),
            kendall(table),
        ),
        split,
        needed(headline, precision, raters=2),
        note,
    )


@dataclass(frozen=True, slots=True)
class Association:
    """A metric on another scale, beside the clinicians: whether it orders answers as they do."""

    metric: str
    spearman: Estimate
    kendall: Estimate
    jury: Estimate
    """Spearman's correlation of the jury with the clinicians on the same answers."""


def associations(
    metrics: Mapping[Answer, Mapping[str, float]], clinicians: Scores, jury: Scores
) -> tuple[Association, ...]:
    """Every metric beside the clinicians (``theirs``), by name; nothing without them."""
    if not clinicians:
        return ()
    result = []
    for name in sorted({name for values in metrics.values() for name in values}):
        metric = {answer: values[name] for answer, values in metrics.items() if name in values}
        table = side_by_side(metric, clinicians, (name, _CLINICIANS))
        jury_there = {answer: score for answer, score in jury.items() if answer in metric}
        other = (
            spearman(side_by_side(jury_there, clinicians, ("jury", _CLINICIANS)))
            if jury_there
            else absent("Spearman", 0, 2, "the jury rated none of these answers")
        )
        result.append(Association(name, spearman(table), kendall(table), other))
    return tuple(result)
