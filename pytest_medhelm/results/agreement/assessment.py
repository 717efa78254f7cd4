"""How far a jury can be trusted: every comparison that some ratings allow, per criterion and for their composite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_medhelm.results.agreement.columns import COMPOSITE, by_rater, clinician_means, composites, jury_means
from pytest_medhelm.results.agreement.comparison import Association, Comparison, associations, compare
from pytest_medhelm.results.agreement.estimate import Estimate
from pytest_medhelm.results.agreement.group import Group, among
from pytest_medhelm.results.agreement.harm import HarmAssessed, assess_harm
from pytest_medhelm.results.agreement.judge_influence import JudgeInfluence, favours, single_judges
from pytest_medhelm.results.store.ratings import HarmMark, Rating, Ratings

_KINDS = ("clinician", "judge")


@dataclass(frozen=True, slots=True)
class CriterionAssessment:
    """One criterion, or the composite."""

    criterion: str
    jury: Comparison | None
    single_judges: tuple[Comparison, ...]
    clinicians: Group | None
    judges: Group | None
    metrics: tuple[Association, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that is shown."""

    benchmarks: tuple[str, ...]
    models: tuple[str, ...]
    answers: int
    clinicians: tuple[str, ...]
    judges: tuple[str, ...]
    standardised: bool
    criteria: tuple[CriterionAssessment, ...]
    judged: tuple[JudgeInfluence, ...]
    self_preference: Mapping[str, Estimate]
    """By judge, with the family that it is of in the name of the estimate."""
    notes: tuple[str, ...]
    harm: tuple[HarmAssessed, ...] = ()


def assess(ratings: Ratings, *, zscore: bool = False, precision: float | None = None) -> Assessment:
    """Everything that the ratings allow.

    ``zscore`` turns each compared column into z-scores for intraclass correlations and alpha; differences, bias and
    kappa keep the scale. ``precision`` is the wanted half-width of intervals of agreement.
    """
    averaged, partial = composites(ratings.scores)
    by_criterion: dict[str, list[Rating]] = defaultdict(list)
    for rating in (*averaged, *ratings.scores):
        by_criterion[rating.criterion].append(rating)
    names = [COMPOSITE, *sorted(by_criterion.keys() - {COMPOSITE})]
    if len(names) == 2:  # a single criterion is its own composite
        names = names[1:]
    notes = list(ratings.notes)
    if partial:
        notes.append(f"ratings without all criteria, not in the composite: {partial}")
    given: list[Rating | HarmMark] = [*ratings.scores, *ratings.marks]
    answers = ratings.answers
    clinicians, judges = (tuple(sorted({rating.rater for rating in given if rating.kind == kind})) for kind in _KINDS)
    return Assessment(
        tuple(sorted({answer.benchmark for answer in answers})),
        tuple(sorted({answer.model for answer in answers})),
        len(answers),
        clinicians,
        judges,
        zscore,
        tuple(_assessed(name, by_criterion[name], ratings, zscore, precision) for name in names),
        single_judges(by_criterion[names[0]]),
        favours(by_criterion[names[0]]),
        tuple(notes),
        assess_harm(ratings.marks),
    )


def _assessed(
    name: str, scores: Sequence[Rating], ratings: Ratings, zscore: bool, precision: float | None
) -> CriterionAssessment:
    clinicians, judges = (by_rater(rating for rating in scores if rating.kind == kind) for kind in _KINDS)
    clinical = clinician_means(scores)
    jury, note = jury_means(scores)
    compared = None
    if jury and clinical:
        compared = compare("the jury", jury, clinical, zscore=zscore, precision=precision, note=note)
    single: list[Comparison] = []
    for judge in judges.raters if clinical else ():
        single_judge = {
            rating.answer: rating.score for rating in scores if (rating.kind, rating.rater) == ("judge", judge)
        }
        single.append(compare(judge, single_judge, clinical, zscore=zscore))
    return CriterionAssessment(
        name,
        compared,
        tuple(single),
        among("clinicians", clinicians, zscore=zscore, precision=precision),
        among("judges", judges, zscore=zscore, precision=precision),
        associations(ratings.metrics, clinical, jury),
    )
