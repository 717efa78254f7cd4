"""Quantiles of Student's t, of the F and of the beta distribution, with nothing but the standard library."""

from __future__ import annotations

import math
from functools import lru_cache


@lru_cache(maxsize=4096)
def student_t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t for 0 < probability < 1; ``df`` > 0 need not be whole.

    From t^2 / (df + t^2) ~ Beta(1/2, df/2); the relative error stays below 1e-8 up to a million degrees.
    """
    if probability == 0.5:
        return 0.0
    if probability < 0.5:
        return -student_t_quantile(1 - probability, df)
    share = beta_quantile(2 * probability - 1, 0.5, df / 2)
    return math.sqrt(df * share / (1 - share))


def f_quantile(probability: float, df1: float, df2: float) -> float:
    """The quantile of the F distribution, 0 < probability < 1; degrees of freedom above 0, not necessarily whole."""
    share = beta_quantile(probability, df1 / 2, df2 / 2)
    if share > 0.5:  # the other tail is held with more digits
        other = beta_quantile(1 - probability, df2 / 2, df1 / 2)
        return df2 * (1 - other) / (df1 * max(other, 1e-300))
    return df2 * share / (df1 * (1 - share))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The x at which the regularised incomplete beta function I_x(a, b) equals ``probability``; a, b > 0.

    Newton's steps, replaced by bisection whenever one would leave the bracket.
    """
    low, high, x = 0.0, 1.0, a / (a + b)
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    for _ in range(200):
        error = _incomplete_beta(x, a, b) - probability
        low, high = (low, x) if error > 0 else (x, high)
        log_density = (a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - log_beta
        step = error / math.exp(log_density) if abs(log_density) < 300 else math.inf
        following = x - step if low < x - step < high else (low + high) / 2
        if abs(following - x) <= 1e-15 * x or not low < following < high:
            return following
        x = following
    return x


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b) for 0 < x < 1 by its continued fraction (DLMF 8.17.22), evaluated by Lentz's method."""
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    fraction, above, below = 1.0, 1.0, 0.0
    for step in range(1, 10_000):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        below = 1.0 / (1.0 + term * below or 1e-300)
        above = 1.0 + term / above or 1e-300
        fraction *= above * below
        if abs(above * below - 1.0) < 1e-15:
            break
    return math.exp(log_front) / (a * fraction)
