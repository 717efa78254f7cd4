"""The slice in which a model is worst, with what the worst of so many slices would be by chance.

Of 20 slices of 30 instances the worst shows 0.66 on average where the model is right in 0.80 of every one: an interval
of its own says too much, so that all slices share the level (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, lgamma, log

from pytest_medhelm.results.leaderboard.cell_entry import WorstSlice
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.measure import measures_of
from pytest_medhelm.results.leaderboard.score_measure import ScoreMeasure
from pytest_medhelm.results.leaderboard.slices import MOST, slice_of
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

FEWEST = 10
"""Instances that a slice must have: the worst of smaller ones is always chance."""
ALPHA = 0.05
"""Two-sided, of all intervals together."""


def worst_slice(columns: Columns, metadata: BenchmarkMetadata) -> WorstSlice | None:
    """The slice with the worst main value among those of at least ``FEWEST`` instances; None under two of them."""
    slices: list[tuple[str, str, ScoreMeasure]] = []
    for key, grouping in sorted(columns.slices.items()):
        names = sorted(set(grouping) - {""})
        for name in names if 1 < len(names) <= MOST else ():
            measure = measures_of(*slice_of(columns, metadata, grouping, name)).get(columns.main_metric)
            if isinstance(measure, ScoreMeasure) and measure.n >= FEWEST and measure.value() is not None:
                slices.append((key, name, measure))
    if len(slices) < 2:
        return None
    worst, best = columns.main_scale
    key, name, measure = min(slices, key=lambda candidate: (best - worst) * (candidate[2].value() or 0.0))
    interval = measure.interval(1 - ALPHA / len(slices))
    assert interval is not None
    return {
        "key": key,
        "group": name,
        "value": measure.value(),
        "low": interval.low,
        "high": interval.high,
        "n": measure.n,
        "slices": len(slices),
        "by_chance": _by_chance(columns, metadata, [candidate[2].n for candidate in slices]),
    }


def _by_chance(columns: Columns, metadata: BenchmarkMetadata, sizes: Sequence[int]) -> float | None:
    whole = measures_of(columns, metadata).get(columns.main_metric)
    value = whole.value() if isinstance(whole, ScoreMeasure) else None
    if not isinstance(whole, ScoreMeasure) or value is None or not whole.right_or_wrong:
        return None
    worst, best = columns.main_scale
    share = (value - worst) / (best - worst)
    return worst + (best - worst) * expected_worst(share, sizes)


def expected_worst(share: float, sizes: Sequence[int]) -> float:
    """The smallest share of right answers, on average, over groups of these sizes that are all right in ``share``."""
    levels = sorted({right / size for size in sizes for right in range(size + 1)})
    tails = [(size, _tails(share, size)) for size in sizes]
    total = before = 0.0
    for level in levels[1:]:
        # The mean of a number from 0 to 1 is the area under the chance that it is at least so large.
        chance = 1.0
        for size, tail in tails:
            chance *= tail[min(size, ceil(level * size - 1e-9))]
        total += (level - before) * chance
        before = level
    return total


def _tails(share: float, n: int) -> list[float]:
    """By number the chance of at least as many of n."""
    if share in (0.0, 1.0):
        return [float(share == 1.0 or right == 0) for right in range(n + 1)]
    tails, total = [0.0] * (n + 1), 0.0
    for right in range(n, -1, -1):
        ways = lgamma(n + 1) - lgamma(right + 1) - lgamma(n - right + 1)
        total += exp(ways + right * log(share) + (n - right) * log(1 - share))
        tails[right] = min(1.0, total)
    return tails
