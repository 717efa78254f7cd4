"""Confidences rescaled by two numbers that other answers of the same benchmark teach (Platt, 1999), cross-fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pytest_medhelm.results.stats.clusters import codes_of
from pytest_medhelm.results.stats.losses import LEAST

Floats = npt.NDArray[np.float64]

FOLDS = 5
SEED = 0
LEAST_OF_EACH = 10
"""Right answers, and wrong ones, without which there is nothing to learn from."""


class Platt(NamedTuple):
    """A rescaling: the log-odds of a confidence, times the slope, plus the intercept."""

    slope: float
    """Below 1: the model is surer than it should be; above 1: less sure."""
    intercept: float
    """Below 0: it is right less often than it says."""

    def __call__(self, confidences: Floats) -> Floats:
        """Rescaled confidences."""
        rescaled: Floats = 1 / (1 + np.exp(-(self.slope * _log_odds(confidences) + self.intercept)))
        return rescaled


def fit(confidences: Sequence[float], right: Sequence[float]) -> Platt:
    """The rescaling that fits best (logistic regression by Newton's method), with Platt's smoothed targets.

    These are a little short of 0 and 1, so that it ends also where confidence tells right from wrong without error.
    """
    scores, outcomes = _log_odds(np.asarray(confidences, dtype=np.float64)), np.asarray(right, dtype=np.float64)
    ones = float(outcomes.sum())
    zeros = outcomes.size - ones
    targets = np.where(outcomes > 0.5, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    design = np.column_stack([scores, np.ones_like(scores)])
    coefficients = np.array([0.0, np.log((ones + 1) / (zeros + 1))])
    loss = _loss(design @ coefficients, targets)
    for _ in range(100):
        odds = design @ coefficients
        shares = 1 / (1 + np.exp(-odds))
        curvature = (design * (shares * (1 - shares))[:, None]).T @ design + 1e-10 * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (targets - shares))
        size = 1.0
        while (new := _loss(design @ (coefficients + size * step), targets)) > loss + 1e-15 and size > 1e-8:
            size /= 2
        coefficients, gain, loss = coefficients + size * step, loss - new, new
        if gain < 1e-13:
            break
    return Platt(float(coefficients[0]), float(coefficients[1]))


def cross_fitted(
    confidences: Sequence[float], right: Sequence[float], clusters: Sequence[str] | None = None
) -> list[float] | None:
    """Each confidence as rescaled by what the answers of four other fifths teach, sources kept together; seeded.

    None with fewer than 10 right or 10 wrong answers, or where one fold's complement has but one kind.
    """
    values, outcomes = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if min(outcomes.sum(), outcomes.size - outcomes.sum()) < LEAST_OF_EACH:
        return None
    sources = np.arange(values.size) if clusters is None else codes_of(clusters, blank_is_own=True)
    folds = np.random.default_rng(SEED).permutation(int(sources.max()) + 1)[sources] % FOLDS
    fitted = np.empty(values.size)
    for fold in range(FOLDS):
        rest = folds != fold
        if len(set(outcomes[rest].tolist())) < 2:
            return None
        fitted[~rest] = fit(values[rest].tolist(), outcomes[rest].tolist())(values[~rest])
    return [float(value) for value in fitted]


def _log_odds(confidences: Floats) -> Floats:
    kept = np.clip(confidences, LEAST, 1 - LEAST)
    odds: Floats = np.log(kept / (1 - kept))
    return odds


def _loss(odds: Floats, targets: Floats) -> float:
    return float((np.logaddexp(0, odds) - targets * odds).mean())
