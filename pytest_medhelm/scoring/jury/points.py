"""Scores from criteria with points, each met, not met or missing.

The original definition (Arora et al. 2025, arXiv:2505.08775, section 4; openai/simple-evals): points of the criteria
that are met, negative ones included, over the sum of the positive points. A missing verdict is never "not met": the
score is then missing, and bounds say what it could be.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_medhelm.tasks.points import PointsCriterion

Met = Sequence[bool | None]
"""A judge's verdict on each criterion, None where there is none."""

LENGTH_CENTRE = 2000
LENGTH_STEP = 500
"""Characters: an answer of LENGTH_CENTRE keeps its score, each LENGTH_STEP more costs one penalty."""


@dataclass(frozen=True, slots=True)
class PointsScore:
    """An example's score; at most 1, and below 0 where faults outweigh."""

    value: float | None
    """None while a verdict is missing."""
    worst: float
    """Were every missing verdict the less favourable one."""
    best: float
    """Were every missing verdict the more favourable one."""
    lowest: float
    """The least that any answer can get by these criteria."""


def points_score(criteria: Sequence[PointsCriterion], gradings: Sequence[Met]) -> PointsScore | None:
    """The mean of the gradings' scores (one for each judge and repeat); None without a positive criterion."""
    possible = sum(criterion.points for criterion in criteria if criterion.points > 0)
    if not possible:
        return None
    worst = [sum(_least(criterion, met) for criterion, met in zip(criteria, given, strict=True)) for given in gradings]
    best = [sum(_most(criterion, met) for criterion, met in zip(criteria, given, strict=True)) for given in gradings]
    complete = all(met is not None for given in gradings for met in given)
    return PointsScore(
        value=fmean(best) / possible if complete else None,
        worst=fmean(worst) / possible,
        best=fmean(best) / possible,
        lowest=sum(criterion.points for criterion in criteria if criterion.points < 0) / possible,
    )


def _least(criterion: PointsCriterion, met: bool | None) -> float:
    return min(0.0, criterion.points) if met is None else criterion.points * met


def _most(criterion: PointsCriterion, met: bool | None) -> float:
    return max(0.0, criterion.points) if met is None else criterion.points * met


def helm_points_score(criteria: Sequence[PointsCriterion], gradings: Sequence[Met]) -> float | None:
    """The mean over judges by the formula of MedHELM 0.8.0: negative points p count as 10 + p, in both sums.

    A verdict that is missing counts as not met there; a judge without any verdict does not count. None where no judge
    or no points are left.
    """
    weights = [criterion.points if criterion.points >= 0 else 10 + criterion.points for criterion in criteria]
    heard = [given for given in gradings if any(met is not None for met in given)]
    if not heard or not sum(weights):
        return None
    return fmean(
        sum(weight for weight, met in zip(weights, given, strict=True) if met) / sum(weights) for given in heard
    )


def by_tag(criteria: Sequence[PointsCriterion]) -> Mapping[str, list[int]]:
    """The positions of the criteria behind each tag, under the name of its score ("axis:accuracy": axis_accuracy)."""
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for position, criterion in enumerate(criteria):
        for name in dict.fromkeys(map(tag_metric, criterion.tags)):
            positions[name].append(position)
    return positions


def tag_metric(tag: str) -> str:
    """The name of a tag's score."""
    return re.sub(r"\W+", "_", tag).strip("_")


def length_adjustment(characters: int, penalty: float) -> float:
    """What is added to a score for the answer's length: negative above LENGTH_CENTRE, positive below.

    score - penalty x (characters - 2,000) / 500: the length adjustment of HealthBench Professional (section 4.1 of its
    paper), which also gives a penalty for the other three sets.
    """
    return -penalty * (characters - LENGTH_CENTRE) / LENGTH_STEP
