"""Whether confidences tell right answers from wrong ones: AUROC, and accuracy when the least sure are left out.

A model that says 80 % of each answer and is right in 80 % is perfectly calibrated and tells nothing apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pytest_medhelm.results.stats.clusters import effect_of
from pytest_medhelm.results.stats.wilson import limits_of_share, normal_quantile

Floats = npt.NDArray[np.float64]


def auroc(confidences: Sequence[float], right: Sequence[float]) -> float | None:
    """How often a right answer has the higher confidence of a right and a wrong one, equal ones counting half.

    0.5 tells nothing apart. None unless there are answers of both kinds.
    """
    values, outcomes = np.asarray(confidences, dtype=np.float64), np.asarray(right) > 0.5
    ranks = _midranks(values)
    ones, zeros = int(outcomes.sum()), int((~outcomes).sum())
    if not (ones and zeros):
        return None
    return (float(ranks[outcomes].sum()) - ones * (ones + 1) / 2) / (ones * zeros)


def auroc_limits(
    confidences: Sequence[float], right: Sequence[float], clusters: Sequence[str] | None, confidence: float
) -> tuple[float, float] | None:
    """Limits of the AUROC: method 5 of Newcombe (Stat. Med. 25, 2006), which holds with few answers and near 1.

    A true value is kept where the one that was found lies within its own standard error, times the quantile. With
    clusters that error grows by the root of the design effect of the placements (DeLong et al., Biometrics 44, 1988).
    """
    area = auroc(confidences, right)
    if area is None:
        return None
    outcomes = np.asarray(right) > 0.5
    ones, zeros = int(outcomes.sum()), int((~outcomes).sum())
    effect, stretch = effect_of(_placements(confidences, outcomes, area), clusters, confidence)
    reach = normal_quantile(confidence) * stretch * math.sqrt(effect)
    half = (ones + zeros) / 2 - 1

    def error(true: float) -> float:
        terms = 1 + half * ((1 - true) / (2 - true) + true / (1 + true))
        return math.sqrt(true * (1 - true) * terms / (ones * zeros))

    def end(outer: float) -> float:
        inside, outside = area, outer
        for _ in range(60):
            middle = (inside + outside) / 2
            if abs(area - middle) <= reach * error(middle):
                inside = middle
            else:
                outside = middle
        return outside

    return end(0.0), end(1.0)


def selective_accuracy(confidences: Sequence[float], right: Sequence[float]) -> float:
    """The area under accuracy by the share of answers kept, 0 to 1: the mean accuracy of the k surest, over all k.

    Answers of equal confidence are kept in any order: the mean over all of them.
    """
    return float(np.dot(_area_weights(confidences), np.asarray(right, dtype=np.float64)))


def selective_limits(
    confidences: Sequence[float], right: Sequence[float], clusters: Sequence[str] | None, confidence: float
) -> tuple[float, float]:
    """Limits of ``selective_accuracy``, a mean of right and wrong answers with known weights.

    Weights w are worth 1 / sum(w^2) equal ones (Kish, Survey Sampling, 1965), about half of all answers.
    """
    weights, outcomes = _area_weights(confidences), np.asarray(right, dtype=np.float64)
    share = float(np.dot(weights, outcomes))
    effect, stretch = effect_of(weights * (outcomes - share), clusters, confidence)
    n = 1 / float((weights**2).sum()) / effect / stretch**2
    return limits_of_share(share, n, confidence)


def selective_curve(
    confidences: Sequence[float], right: Sequence[float], points: int = 20
) -> list[tuple[float, float]]:
    """(share of answers kept, accuracy among them) from the surest on, at ``points`` equal steps up to all of them."""
    outcomes = _by_confidence(confidences, right)
    means = np.cumsum(outcomes) / np.arange(1, outcomes.size + 1)
    kept = sorted({max(1, round(outcomes.size * step / points)) for step in range(1, points + 1)})
    return [(number / outcomes.size, float(means[number - 1])) for number in kept]


def _by_confidence(confidences: Sequence[float], right: Sequence[float]) -> Floats:
    """Right answers from the surest on; those of equal confidence are each the mean of them."""
    values, outcomes = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    _, codes, sizes = np.unique(-values, return_inverse=True, return_counts=True)
    means = np.bincount(codes, outcomes) / sizes
    return np.repeat(means, sizes)


def _area_weights(confidences: Sequence[float]) -> Floats:
    """What each answer counts in the area; the weights of all are 1."""
    values = np.asarray(confidences, dtype=np.float64)
    by_rank = np.cumsum(1 / np.arange(values.size, 0, -1))[::-1] / values.size
    _, codes, sizes = np.unique(-values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    sums = np.concatenate([[0.0], np.cumsum(by_rank)])
    means: Floats = (sums[ends] - sums[ends - sizes]) / sizes
    return means[codes]


def _placements(confidences: Sequence[float], outcomes: npt.NDArray[np.bool_], area: float) -> Floats:
    """What each answer adds to the deviation of the AUROC."""
    values = np.asarray(confidences, dtype=np.float64)
    parts = np.zeros(values.size)
    for kind in (True, False):
        of_kind, other = values[outcomes == kind], np.sort(values[outcomes != kind])
        below = (np.searchsorted(other, of_kind, "left") + np.searchsorted(other, of_kind, "right")) / 2 / other.size
        parts[outcomes == kind] = ((below if kind else 1 - below) - area) / of_kind.size
    return parts


def _midranks(values: Floats) -> Floats:
    _, codes, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    means: Floats = ends - (sizes - 1) / 2
    return means[codes]
