"""The reliability curve without bins, and what it makes of the Brier score (CORP).

Dimitriadis, Gneiting and Jordan (PNAS 118, 2021): the shares of right answers that rise with the confidence and fit
best (isotonic regression, by pooling adjacent violators). Nobody has to choose bins, and the Brier score falls apart
exactly into miscalibration, discrimination and uncertainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 500
SEED = 0
STEPS = 100
"""The band is computed at confidences rounded to this part of 1."""


class Step(NamedTuple):
    """Neighbouring confidences for which one share of right answers fits best."""

    low: float
    """The least confidence."""
    high: float
    """The greatest confidence."""
    right: float
    """Share of right answers, 0 to 1."""
    answers: int
    """How many there are."""


class Decomposition(NamedTuple):
    """The Brier score is miscalibration - discrimination + uncertainty."""

    miscalibration: float
    """What recalibrating would gain, at least 0; chance makes some of it."""
    discrimination: float
    """What telling right from wrong gains, at least 0."""
    uncertainty: float
    """The Brier score of always saying the accuracy."""


class BandPoint(NamedTuple):
    """Where the curve of a perfectly calibrated model lies in 95 of 100 runs."""

    confidence: float
    low: float
    high: float


def pooled(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The rising sequence nearest to ``values`` by weighted least squares (pool adjacent violators)."""
    blocks: list[list[float]] = []  # mean, weight, length
    for value, weight in zip(values, weights, strict=True):
        blocks.append([value, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean, size, length = blocks.pop()
            first = blocks[-1]
            first[0] = (first[0] * first[1] + mean * size) / (first[1] + size)
            first[1] += size
            first[2] += length
    return [mean for mean, _, length in blocks for _ in range(int(length))]


def curve(confidences: Sequence[float], right: Sequence[float]) -> list[Step]:
    """The reliability curve: steps from the least to the most confident answers."""
    levels, sizes, fitted = _fitted(confidences, right)
    steps: list[Step] = []
    for level, size, share in zip(levels.tolist(), sizes.tolist(), fitted, strict=True):
        if steps and steps[-1].right == share:
            steps[-1] = steps[-1]._replace(high=level, answers=steps[-1].answers + size)
        else:
            steps.append(Step(level, level, share, size))
    return steps


def decomposition(confidences: Sequence[float], right: Sequence[float]) -> Decomposition:
    """The three parts of the Brier score."""
    levels, _, fitted = _fitted(confidences, right)
    values, outcomes = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    recalibrated = np.asarray(fitted)[np.searchsorted(levels, values)]
    best = float(((recalibrated - outcomes) ** 2).mean())
    uncertainty = float(outcomes.mean() * (1 - outcomes.mean()))
    return Decomposition(
        max(0.0, float(((values - outcomes) ** 2).mean()) - best), max(0.0, uncertainty - best), uncertainty
    )


def consistency_band(confidences: Sequence[float]) -> list[BandPoint]:
    """At each confidence the 95 % of curves that chance gives a model which is as often right as it says."""
    values = np.round(np.asarray(confidences, dtype=np.float64) * STEPS) / STEPS
    levels, sizes = np.unique(values, return_counts=True)
    generator = np.random.default_rng(SEED)
    draws = generator.binomial(sizes, levels, (RESAMPLES, levels.size)) / sizes
    weights = sizes.tolist()
    curves = np.array([pooled(draw, weights) for draw in draws.tolist()])
    low, high = np.quantile(curves, [0.025, 0.975], axis=0)
    return [BandPoint(*point) for point in zip(levels.tolist(), low.tolist(), high.tolist(), strict=True)]


def _fitted(confidences: Sequence[float], right: Sequence[float]) -> tuple[Floats, npt.NDArray[np.intp], list[float]]:
    """The different confidences, how many answers have each, and the fitted shares."""
    values, outcomes = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    levels, codes, sizes = np.unique(values, return_inverse=True, return_counts=True)
    shares = np.bincount(codes, outcomes) / sizes
    return levels, sizes, pooled(shares.tolist(), sizes.tolist())
