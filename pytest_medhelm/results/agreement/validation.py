"""Whether the judges of a benchmark were seen to agree with clinicians on answers of this suite."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from pytest_medhelm.results.agreement.assessment import assess
from pytest_medhelm.results.store.ratings import Answer, Ratings


class Validation(NamedTuple):
    """How far the judges of a benchmark agree with clinicians."""

    answers: int
    """Rated by at least two clinicians, and by the judges."""
    value: float | None
    """ICC of the jury's and the clinicians' averages, as the design of the data allows (docs/agreement.md)."""
    low: float | None
    high: float | None
    """95 % interval."""


def validated(ratings: Ratings) -> dict[str, Validation]:
    """By benchmark, over the answers that two clinicians rated: those that fewer rated say less and are left out."""
    clinicians: dict[Answer, set[str]] = defaultdict(set)
    for rating in ratings.scores:
        if rating.kind == "clinician":
            clinicians[rating.answer].add(rating.rater)
    twice = {answer for answer, raters in clinicians.items() if len(raters) > 1}
    kept = tuple(rating for rating in ratings.scores if rating.answer in twice)
    judged = {rating.answer for rating in kept if rating.kind != "clinician"}
    found = {}
    for benchmark in sorted({answer.benchmark for answer in judged}):
        scores = tuple(rating for rating in kept if rating.answer.benchmark == benchmark and rating.answer in judged)
        compared = assess(Ratings(scores)).criteria[0].jury
        agreement = compared.agreement if compared else None
        found[benchmark] = Validation(
            len({rating.answer for rating in scores}),
            agreement.value if agreement else None,
            agreement.low if agreement else None,
            agreement.high if agreement else None,
        )
    return found
