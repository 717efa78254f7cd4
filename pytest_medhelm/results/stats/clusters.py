"""How many independent scores a sample with clusters (patients, notes) is worth: the design effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pytest_medhelm.results.stats.quantiles import student_t_quantile
from pytest_medhelm.results.stats.wilson import normal_quantile

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

MIN_CLUSTERS = 10
"""Below this the spread between clusters is hardly known: the interval carries a note."""


@dataclass(frozen=True, slots=True)
class Design:
    """What clustering does to a sample."""

    effect: float
    """Variance of the estimate over the variance it would have if all scores were independent; at least 1."""
    quantile: float
    """Of Student's t for the clusters, or of the normal distribution without clusters."""
    clusters: int
    """0 when every score has a source of its own."""
    totals: Floats
    """What each cluster, or each score without clusters, adds to the estimate's deviation; their sum is 0."""


def design_of(unit: Floats, sources: Codes, fixed: Codes, confidence: float, informative: int) -> Design:
    """Of scores on 0..1, with the number of each one's source and stratum; see ``mean_interval``."""
    counts = np.bincount(fixed)
    weights = 1.0 / (counts.size * counts[fixed])
    deviations = weights * (unit - (np.bincount(fixed, unit) / counts)[fixed])
    totals = np.bincount(sources, deviations).astype(np.float64)
    clusters, n = totals.size, unit.size
    if clusters == n:
        return Design(1.0, normal_quantile(confidence), 0, totals)
    values, codes = np.unique(unit, return_inverse=True)
    table = np.bincount(fixed * values.size + codes, minlength=counts.size * values.size)
    table = table.reshape(counts.size, -1)
    top = table.max(axis=1)
    tied = (table == top[:, None]).sum(axis=1) > 1
    unusual = (table[fixed, codes] < top[fixed]) | tied[fixed]
    if np.unique(sources[unusual]).size < informative:
        effect = n / clusters
    else:
        left_out = totals / (1.0 - np.bincount(sources, weights))
        independent = n / (n - 1) * float((deviations**2).sum())
        effect = max(1.0, (clusters - 1) / clusters * float((left_out**2).sum()) / independent)
    df = max(1.0, _equal_clusters(np.bincount(sources)) - 1.0)
    return Design(effect, student_t_quantile(0.5 + confidence / 2, df), clusters, totals)


def _equal_clusters(sizes: Codes) -> float:
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def cluster_note(sources: Codes, fixed: Codes) -> str:
    """A warning about the stratum with the fewest clusters, if it has any and they are too few."""
    tables = [np.bincount(sources[fixed == stratum]) for stratum in range(int(fixed.max()) + 1)]
    worth, clusters = min(
        ((_equal_clusters(sizes), int((sizes > 0).sum())) for sizes in tables if sizes.max() > 1),
        default=(math.inf, 0),
    )
    if worth >= MIN_CLUSTERS:
        return ""
    unequal = f" of unequal size count as {worth:.1f}" if clusters >= MIN_CLUSTERS else ""
    return f"too few clusters ({clusters}{unequal} of at least {MIN_CLUSTERS})"


def codes_of(labels: Sequence[str], *, blank_is_own: bool = False) -> Codes:
    """Labels as 0, 1, 2, ...; each blank one gets a number of its own if asked for."""
    seen: dict[object, int] = {}
    keys: list[object] = [(position,) if blank_is_own and not label else label for position, label in enumerate(labels)]
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.intp)


def effect_of(
    parts: Floats, clusters: Sequence[str] | None, confidence: float, informative: int = 5
) -> tuple[float, float]:
    """The design effect on an estimate, and by how much its quantile is wider than a normal one's.

    ``parts``: what each score adds to the deviation of the estimate (an influence), up to a factor. Where fewer than
    ``informative`` clusters deviate it cannot be estimated, and n becomes the number of clusters.
    """
    if clusters is None:
        return 1.0, 1.0
    codes = codes_of(clusters, blank_is_own=True)
    sizes = np.bincount(codes)
    if sizes.size == codes.size:
        return 1.0, 1.0
    totals = np.bincount(codes, parts)
    independent = float((parts**2).sum())
    if np.count_nonzero(np.abs(totals) > 1e-12) < informative or independent == 0:
        effect = codes.size / sizes.size
    else:
        effect = max(1.0, sizes.size / (sizes.size - 1) * float((totals**2).sum()) / independent)
    df = max(1.0, _equal_clusters(sizes) - 1.0)
    return effect, student_t_quantile(0.5 + confidence / 2, df) / normal_quantile(confidence)
