"""Whether the judges of a benchmark were seen to agree with clinicians on answers of this suite."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from pytest_medhelm.results.agreement.columns import COMPOSITE, clinician_means, composites, jury_means, side_by_side
from pytest_medhelm.results.agreement.icc import icc
from pytest_medhelm.results.store.ratings import Answer, Rating, Ratings


class Validation(NamedTuple):
    """How far the judges of a benchmark agree with clinicians."""

    answers: int
    """Rated by at least two clinicians, and by the judges."""
    value: float | None
    """ICC(2,1) of the jury's and the clinicians' averages (docs/agreement.md)."""
    low: float | None
    high: float | None
    """Its limits, each at the one-sided level that was asked for."""


def validated(ratings: Ratings, alpha: float) -> dict[str, Validation]:
    """By benchmark, over the answers that two clinicians rated: those that fewer rated say less and are left out."""
    clinicians: dict[Answer, set[str]] = defaultdict(set)
    for rating in ratings.scores:
        if rating.kind == "clinician":
            clinicians[rating.answer].add(rating.rater)
    twice = {answer for answer, raters in clinicians.items() if len(raters) > 1}
    kept = tuple(rating for rating in ratings.scores if rating.answer in twice)
    judged = {rating.answer for rating in kept if rating.kind in ("judge", "jury")}
    validations = {}
    for benchmark in sorted({answer.benchmark for answer in judged}):
        scores = [rating for rating in kept if rating.answer.benchmark == benchmark and rating.answer in judged]
        answers = len({rating.answer for rating in scores})
        validations[benchmark] = Validation(answers, *_agreement(scores, alpha))
    return validations


def _agreement(scores: list[Rating], alpha: float) -> tuple[float | None, float | None, float | None]:
    """Of the mean over the criteria; a single criterion is its own mean."""
    averaged, _ = composites(scores)
    criteria = {rating.criterion for rating in scores} - {COMPOSITE}
    whole = list(averaged) if len(criteria) > 1 else scores
    jury, clinicians = jury_means(whole)[0], clinician_means(whole)
    if not jury or not clinicians:
        return None, None, None
    estimate = icc(side_by_side(jury, clinicians, ("the jury", "clinicians")), "ICC(2,1)", alpha)
    return estimate.value, estimate.low, estimate.high
