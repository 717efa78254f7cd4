"""Limits that decide a gate on shares and on means of shares, each end at the one-sided level alpha.

Clopper-Pearson, where the page shows Wilson's, which misses more often on one side than alpha allows
(``python -m perf.gates``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from pytest_medhelm.results.stats.intervals import mean_interval, share_bounds
from pytest_medhelm.results.stats.paired import believed_from
from pytest_medhelm.results.stats.recovery import recovered


def share_limits(right: Sequence[float], clusters: Sequence[str] | None, alpha: float) -> tuple[float, float]:
    """Limits of a share; ``right`` holds 0 and 1. Those of clusters are never narrower than the page's.

    Raises ValueError without scores.
    """
    low, high = share_bounds(right, clusters, 1 - alpha)
    sources = len(set(clusters or ()))
    if clusters is None or sources == len(right) or "" in clusters:
        return low, high
    careful = mean_interval(
        right, scale=(0.0, 1.0), clusters=clusters, confidence=1 - 2 * alpha, informative=believed_from(sources)
    )
    assert careful is not None
    return min(low, careful.low), max(high, careful.high)


def mean_limits(
    right: Sequence[float], clusters: Sequence[str], strata: Sequence[str], alpha: float
) -> tuple[float, float]:
    """As ``share_limits`` for the unweighted mean of the shares of sub-tasks.

    By recovering variances (Zou and Donner, Stat. Med. 27, 2008): the stratified interval of the page passes a model
    at a true 0.98 in 6.8 % at alpha 0.05 with two sub-tasks of 250. Never narrower than the page's, which knows of
    sources that occur in several sub-tasks, and near an end of the scale: recovered variances alone call a model at a
    true 0.995 worse in 6.9 % at alpha 0.025 with five sub-tasks of 20.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for position, stratum in enumerate(strata):
        groups[stratum].append(position)
    parts = []
    for positions in groups.values():
        part = [right[position] for position in positions]
        parts.append((fmean(part), *share_limits(part, [clusters[position] for position in positions], alpha)))
    low, high = recovered(parts)
    careful = mean_interval(right, scale=(0.0, 1.0), clusters=clusters, strata=strata, confidence=1 - 2 * alpha)
    assert careful is not None
    return max(0.0, min(low, careful.low)), min(1.0, max(high, careful.high))
