"""How likely a rule is to let a good model pass, and how many instances it takes: known before the run.

Normal theory of the mean paired difference (e.g. Liu, Hsueh, Hsieh and Chen, Stat. Med. 21, 2002, for binary scores):
an equal model has a true difference of 0, and a variance of an instance's difference equal to the discordance, the
share of instances on which exactly one of the two is right.
"""

from __future__ import annotations

import math
from statistics import NormalDist

DISCORDANCE = 0.2
"""Assumed where nothing is known of how often two models differ."""
ENOUGH = 0.8
LITTLE = 0.5
"""A rule with less power says more about the number of instances than about the model."""


def power_of(margin: float, n: int, *, discordance: float = DISCORDANCE, alpha: float) -> float:
    """The chance, 0 to 1, that an equal model is shown not to be worse by ``margin`` on n instances.

    Graded scores on 0..1: ``discordance`` is the variance of a difference. Raises ValueError as ``needed``.
    """
    _check(margin, discordance, alpha)
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    if discordance == 0:
        return 1.0
    return NormalDist().cdf(margin * math.sqrt(n / discordance) - NormalDist().inv_cdf(1 - alpha))


def needed(margin: float, *, discordance: float = DISCORDANCE, alpha: float, power: float = ENOUGH) -> int:
    """How many instances it takes for that chance.

    Margin 0.02, discordance 0.2, power 0.8: 3,092 at alpha 0.05 and 3,925 at 0.025.
    Raises ValueError unless margin > 0, 0 <= discordance <= 1, 0 < alpha < 0.5 and alpha < power < 1.
    """
    _check(margin, discordance, alpha)
    if not alpha < power < 1:
        raise ValueError(f"power must lie between alpha = {alpha:g} and 1, not {power:g}")
    reach = NormalDist().inv_cdf(1 - alpha) + NormalDist().inv_cdf(power)
    return max(1, math.ceil(discordance * (reach / margin) ** 2 - 1e-9))


def _check(margin: float, discordance: float, alpha: float) -> None:
    if margin <= 0:
        raise ValueError(f"margin must be above 0, not {margin:g}: no number of instances shows that two are the same")
    if not 0 <= discordance <= 1:
        raise ValueError(f"discordance must lie between 0 and 1, not {discordance:g}")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must lie between 0 and 0.5, not {alpha:g}: it is one-sided")
