"""Statistics of paired scores: intervals of a mean difference, McNemar's test, Holm's correction."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import NormalDist, fmean

from pytest_medhelm.results.stats.intervals import Interval, mean_interval

TANGO = "Tango"
_SMALLEST_P = 1e-6
_FEWEST, _INFORMATIVE = 5, 25
"""Clusters that must hold a difference before their design effect is believed, or half of them. Where few do, a sample
with few losses looks little clustered, and twice as many worse models would pass as alpha allows (``python -m
perf.gates``)."""


def paired_mean(differences: Sequence[float], strata: Sequence[int] | None = None) -> float:
    """The mean difference, of sub-tasks the unweighted mean of theirs, as values are. Raises ValueError for none."""
    return fmean(fmean(group) for group in _groups(differences, strata))


def paired_interval(
    differences: Sequence[float],
    clusters: Sequence[int] | None,
    *,
    span: float,
    confidence: float = 0.95,
    strata: Sequence[int] | None = None,
) -> Interval | None:
    """An interval for the mean of paired differences, each between -span and span; None without any.

    Tango's score interval where every score was right or wrong and every instance stands alone, with sub-tasks those of
    each squared and added; else the interval of a mean (``mean_interval``): Student's t over instances or clusters
    where it may be trusted, bounded-mean limits where it may not. Never of zero width. ``clusters`` and ``strata``: a
    number per difference, the same for those of one source and of one sub-task.
    """
    n = len(differences)
    if not n:
        return None
    if is_right_or_wrong(differences, clusters, span=span):
        low, high = _tango([round(value / span) for value in differences], strata, confidence)
        return Interval(span * low, span * high, TANGO)
    names = None if clusters is None or len(set(clusters)) == n else list(map(str, clusters))
    return mean_interval(
        differences,
        scale=(-span, span),
        clusters=names,
        strata=None if strata is None else list(map(str, strata)),
        confidence=confidence,
        informative=believed_from(len(set(names or ()))),
    )


def believed_from(clusters: int) -> int:
    """How many of these clusters must hold an unusual score before their design effect is believed."""
    return max(_FEWEST, min(_INFORMATIVE, clusters // 2))


def paired_p(
    differences: Sequence[float],
    clusters: Sequence[int] | None,
    *,
    span: float,
    strata: Sequence[int] | None = None,
) -> float | None:
    """The two-sided p-value that the mean difference is 0; None without differences.

    McNemar's exact test of right-or-wrong scores of instances that stand alone; else one minus the confidence of the
    widest interval (``paired_interval``) that leaves 0 out, down to 1e-6.
    """
    if not differences:
        return None
    if is_right_or_wrong(differences, clusters, span=span):
        return mcnemar(sum(value > 0 for value in differences), sum(value < 0 for value in differences))

    def leaves_out_zero(alpha: float) -> bool:
        interval = paired_interval(differences, clusters, span=span, confidence=1 - alpha, strata=strata)
        return interval is not None and not interval.low <= 0 <= interval.high

    least, most = math.log(_SMALLEST_P), 0.0
    for _ in range(30):
        middle = (least + most) / 2
        least, most = (least, middle) if leaves_out_zero(math.exp(middle)) else (middle, most)
    return math.exp(most)


def is_right_or_wrong(differences: Sequence[float], clusters: Sequence[int] | None, *, span: float) -> bool:
    """Every difference is none or the whole scale, and every instance stands alone."""
    alone = clusters is None or len(set(clusters)) == len(differences)
    return alone and all(value == 0 or math.isclose(abs(value), span) for value in differences)


def _groups(differences: Sequence[float], strata: Sequence[int] | None) -> list[list[float]]:
    groups: dict[int, list[float]] = defaultdict(list)
    for value, stratum in zip(differences, strata or [0] * len(differences), strict=True):
        groups[stratum].append(value)
    return list(groups.values())


def _tango(signs: Sequence[float], strata: Sequence[int] | None, confidence: float) -> tuple[float, float]:
    """Tango's limits; of the mean over sub-tasks by recovering variances (Zou and Donner, Stat. Med. 27, 2008)."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    down, up = [], []
    groups = _groups(signs, strata)
    for group in groups:
        low, high = tango_limits(group.count(1), group.count(-1), len(group), z)
        down.append(fmean(group) - low)
        up.append(high - fmean(group))
    mean = paired_mean(signs, strata)
    return (
        max(-1.0, mean - math.hypot(*down) / len(groups)),
        min(1.0, mean + math.hypot(*up) / len(groups)),
    )


def tango_limits(better: int, worse: int, n: int, z: float) -> tuple[float, float]:
    """The score limits of a difference of paired proportions (Tango, Stat. Med. 17, 1998), each between -1 and 1.

    ``better``: pairs in which only the first is right, ``worse``: only the second; z: the normal quantile, e.g. 1.96.
    Identical answers on 100 instances: -+ z^2 / (n + z^2). Raises ValueError unless better + worse <= n and n > 0.
    """
    if n < 1 or min(better, worse) < 0 or better + worse > n:
        raise ValueError(f"tango_limits needs counts of n > 0 pairs, not {better} and {worse} of {n}")

    estimate = (better - worse) / n
    low = -1.0 if estimate == -1 else _root(lambda value: tango_score(better, worse, n, value) - z, -1.0, estimate)
    high = 1.0 if estimate == 1 else _root(lambda value: tango_score(better, worse, n, value) + z, estimate, 1.0)
    return low, high


def tango_score(better: int, worse: int, n: int, difference: float) -> float:
    """Tango's score statistic if this were the true difference, -1 to 1; it falls as the difference grows."""
    linear = (2 * n - better + worse) * difference - better - worse
    constant = -worse * difference * (1 - difference)
    share = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    gap = better - worse - n * difference
    return gap / math.sqrt(variance) if variance > 1e-15 else math.copysign(math.inf, gap) if gap else 0.0


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
