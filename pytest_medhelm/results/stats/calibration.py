"""How far confidences are right: calibration errors, with what chance makes of them.

A confidence is the probability, 0 to 1, that an answer is right. The calibration error in bins (ECE) is never 0: in
a bin of three answers the share of right ones is 0, 1/3, 2/3 or 1, whatever the model says. ``expected_by_chance``
says how large it is for a model that is perfectly calibrated; an ECE below that is no sign of anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pytest_medhelm.results.stats.clusters import effect_of

Floats = npt.NDArray[np.float64]

BINS = 10
RESAMPLES = 1000
SEED = 0
_AT_ONCE = 1_000_000
"""Numbers that are drawn together."""
_NORMAL = NormalDist()


class Bins(NamedTuple):
    """Answers in bins of about equal numbers, from the least to the most confident."""

    sizes: Floats
    confidence: Floats
    """Mean confidence of each."""
    right: Floats
    """Share of right answers of each."""
    order: npt.NDArray[np.intp]
    """Which bin each answer is in."""


def equal_mass_bins(confidences: Sequence[float], right: Sequence[float], count: int = BINS) -> Bins:
    """Bins as the package uncertainty-calibration makes them (Kumar, Liang and Ma, NeurIPS 2019).

    The sorted confidences are cut into ``count`` parts of equal size, fewer where there are fewer answers; the edge
    between two parts lies half way, and equal edges are one: equal confidences are never in two bins.
    """
    values, outcomes = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    parts = np.array_split(np.sort(values), min(count, values.size))
    edges = sorted({(before[-1] + after[0]) / 2 for before, after in pairwise(parts)} | {1.0})
    bins = np.searchsorted(edges, values)
    _, order = np.unique(bins, return_inverse=True)
    sizes = np.bincount(order).astype(np.float64)
    return Bins(sizes, np.bincount(order, values) / sizes, np.bincount(order, outcomes) / sizes, order)


def ece(confidences: Sequence[float], right: Sequence[float], count: int = BINS) -> float:
    """The expected calibration error: the mean distance of confidence and share of right answers, by bin, 0 to 1."""
    return _distance(equal_mass_bins(confidences, right, count))


def debiased_ece(confidences: Sequence[float], right: Sequence[float], count: int = BINS) -> float | None:
    """The ECE less what chance adds to it, at least 0; None where a bin holds a single answer.

    As uncertainty-calibration's ``normal_debiased_ce``, whose mean over normal draws is known exactly: it is that of
    a folded normal distribution.
    """
    bins = equal_mass_bins(confidences, right, count)
    if bins.sizes.min() < 2:
        return None
    deviations = np.sqrt(bins.right * (1 - bins.right) / bins.sizes)
    folded = [
        _folded_mean(mean, deviation) for mean, deviation in zip(bins.right - bins.confidence, deviations, strict=True)
    ]
    return max(0.0, 2 * _distance(bins) - float(np.dot(bins.sizes, folded)) / float(bins.sizes.sum()))


def expected_by_chance(confidences: Sequence[float], count: int = BINS) -> tuple[float, float]:
    """The mean ECE of a perfectly calibrated model with these confidences, and what it exceeds in 1 of 20 runs."""
    values = np.asarray(confidences, dtype=np.float64)
    bins = equal_mass_bins(confidences, values.tolist(), count)
    sorted_places = np.argsort(bins.order, kind="stable")
    starts = np.concatenate([[0], np.cumsum(bins.sizes)[:-1]]).astype(np.intp)
    generator = np.random.default_rng(SEED)
    distances: list[Floats] = []
    step = max(1, _AT_ONCE // values.size)
    for done in range(0, RESAMPLES, step):
        draws = generator.random((min(step, RESAMPLES - done), values.size)) < values[sorted_places]
        shares = np.add.reduceat(draws, starts, axis=1, dtype=np.float64)
        distances.append(np.abs(shares - bins.sizes * bins.confidence).sum(axis=1) / values.size)
    errors = np.concatenate(distances)
    return float(errors.mean()), float(np.quantile(errors, 0.95))


def ece_limits(
    confidences: Sequence[float],
    right: Sequence[float],
    clusters: Sequence[str] | None,
    confidence: float,
    count: int = BINS,
) -> tuple[float, float]:
    """Limits of the true error in these bins, 0 to 1.

    A share moves the ECE by no more than it moves itself, so what the shares of all bins differ by from the true ones,
    weighted like the ECE, bounds how far it is off. That sum is simulated with shares moved by one right and one wrong
    answer, so that a bin in which all are right still varies.
    """
    bins = equal_mass_bins(confidences, right, count)
    sizes = bins.sizes.astype(np.intp)
    shares = (bins.right * bins.sizes + 1) / (bins.sizes + 2)
    generator = np.random.default_rng(SEED)
    draws = generator.binomial(sizes, shares, (2 * RESAMPLES, sizes.size))
    off = np.abs(draws - bins.sizes * shares).sum(axis=1) / bins.sizes.sum()
    residuals = np.asarray(right, dtype=np.float64) - bins.right[bins.order]
    effect, stretch = effect_of(residuals, clusters, confidence)
    reach = float(np.quantile(off, confidence)) * math.sqrt(effect) * stretch
    distance = _distance(bins)
    return max(0.0, distance - reach), min(1.0, distance + reach)


def _distance(bins: Bins) -> float:
    return float(np.dot(bins.sizes, np.abs(bins.confidence - bins.right)) / bins.sizes.sum())


def _folded_mean(mean: float, deviation: float) -> float:
    """The mean of the absolute value of a normal variable."""
    if deviation == 0:
        return abs(mean)
    ratio = mean / deviation
    tail = math.sqrt(2 / math.pi) * math.exp(-ratio * ratio / 2)
    return deviation * tail + mean * (1 - 2 * _NORMAL.cdf(-ratio))
