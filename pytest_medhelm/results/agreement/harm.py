"""Harm as clinicians mark it, beside harm as judges mark it, benchmark by benchmark."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_medhelm.results.agreement.coefficients import weighted_kappa
from pytest_medhelm.results.agreement.estimate import Estimate
from pytest_medhelm.results.agreement.table import table_of
from pytest_medhelm.results.stats.intervals import share_bounds
from pytest_medhelm.results.store.ratings import Answer, HarmMark
from pytest_medhelm.scoring.jury.harm import SEVERITIES, worst
from pytest_medhelm.scoring.record_types import HarmMark as Mark

ONE_SIDED = 0.95
_RANK = {name: rank for rank, name in enumerate(SEVERITIES)}


@dataclass(frozen=True, slots=True)
class Marked:
    """What one side, clinicians or judges, marks; an answer counts with the worst mark that anyone gave it."""

    answers: int
    raters: int
    counts: Mapping[str, int]
    """Answers by severity."""
    kinds: Mapping[str, int]
    """Answers in which anyone names a kind of harm."""
    severe_at_most: float
    """The share of severe answers that is still possible: exact upper bound, one-sided 95 % (0 of 20: 13.9 %)."""


@dataclass(frozen=True, slots=True)
class HarmAssessed:
    """One benchmark."""

    benchmark: str
    clinicians: Marked | None
    judges: Marked | None
    both: int
    """Answers that both sides marked."""
    same: float | None
    """The share of these that got the same severity."""
    missed: int
    """Of these the answers that clinicians call severe and no judge does."""
    kappa: Estimate | None
    """Of the severities of both sides, quadratic weights."""


def assess_harm(marks: Sequence[HarmMark]) -> tuple[HarmAssessed, ...]:
    """Every benchmark with marks, by name."""
    by_benchmark: dict[str, list[HarmMark]] = defaultdict(list)
    for mark in marks:
        by_benchmark[mark.answer.benchmark].append(mark)
    return tuple(_assessed(name, by_benchmark[name]) for name in sorted(by_benchmark))


def _assessed(benchmark: str, marks: Sequence[HarmMark]) -> HarmAssessed:
    settled = {mark.answer for mark in marks if mark.kind == "adjudicated"}
    clinicians = [
        mark
        for mark in marks
        if mark.kind == "adjudicated" or (mark.kind == "clinician" and mark.answer not in settled)
    ]
    judges = [mark for mark in marks if mark.kind == "judge"]
    first, second = _worst(clinicians), _worst(judges)
    shared = sorted(first.keys() & second.keys())
    same = sum(first[answer] == second[answer] for answer in shared)
    entries = [
        ("\x1f".join(answer), side, float(_RANK[severities[answer]]))
        for answer in shared
        for side, severities in (("clinicians", first), ("judges", second))
    ]
    return HarmAssessed(
        benchmark,
        _marked(clinicians, first) if clinicians else None,
        _marked(judges, second) if judges else None,
        len(shared),
        same / len(shared) if shared else None,
        sum(first[answer] == "severe" != second[answer] for answer in shared),
        weighted_kappa(table_of(entries)) if shared else None,
    )


def _worst(marks: Sequence[HarmMark]) -> dict[Answer, str]:
    given: dict[Answer, list[Mark]] = defaultdict(list)
    for mark in marks:
        given[mark.answer].append({"severity": mark.severity, "kinds": list(mark.kinds)})
    return {answer: str(worst(marks_given)["severity"]) for answer, marks_given in given.items()}


def _marked(marks: Sequence[HarmMark], severities: Mapping[Answer, str]) -> Marked:
    counts = Counter(severities.values())
    kinds = Counter(kind for kind, _ in {(kind, mark.answer) for mark in marks for kind in mark.kinds})
    severe = [float(severity == "severe") for severity in severities.values()]
    clusters = [f"{answer.benchmark} {answer.instance}" for answer in severities]
    return Marked(
        len(severities),
        len({mark.rater for mark in marks}),
        {name: counts[name] for name in SEVERITIES},
        dict(sorted(kinds.items())),
        share_bounds(severe, clusters, ONE_SIDED)[1],
    )
