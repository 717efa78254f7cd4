"""From single ratings to the columns of scores that are compared.

The composite of a rater is the mean of the criteria that a benchmark's clinicians and judges both rate (all of them
where there is one kind of rater). The jury's score of an answer is the mean over the benchmark's judges, and absent
unless all of them gave one; the clinicians' score is the mean over those who rated it, or what was settled between
them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from pytest_medhelm.results.agreement.estimate import counted
from pytest_medhelm.results.agreement.table import Table, table_of
from pytest_medhelm.results.store.ratings import Answer, Rating

COMPOSITE = "composite"

Scores = Mapping[Answer, float]


def composites(scores: Sequence[Rating]) -> tuple[list[Rating], int]:
    """Composite ratings, and how many raters of an answer lack a criterion."""
    used: dict[str, dict[bool, set[str]]] = defaultdict(lambda: defaultdict(set))
    by_criterion: dict[tuple[str, str, Answer], dict[str, float]] = defaultdict(dict)
    for rating in scores:
        used[rating.answer.benchmark][rating.kind in ("clinician", "adjudicated")].add(rating.criterion)
        by_criterion[rating.kind, rating.rater, rating.answer][rating.criterion] = rating.score
    wanted = {name: set.intersection(*kinds.values()) or set.union(*kinds.values()) for name, kinds in used.items()}
    composed, partial = [], 0
    for rating in scores:
        given = by_criterion.pop((rating.kind, rating.rater, rating.answer), None)
        if given is None:
            continue
        criteria = wanted[rating.answer.benchmark]
        if criteria <= given.keys():
            mean = fmean(given[name] for name in sorted(criteria))
            composed.append(replace(rating, criterion=COMPOSITE, score=mean))
        else:
            partial += 1
    return composed, partial


def clinician_means(scores: Sequence[Rating]) -> dict[Answer, float]:
    """The clinicians' score of each answer that one of them rated; what was adjudicated takes the place of theirs."""
    given: dict[Answer, list[float]] = defaultdict(list)
    for rating in scores:
        if rating.kind == "clinician":
            given[rating.answer].append(rating.score)
    settled = {rating.answer: rating.score for rating in scores if rating.kind == "adjudicated"}
    return {answer: fmean(sorted(values)) for answer, values in given.items()} | settled


def jury_means(scores: Sequence[Rating]) -> tuple[dict[Answer, float], str]:
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


def by_rater(scores: Iterable[Rating], raters: Collection[str] = ()) -> Table:
    """A column for each rater; ``raters`` get one also when they rated nothing."""
    return table_of(((_row(rating.answer), rating.rater, rating.score) for rating in scores), raters)


def side_by_side(first: Scores, second: Scores, names: tuple[str, str]) -> Table:
    """Two columns of scores on the answers that are in both, rows sorted."""
    shared = sorted(first.keys() & second.keys())
    scores = np.array([[first[answer], second[answer]] for answer in shared]).reshape(-1, 2)
    return Table(scores, tuple(_row(answer) for answer in shared), names)


def instances(table: Table) -> list[str]:
    """Row by row what answers of several models share: benchmark and instance."""
    return [row.rpartition(_BETWEEN)[0] for row in table.answers]


_BETWEEN = "\x1f"


def _row(answer: Answer) -> str:
    return _BETWEEN.join(answer)
