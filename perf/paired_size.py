"""The exact size of a comparison with a baseline: how often a model that is worse by exactly the margin passes.

Summed over everything that can happen to n right-or-wrong pairs, at the discordance that is worst. ``python -m
perf.gates`` scans n from 20 to 2,000.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from pytest_medhelm.results.stats.paired_limits import passing

MARGINS = (0.01, 0.02, 0.05, 0.1)
NUMBERS = (20, 30, 50, 75, 100, 150, 200, 275, 300, 400, 500, 700, 1_000, 1_500, 2_000)
_BEYOND = (0.0, *np.geomspace(1e-4, 0.3, 12).tolist())
"""How much more than the margin the models differ; 0: in one direction only."""


def worst_size(n: int, margin: float, alpha: float) -> tuple[float, float]:
    """The size at the worst discordance, and that discordance."""
    passes = passing(n, margin, alpha)
    logs = np.array([math.lgamma(count + 1) for count in range(n + 1)])
    sizes = []
    for more in _BEYOND:
        worse, better = margin + more, more
        if worse + better < 1:
            sizes.append((_size(n, better, worse, passes, logs), worse + better))
    return max(sizes)


def _size(n: int, better: float, worse: float, passes: object, logs: object) -> float:
    assert callable(passes)
    table = np.asarray(logs)
    total = 0.0
    most_worse = _reach(n, worse)
    for count in range(_reach(n, better) + 1):
        # The most losses with which so many gains still pass.
        low, high = -1, min(most_worse, n - count)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if passes(count, middle) else (low, middle - 1)
        losses = np.arange(low + 1)
        if losses.size:
            chance = (
                table[n] - table[count] - table[losses] - table[n - count - losses]
                + (count * math.log(better) if count else 0.0)
                + losses * math.log(worse) + (n - count - losses) * math.log1p(-better - worse)
            )  # fmt: skip
            total += float(np.exp(chance).sum())
        if better == 0:
            break
    return total


def _reach(n: int, share: float) -> int:
    return min(n, math.ceil(n * share + 8 * math.sqrt(n * share) + 12))


def scan(alpha: float) -> Iterator[tuple[int, float, float, float]]:
    """n, margin, size, and the discordance at which it is worst."""
    for n in NUMBERS:
        for margin in MARGINS:
            yield n, margin, *worst_size(n, margin, alpha)
