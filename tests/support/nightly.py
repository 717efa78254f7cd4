"""What takes long: fewer replications of a simulation by day, all of them and the tests marked ``nightly`` by night.

The tox environment ``nightly`` sets MEDHELM_NIGHTLY=1.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

NIGHTLY = os.environ.get("MEDHELM_NIGHTLY") == "1"


def replications(full: int) -> int:
    """How often a simulation is repeated: at most 200 times by day."""
    return full if NIGHTLY else min(full, 200)


def examples(full: int) -> int:
    """How many examples a slow property is tried with: a quarter by day."""
    return full if NIGHTLY else full // 4


def length(full: int) -> int:
    """How long a hostile text is: a quarter by day, for which a quadratic reader still takes minutes."""
    return full if NIGHTLY else full // 4


def covered_enough(runs: int) -> float:
    """The share of 95 % intervals that must hold the truth: 93 % as promised, and what three standard errors allow."""
    return min(0.93, 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs))


def by_night(always: Sequence[Any], more: Iterable[Any]) -> list[Any]:
    """Values of a parameter: some of them always, the rest of the matrix by night only."""
    several = isinstance(always[0], tuple)
    return [*always, *(pytest.param(*(one if several else (one,)), marks=pytest.mark.nightly) for one in more)]
