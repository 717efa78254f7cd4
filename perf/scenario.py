"""A figure of simulated data whose true value is known, and the interval that is to hold it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pytest_medhelm.results.stats.intervals import mean_interval

Floats = npt.NDArray[np.float64]
Limits = tuple[float, float] | None
"""None: there is no interval, and nothing is claimed."""
Draw = Callable[[np.random.Generator], Limits]


@dataclass(frozen=True)
class Scenario:
    """A figure of data whose true value is known."""

    name: str
    truth: float | Callable[[], float]
    """The true value, or what finds it where that takes long."""
    draw: Draw
    """Draws a sample and returns the interval of its figure."""


def mean_limits(scores: Floats, scale: tuple[float, float] = (0.0, 1.0), **groups: list[str]) -> Limits:
    """The interval of a mean of scores."""
    interval = mean_interval(scores.tolist(), scale=scale, clusters=groups.get("clusters"), strata=groups.get("strata"))
    return None if interval is None else (interval.low, interval.high)
