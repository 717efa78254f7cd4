"""Limits of a share of right answers: Wilson's, and the exact ones of Clopper and Pearson."""

from __future__ import annotations

import math
from statistics import NormalDist

from pytest_medhelm.results.stats.quantiles import beta_quantile

_FEW_CASES = 25
"""With fewer cases at one end the limit towards it is the exact one. The smallest round number with which
93 % are covered whatever the true share and n."""


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of a proportion (Wilson, J. Am. Stat. Assoc. 22, 1927), both limits in 0..1.

    ``n`` may be an effective number and need not be whole.
    Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    if not (n > 0 and 0 <= successes <= n):
        raise ValueError(f"wilson needs 0 <= successes <= n and n > 0, not successes={successes}, n={n}")
    z = normal_quantile(confidence)
    share, weight = successes / n, z * z / n
    centre = share + weight / 2
    half = math.sqrt(weight * (share * (1 - share) + weight / 4))
    low = 0.0 if successes == 0 else (centre - half) / (1 + weight)
    high = 1.0 if successes == n else (centre + half) / (1 + weight)
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def limits_of_share(share: float, n: float, confidence: float) -> tuple[float, float]:
    """Wilson's limits of a share of 1 among n, but the exact one where few cases lie on its side."""
    share = min(share, 1.0)
    low, high = wilson(share * n, n, confidence)
    if share * n < _FEW_CASES:
        low = min(low, exact_low(share * n, n, confidence))
    if (1 - share) * n < _FEW_CASES:
        high = max(high, 1 - exact_low((1 - share) * n, n, confidence))
    return low, high


def exact_low(successes: float, n: float, confidence: float) -> float:
    """The lower Clopper-Pearson limit, continued to numbers that are not whole (Korn and Graubard, 1998)."""
    if successes <= 0:
        return 0.0
    return beta_quantile(0.5 - confidence / 2, successes, n - successes + 1)


def normal_quantile(confidence: float) -> float:
    """Two-sided. Raises ValueError for a confidence outside of 0..1."""
    return NormalDist().inv_cdf(0.5 + checked_confidence(confidence) / 2)


def checked_confidence(confidence: float) -> float:
    """The confidence. Raises ValueError outside of 0..1."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, e.g. 0.95, not {confidence}")
    return confidence
