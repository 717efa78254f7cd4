"""Limits of a mean of several parts from those of each part, by recovering variances (MOVER)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean


def recovered(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Limits of the unweighted mean of independent parts, each (value, low, high): Zou and Donner, Stat. Med. 27, 2008.

    Raises StatisticsError without parts.
    """
    mean, count = fmean(value for value, _, _ in parts), len(parts)
    down = math.hypot(*(value - low for value, low, _ in parts)) / count
    up = math.hypot(*(high - value for value, _, high in parts)) / count
    return mean - down, mean + up
