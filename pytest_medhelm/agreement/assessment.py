"""How far a jury can be trusted: every comparison that some ratings allow, per criterion and for their composite.

The composite of a rater is the mean of the criteria that a benchmark's clinicians and judges both rate (all of them
where there is one kind of rater). The jury's score of an answer is the mean over the benchmark's judges, and absent
unless all of them gave one; the clinicians' score is the mean over those who rated it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from pytest_medhelm.agreement.coefficients import alpha, kendall, spearman, weighted_kappa
from pytest_medhelm.agreement.differences import Difference, differences
from pytest_medhelm.agreement.estimate import Estimate, absent, counted
from pytest_medhelm.agreement.harm import HarmAssessed, assess_harm
from pytest_medhelm.agreement.icc import agreement, icc, one_way
from pytest_medhelm.agreement.judges import (
    Bias,
    LeftOut,
    Ordering,
    biases,
    family,
    leave_one_out,
    orderings,
    self_preference,
)
from pytest_medhelm.agreement.needed import answers_needed
from pytest_medhelm.agreement.pairs import Pair, over_pairs
from pytest_medhelm.agreement.table import COMPLETE, Table, design, standardised, table_of
from pytest_medhelm.agreement.words import meaning
from pytest_medhelm.results.ratings import Answer, HarmMark, Rating, Ratings

COMPOSITE = "composite"
_CLINICIANS, _JURY = "clinicians", "jury"

Scores = Mapping[Answer, float]


@dataclass(frozen=True, slots=True)
class Needed:
    """How many answers an interval of a wanted precision takes."""

    half_width: float
    expected: float
    """The intraclass correlation that was found, at least 0."""
    raters: int
    """Ratings of each answer."""
    answers: int
    now: int


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
    needed: Needed | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Raters of one kind among themselves."""

    kind: str
    raters: int
    answers: int
    ratings: int
    design: str
    agreement: Estimate
    meaning: str
    others: tuple[Estimate, ...]
    biases: tuple[Bias, ...]
    pairs: tuple[Pair, ...]
    """Of ICC(2,1), with the number of answers in common."""
    differences: Mapping[str, Difference]
    """First minus second of every pair, where there are few raters."""
    needed: Needed | None


