"""Limits of a mean paired difference that decide a gate, each at the one-sided level alpha."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from statistics import NormalDist, fmean

from pytest_medhelm.results.stats.intervals import mean_interval
from pytest_medhelm.results.stats.limits import Limits, of_interval
from pytest_medhelm.results.stats.paired import believed_from, is_right_or_wrong, tango_limits, tango_score
from pytest_medhelm.results.stats.quantiles import beta_quantile, student_t_quantile
from pytest_medhelm.results.stats.recovery import recovered

TANGO = "Tango's score, exact in size"
SOURCE = "Tango, Stat. Med. 17, 1998; Clopper and Pearson, Biometrika 26, 1934"


def difference_limits(
    differences: Sequence[float],
    clusters: Sequence[int] | None,
    strata: Sequence[int] | None,
    *,
    span: float,
    alpha: float,
) -> Limits:
    """The limits of a mean paired difference, each difference between -span and span.

    ``exact_limits`` where every score was right or wrong and every instance stands alone, those of sub-tasks combined
    by recovering variances. Else those of a mean (``mean_interval``); where Student's t is taken over instances of
    which most have the same difference, only the others tell how much differences vary: their number gives the degrees
    of freedom, which widens it. Raises ValueError without differences.
    """
    n = len(differences)
    if not n:
        raise ValueError("difference_limits needs at least one difference")
    if is_right_or_wrong(differences, clusters, span=span):
        low, high = _of_sub_tasks([round(value / span) for value in differences], strata, alpha)
        return Limits(span * low, span * high, alpha, TANGO, SOURCE)
    names = None if clusters is None or len(set(clusters)) == n else list(map(str, clusters))
    interval = mean_interval(
        differences,
        scale=(-span, span),
        clusters=names,
        strata=None if strata is None else list(map(str, strata)),
        confidence=1 - 2 * alpha,
        informative=believed_from(len(set(names or ()))),
    )
    assert interval is not None
    limits = of_interval(interval, alpha)
    if strata is not None and len(set(strata)) > 1:
        return _not_narrower(limits, differences, clusters, strata, span)
    unusual = n - Counter(differences).most_common(1)[0][1]
    if interval.method != "Student t" or 2 * unusual >= n:
        return limits
    mean = fmean(differences)
    wider = student_t_quantile(1 - alpha, max(1, unusual - 1)) / student_t_quantile(1 - alpha, n - 1)
    return Limits(
        max(-span, mean - wider * (mean - interval.low)),
        min(span, mean + wider * (interval.high - mean)),
        alpha,
        f"Student t with {max(1, unusual - 1)} degrees of freedom, as many as differ",
        limits.source,
        limits.note,
    )


def _not_narrower(
    whole: Limits, differences: Sequence[float], clusters: Sequence[int] | None, strata: Sequence[int], span: float
) -> Limits:
    """Limits over sub-tasks, never narrower than those of each sub-task combined by recovering variances."""
    groups: dict[int, list[int]] = defaultdict(list)
    for position, stratum in enumerate(strata):
        groups[stratum].append(position)
    parts = []
    for positions in groups.values():
        of_stratum = [differences[position] for position in positions]
        sources = None if clusters is None else [clusters[position] for position in positions]
        limits = difference_limits(of_stratum, sources, None, span=span, alpha=whole.alpha)
        parts.append((fmean(of_stratum), limits.low, limits.high))
    low, high = recovered(parts)
    return replace(whole, low=max(-span, min(whole.low, low)), high=min(span, max(whole.high, high)))


def _of_sub_tasks(signs: Sequence[int], strata: Sequence[int] | None, alpha: float) -> tuple[float, float]:
    """By recovering variances (Zou and Donner, Stat. Med. 27, 2008)."""
    groups: dict[int, list[int]] = defaultdict(list)
    for sign, stratum in zip(signs, strata or [0] * len(signs), strict=True):
        groups[stratum].append(sign)
    parts = []
    for group in groups.values():
        parts.append((fmean(group), *exact_limits(group.count(1), group.count(-1), len(group), alpha)))
    low, high = recovered(parts)
    return max(-1.0, low), min(1.0, high)


@lru_cache(maxsize=4096)
def exact_limits(better: int, worse: int, n: int, alpha: float) -> tuple[float, float]:
    """The limits of a difference of paired shares, each of a size of at most alpha whatever the discordance.

    Tango's score limits pass a model that is worse by exactly the margin in up to 6.3 % at alpha 0.05 where the models
    differ in one direction only, and in up to 6 % of small samples. So they are taken at a lower level, tabulated as a
    part of alpha (``python -m perf.gates`` scans n from 20 to 2,000), and never reach beyond the exact limit of as many
    differences in one direction: 100 identical answers leave -(1 - 0.05^(1/100)) = -0.0295 possible at alpha 0.05.
    Raises ValueError unless better + worse <= n and n > 0.
    """
    low = -_reach(worse, better, n, alpha)
    high = _reach(better, worse, n, alpha)
    return low, high


def _reach(towards: int, away: int, n: int, alpha: float) -> float:
    """How far the difference could lie on the side of ``towards``."""
    z = _quantile(n, alpha)
    score = tango_limits(towards, away, n, z)[1]
    # The most differences in this direction alone that say no more than what was seen, and their exact limit.
    if tango_limits(0, 0, n, z)[1] > score:
        return score  # It lies on the other side, where differences in this direction do not matter.
    least, most = 0, n
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if tango_limits(middle, 0, n, z)[1] <= score + 1e-12 else (least, middle - 1)
    alone = 1.0 if least == n else beta_quantile(1 - alpha, least + 1, n - least)
    return max(score, alone)


def _quantile(n: int, alpha: float) -> float:
    return NormalDist().inv_cdf(1 - alpha * (1 - min(0.2, 12 / n)))


def passing(n: int, margin: float, alpha: float) -> Callable[[int, int], bool]:
    """Whether so many better and worse of n show a model not to be worse by ``margin``: the lower exact limit is there.

    The same as ``exact_limits(better, worse, n, alpha)[0] >= -margin``, and quicker for many counts.
    """
    z = _quantile(n, alpha)
    alone = -1
    while alone < n and (1.0 if alone + 1 == n else beta_quantile(1 - alpha, alone + 2, n - alone - 1)) <= margin:
        alone += 1
    bar = -1.0 if alone >= n else tango_limits(0, alone + 1, n, z)[0]

    def passes(better: int, worse: int) -> bool:
        return tango_score(better, worse, n, -margin) >= z and (
            alone >= n or tango_score(better, worse, n, bar) > z + 1e-9
        )

    return passes
