"""How likely a rule is to let a good model pass, and how many instances it takes: known before the run.

An equal model has a true difference of 0. Right or wrong scores: the limit that decides is ``exact_limits``, and the
chance that it passes is summed over what can happen, exactly; the discordance is the share of instances on which
exactly one of the two is right. Graded scores: normal theory of the mean paired difference (e.g. Liu, Hsueh, Hsieh and
Chen, Stat. Med. 21, 2002), which also says how many instances right or wrong scores take wherever it holds for them.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from statistics import NormalDist

from pytest_medhelm.results.stats.paired_limits import passing

DISCORDANCE = 0.2
"""Assumed where nothing is known of how often two models differ."""
ENOUGH = 0.8
LITTLE = 0.5
"""A rule with less power says more about the number of instances than about the model."""
_MANY = 1_000
"""With more differing instances normal theory is right to 0.002."""
_NEAR = 0.01
"""As far from the power that is wanted normal theory may be."""


def power_of(margin: float, n: int, *, discordance: float = DISCORDANCE, alpha: float) -> float:
    """The chance, 0 to 1, that an equal model is shown not to be worse by ``margin`` on n right or wrong instances.

    Identical answers (discordance 0) on 100 instances, alpha 0.05: 0 for a margin of 0.02, and 1 for 0.03.
    Raises ValueError as ``needed``.
    """
    _check(margin, discordance, alpha, n)
    if n * discordance > _MANY:
        return graded_power_of(margin, n, variance=discordance, alpha=alpha)
    passes = passing(n, margin, alpha)
    return math.fsum(chance * _chance(passes, changes) for changes, chance in _likely(n, discordance))


def _chance(passes: Callable[[int, int], bool], changes: int) -> float:
    """The chance to pass where the two models differ on so many instances, half of them in favour of each."""
    enough = bisect_left(range(changes + 1), True, key=lambda better: passes(better, changes - better))
    return math.fsum(chance for better, chance in _likely(changes, 0.5) if better >= enough)


def _likely(n: int, share: float) -> list[tuple[int, float]]:
    """How often something happens in n, with the chance of each: all of the binomial but a millionth of a millionth."""
    if share in (0, 1):
        return [(round(n * share), 1.0)]
    reach = 8 * math.sqrt(n * share * (1 - share)) + 30
    first, last = max(0, math.floor(n * share - reach)), min(n, math.ceil(n * share + reach))
    whole = math.lgamma(n + 1)
    return [
        (count, math.exp(whole - math.lgamma(count + 1) - math.lgamma(n - count + 1)
                         + count * math.log(share) + (n - count) * math.log1p(-share)))
        for count in range(first, last + 1)
    ]  # fmt: skip


def needed(margin: float, *, discordance: float = DISCORDANCE, alpha: float, power: float = ENOUGH) -> int:
    """How many right or wrong instances it takes for that chance.

    Margin 0.02, discordance 0.2, power 0.8: 3,092 at alpha 0.05 and 3,925 at 0.025. That is normal theory; where it is
    off by more than 0.01, the number from which the exact chance is enough.
    Raises ValueError unless 0 < margin <= 1, 0 <= discordance <= 1, 0 < alpha < 0.5 and alpha < power < 1.
    """
    least = graded_needed(margin, variance=discordance, alpha=alpha, power=power)

    def enough(n: int) -> bool:
        return power_of(margin, n, discordance=discordance, alpha=alpha) >= power

    if power_of(margin, least, discordance=discordance, alpha=alpha) >= power - _NEAR:
        return least
    most = 2 * least
    while not enough(most):
        least, most = most, 2 * most
    return least + bisect_left(range(least, most), True, key=enough)


def graded_power_of(margin: float, n: int, *, variance: float, alpha: float) -> float:
    """As ``power_of`` for graded scores: ``variance`` is that of a difference, on the scale 0 to 1."""
    _check(margin, variance, alpha, n)
    if variance == 0:
        return 1.0
    return NormalDist().cdf(margin * math.sqrt(n / variance) - NormalDist().inv_cdf(1 - alpha))


def graded_needed(margin: float, *, variance: float, alpha: float, power: float = ENOUGH) -> int:
    """As ``needed`` for graded scores, by normal theory."""
    _check(margin, variance, alpha)
    if not alpha < power < 1:
        raise ValueError(f"power must lie between alpha = {alpha:g} and 1, not {power:g}")
    reach = NormalDist().inv_cdf(1 - alpha) + NormalDist().inv_cdf(power)
    return max(1, math.ceil(variance * (reach / margin) ** 2 - 1e-9))


def _check(margin: float, discordance: float, alpha: float, n: int = 1) -> None:
    if margin <= 0:
        raise ValueError(f"margin must be above 0, not {margin:g}: no number of instances shows that two are the same")
    if not margin <= 1:
        raise ValueError(f"margin must be at most 1, not {margin:g}")
    if not 0 <= discordance <= 1:
        raise ValueError(f"discordance must lie between 0 and 1, not {discordance:g}")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must lie between 0 and 0.5, not {alpha:g}: it is one-sided")
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