@dataclass(frozen=True, slots=True)
class Association:
    """A metric on another scale, beside the clinicians: whether it orders answers as they do."""

    metric: str
    spearman: Estimate
    kendall: Estimate
    jury: Estimate
    """Spearman's correlation of the jury with the clinicians on the same answers."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """One criterion, or the composite."""

    criterion: str
    jury: Comparison | None
    single_judges: tuple[Comparison, ...]
    clinicians: Group | None
    judges: Group | None
    metrics: tuple[Association, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What single judges do to the values of one benchmark."""

    benchmark: str
    without: Mapping[str, LeftOut]
    """By model: the mean, and the means without one judge."""
    full: Mapping[str, float]
    orderings: tuple[Ordering, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that is shown."""

    benchmarks: tuple[str, ...]
    models: tuple[str, ...]
    answers: int
    clinicians: tuple[str, ...]
    judges: tuple[str, ...]
    standardised: bool
    criteria: tuple[Assessed, ...]
    judged: tuple[Judged, ...]
    self_preference: Mapping[str, Estimate]
    """By judge, with the family that it is of in the name of the estimate."""
    notes: tuple[str, ...]
    harm: tuple[HarmAssessed, ...] = ()


def assess(ratings: Ratings, *, zscore: bool = False, precision: float | None = None) -> Assessment:
    """Everything that the ratings allow.

    ``zscore`` turns each compared column into z-scores for intraclass correlations and alpha; differences, bias and
    kappa keep the scale. ``precision`` is the wanted half-width of intervals of agreement.
    """
    composites, partial = _composites(ratings.scores)
    everything = (*composites, *ratings.scores)
    by_criterion: dict[str, list[Rating]] = defaultdict(list)
    for rating in everything:
        by_criterion[rating.criterion].append(rating)
    names = [COMPOSITE, *sorted(by_criterion.keys() - {COMPOSITE})]
    if len(names) == 2:  # a single criterion is its own composite
        names = names[1:]
    notes = list(ratings.notes)
    if partial:
        notes.append(f"ratings without all criteria, not in the composite: {partial}")
    given: list[Rating | HarmMark] = [*ratings.scores, *ratings.marks]
    answers = ratings.answers
    judged, favour = _judged(by_criterion[names[0]])
    clinicians, judges = (tuple(sorted({entry.rater for entry in given if entry.kind == kind})) for kind in _KINDS)
    return Assessment(
        tuple(sorted({answer.benchmark for answer in answers})),
        tuple(sorted({answer.model for answer in answers})),
        len(answers),
        clinicians,
        judges,
        zscore,
        tuple(_assessed(name, by_criterion[name], ratings, zscore, precision) for name in names),
        judged,
        favour,
        tuple(notes),
        assess_harm(ratings.marks),
    )


_KINDS = ("clinician", "judge")


def _composites(scores: Sequence[Rating]) -> tuple[list[Rating], int]:
    """Composite ratings, and how many raters of an answer lack a criterion."""
    used: dict[str, dict[bool, set[str]]] = defaultdict(lambda: defaultdict(set))
    own: dict[tuple[str, str, Answer], dict[str, float]] = defaultdict(dict)
    for rating in scores:
        used[rating.answer.benchmark][rating.kind == "clinician"].add(rating.criterion)
        own[rating.kind, rating.rater, rating.answer][rating.criterion] = rating.score
    wanted = {name: set.intersection(*kinds.values()) or set.union(*kinds.values()) for name, kinds in used.items()}
    found, partial = [], 0
    for rating in scores:
        given = own.pop((rating.kind, rating.rater, rating.answer), None)
        if given is None:
            continue
        criteria = wanted[rating.answer.benchmark]
        if criteria <= given.keys():
            mean = fmean(given[name] for name in sorted(criteria))
            found.append(replace(rating, criterion=COMPOSITE, score=mean))
        else:
            partial += 1
    return found, partial


def _assessed(name: str, scores: Sequence[Rating], ratings: Ratings, zscore: bool, precision: float | None) -> Assessed:
    clinicians, judges = (_table(rating for rating in scores if rating.kind == kind) for kind in _KINDS)
    theirs = _clinician_means(scores)
    jury, note = _jury_means(scores)
    compared = _compare("the jury", jury, theirs, zscore, precision, note) if jury and theirs else None
    single: list[Comparison] = []
    for judge in judges.raters if theirs else ():
        own = {rating.answer: rating.score for rating in scores if (rating.kind, rating.rater) == ("judge", judge)}
        single.append(_compare(judge, own, theirs, zscore, None, ""))
    return Assessed(
        name,
        compared,
        tuple(single),
        _group("clinicians", clinicians, zscore, precision) if clinicians.raters else None,
        _group("judges", judges, zscore, precision) if judges.raters else None,
        _associations(ratings, theirs, jury),
    )


def _key(answer: Answer) -> str:
    return "\x1f".join(answer)


def _instance(key: str) -> str:
    """What answers of several models share."""
    return key.rpartition("\x1f")[0]


def _table(scores: Iterable[Rating], raters: Collection[str] = ()) -> Table:
    return table_of(((_key(rating.answer), rating.rater, rating.score) for rating in scores), raters)


def _clinician_means(scores: Sequence[Rating]) -> dict[Answer, float]:
    given: dict[Answer, list[float]] = defaultdict(list)
    for rating in scores:
        if rating.kind == "clinician":
            given[rating.answer].append(rating.score)
    return {answer: fmean(sorted(values)) for answer, values in given.items()}


def _jury_means(scores: Sequence[Rating]) -> tuple[dict[Answer, float], str]:
    """The jury's score by answer, and how many answers lack a judge's."""
    given: dict[Answer, list[float]] = defaultdict(list)
    panel: dict[str, set[str]] = defaultdict(set)
    averages = {rating.answer: rating.score for rating in scores if rating.kind == "jury"}
    for rating in scores:
        if rating.kind == "judge":
            given[rating.answer].append(rating.score)
            panel[rating.answer.benchmark].add(rating.rater)
    whole = {
        answer: fmean(sorted(values)) for answer, values in given.items() if len(values) == len(panel[answer.benchmark])
    }
    left = len(given) - len(whole)
    return averages | whole, f"{counted(left, 'answer')} left out: not every judge gave a score" if left else ""


def _both(first: Scores, second: Scores, names: tuple[str, str]) -> Table:
    """Two columns of scores on the answers that are in both, rows sorted."""
    shared = sorted(first.keys() & second.keys())
    scores = np.array([[first[answer], second[answer]] for answer in shared]).reshape(-1, 2)
    return Table(scores, tuple(_key(answer) for answer in shared), names)


def _compare(rater: str, own: Scores, theirs: Scores, zscore: bool, precision: float | None, note: str) -> Comparison:
    table = _both(own, theirs, (rater, _CLINICIANS))
    scaled = standardised(table) if zscore else table
    headline = icc(scaled, "ICC(2,1)")
    benchmarks = sorted({answer.benchmark for answer in own.keys() & theirs.keys()})
    split = {}
    for name in benchmarks if len(benchmarks) > 1 else ():
        part = [{answer: side[answer] for answer in side if answer.benchmark == name} for side in (own, theirs)]
        one = _both(part[0], part[1], (rater, _CLINICIANS))
        split[name] = icc(standardised(one) if zscore else one, "ICC(2,1)")
    return Comparison(
        rater,
        headline,
        meaning(headline, f"{rater}'s score of an answer", "the clinicians' average"),
        differences(table, [_instance(name) for name in table.answers]),
        (
            icc(scaled, "ICC(3,1)"),
            icc(scaled, "ICC(3,k)"),
            alpha(scaled, "interval"),
            weighted_kappa(table, rounded=True),
            spearman(table),
            kendall(table),
        ),
        split,
        _needed(headline, 2, precision),
        note,
    )


_FEW_RATERS = 4
"""Up to so many raters, every pair's difference is shown: 6 pairs."""


def _group(kind: str, table: Table, zscore: bool, precision: float | None) -> Group:
    scaled = standardised(table) if zscore else table
    rated = table.rated()
    headline = agreement(scaled)
    found = design(table) if len(table.raters) > 1 else "a single rater"
    mean, pairs = over_pairs(scaled, lambda pair: icc(pair, "ICC(2,1)"))
    kappa, _ = over_pairs(table, weighted_kappa)
    others: list[Estimate] = []
    if found == COMPLETE:
        others += [icc(scaled, "ICC(3,1)"), icc(scaled, "ICC(3,k)"), icc(scaled, "ICC(1,1)")]
    elif headline.name != "ICC(1,1)":
        others.append(one_way(scaled))
    whole = bool((table.scores[rated] == np.rint(table.scores[rated])).all())
    others += [mean, alpha(scaled, "interval"), *((alpha(table, "ordinal"), kappa) if whole else ())]
    twice = rated.sum(axis=1)
    typical = max(2, round(float(twice[twice >= 2].mean()))) if (twice >= 2).any() else 2
    apart = {}
    if 2 <= len(table.raters) <= _FEW_RATERS:
        for pair in pairs:
            common = table.columns(*pair.raters)
            apart[" minus ".join(pair.raters)] = differences(common, [_instance(name) for name in common.answers])
    return Group(
        kind,
        len(table.raters),
        len(table.answers),
        int(rated.sum()),
        found,
        headline,
        meaning(headline, f"one {kind.removesuffix('s')}'s score", "another's"),
        tuple(others),
        tuple(biases(table, [_instance(name) for name in table.answers])),
        tuple(pairs),
        apart,
        _needed(headline, typical, precision),
    )


def _needed(estimate: Estimate, raters: int, precision: float | None) -> Needed | None:
    if precision is None or estimate.value is None:
        return None
    expected = min(max(estimate.value, 0.0), 0.999)
    return Needed(precision, expected, raters, answers_needed(expected, precision, raters=raters), estimate.n)


def _associations(ratings: Ratings, theirs: Scores, jury: Scores) -> tuple[Association, ...]:
    if not theirs:
        return ()
    found = []
    for name in sorted({name for values in ratings.metrics.values() for name in values}):
        own = {answer: values[name] for answer, values in ratings.metrics.items() if name in values}
        table = _both(own, theirs, (name, _CLINICIANS))
        beside = {answer: score for answer, score in jury.items() if answer in own}
        other = (
            spearman(_both(beside, theirs, (_JURY, _CLINICIANS)))
            if beside
            else absent("Spearman", 0, 2, "the jury rated none of these answers")
        )
        found.append(Association(name, spearman(table), kendall(table), other))
    return tuple(found)


def _judged(scores: Sequence[Rating]) -> tuple[tuple[Judged, ...], dict[str, Estimate]]:
    """Leave-one-judge-out, single-judge leaderboards and self-preference."""
    own = [rating for rating in scores if rating.kind == "judge"]
    judges = sorted({rating.rater for rating in own})
    if not judges:
        return (), {}
    cells: dict[str, dict[str, list[Rating]]] = defaultdict(lambda: defaultdict(list))
    for rating in own:
        cells[rating.answer.benchmark][rating.answer.model].append(rating)
    judged = []
    for benchmark, models in sorted(cells.items()):
        panel = {rating.rater for found in models.values() for rating in found}
        tables = {model: _table(found, panel) for model, found in sorted(models.items())}
        full, ordered = orderings(tables)
        without = {model: leave_one_out(table) for model, table in tables.items()}
        judged.append(Judged(benchmark, without, full, tuple(ordered)))
    pooled: dict[str, list[Rating]] = defaultdict(list)
    for rating in own:
        pooled[rating.answer.model].append(rating)
    tables = {model: _table(found) for model, found in sorted(pooled.items())}
    clusters = {model: [_instance(name) for name in table.answers] for model, table in tables.items()}
    families = {name: family(name) for name in (*tables, *judges)}
    favour = {}
    if len(judges) > 1:
        for judge in judges:
            estimate = self_preference(judge, tables, clusters, families)
            favour[judge] = replace(estimate, name=f"self-preference, family {families[judge]}")
    return tuple(judged), favour
