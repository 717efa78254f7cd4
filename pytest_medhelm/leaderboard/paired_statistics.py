"""Statistics of paired scores: intervals of a mean difference, McNemar's test, Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

from pytest_medhelm.leaderboard.statistics import Interval, mean_interval

_FEWEST, _INFORMATIVE = 5, 25
"""Clusters that must hold a difference before their design effect is believed, or half of them. Where few do, a sample
with few losses looks little clustered, and twice as many worse models would pass as alpha allows (``python -m
perf.gates``)."""


def paired_interval(
    differences: Sequence[float], clusters: Sequence[int] | None, *, span: float, confidence: float = 0.95
) -> Interval | None:
    """An interval for the mean of paired differences, each between -span and span; None without any.

    Tango's score interval where every score was right or wrong and every instance stands alone; else the interval of
    a mean (``mean_interval``): Student's t over instances or clusters where it may be trusted, bounded-mean limits
    where it may not. Never of zero width. ``clusters``: a number per difference, the same for those of one source.
    """
    n = len(differences)
    if not n:
        return None
    alone = clusters is None or len(set(clusters)) == n
    if alone and all(math.isclose(abs(value), span) or value == 0 for value in differences):
        better, worse = sum(value > 0 for value in differences), sum(value < 0 for value in differences)
        low, high = tango_limits(better, worse, n, NormalDist().inv_cdf(0.5 + confidence / 2))
        return Interval(span * low, span * high, "Tango")
    names = None if alone or clusters is None else list(map(str, clusters))
    believed = max(_FEWEST, min(_INFORMATIVE, len(set(names or ())) // 2))
    return mean_interval(differences, scale=(-span, span), clusters=names, confidence=confidence, informative=believed)


def tango_limits(better: int, worse: int, n: int, z: float) -> tuple[float, float]:
    """The score limits of a difference of paired proportions (Tango, Stat. Med. 17, 1998), each between -1 and 1.

    ``better``: pairs in which only the first is right, ``worse``: only the second; z: the normal quantile, e.g. 1.96.
    Identical answers on 100 instances: -+ z^2 / (n + z^2). Raises ValueError unless better + worse <= n and n > 0.
    """
    if n < 1 or min(better, worse) < 0 or better + worse > n:
        raise ValueError(f"tango_limits needs counts of n > 0 pairs, not {better} and {worse} of {n}")

    def distance(difference: float) -> float:
        """The score statistic if this were the true difference; it falls as the difference grows."""
        linear = (2 * n - better + worse) * difference - better - worse
        constant = -worse * difference * (1 - difference)
        share = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
        variance = n * (2 * share + difference * (1 - difference))
        gap = better - worse - n * difference
        return gap / math.sqrt(variance) if variance > 1e-15 else math.copysign(math.inf, gap) if gap else 0.0

    estimate = (better - worse) / n
    low = -1.0 if estimate == -1 else _root(lambda value: distance(value) - z, -1.0, estimate)
    high = 1.0 if estimate == 1 else _root(lambda value: distance(value) + z, estimate, 1.0)
    return low, high


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses 0, by halving."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def mcnemar(better: int, worse: int) -> float:
    """The exact two-sided p-value that both kinds of change are equally frequent (McNemar, Psychometrika 12, 1947)."""
    changes = better + worse
    tail = sum(math.comb(changes, count) for count in range(min(better, worse) + 1))
    return min(1.0, float(2 * tail / 2**changes))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values of several claims, in their order (Holm, Scand. J. Stat. 6, 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
