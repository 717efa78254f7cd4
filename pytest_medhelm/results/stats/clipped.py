"""The mean of scores that single examples may have outside of 0..1, kept to 0..1 (HealthBench)."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from statistics import fmean

import numpy as np

RESAMPLES = 1000
SEED = 0
_AT_ONCE = 50
"""Resamples that are drawn together: memory stays small with thousands of examples."""


def clipped(value: float) -> float:
    """A mean kept to 0..1."""
    return min(1.0, max(0.0, value))


def bootstrap_error(values: Sequence[float]) -> float | None:
    """The standard deviation of the clipped mean over 1,000 seeded resamples of the examples; None from nothing.

    Arora et al. 2025 and openai/simple-evals state it beside HealthBench scores. It takes no account of clusters.
    The error of the plain mean is known exactly; by how much these resamples miss it, so much they are corrected for
    (a control variate): that takes most of the chance out of 1,000 draws.
    """
    if not values:
        return None
    scores = np.asarray(values, dtype=np.float64)
    generator = np.random.default_rng(SEED)
    means = np.concatenate([
        scores[generator.integers(0, scores.size, (_AT_ONCE, scores.size))].mean(axis=1)
        for _ in range(RESAMPLES // _AT_ONCE)
    ])  # fmt: skip
    exact, drawn = scores.std() / np.sqrt(scores.size), means.std()
    return float(np.clip(means, 0.0, 1.0).std() * (exact / drawn if drawn else 1.0))


def worst_at_k(scores: Sequence[Sequence[float]], k: int) -> float | None:
    """The mean over examples of the worst of ``k`` answers drawn from those there are, clipped to 0..1.

    Of n answers to an example, sorted from worst to best, the i-th (from 0) is the worst of k in C(n-1-i, k-1) of the
    C(n, k) draws. None unless every example has at least k answers. Raises ValueError unless k is positive.
    """
    if k < 1:
        raise ValueError(f"worst_at_k needs k >= 1, not {k}")
    if not scores or any(len(given) < k for given in scores):
        return None
    return clipped(fmean(
        sum(value * comb(len(given) - 1 - rank, k - 1) for rank, value in enumerate(sorted(given)))
        / comb(len(given), k)
        for given in scores
    ))  # fmt: skip
