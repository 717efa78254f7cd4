"""What every statistic of agreement comes back as: a value, its interval, or a sentence that says why not.

What cannot be computed is an ``Estimate`` without a value: never a NaN, never a warning.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TypedDict, cast

from pytest_medhelm.util.json_types import Count

MIN_ANSWERS = 3
"""Fewer answers, rated at least twice each, say nothing of agreement."""
TINY = 1e-12
"""Differences and sums of squares below this share of the whole are rounding."""

IDENTICAL = "the raters gave the same scores"
NO_INTERVAL = "no interval can be computed"


class EstimateEntry(TypedDict):
    """One statistic of agreement (docs/agreement.md)."""

    name: str
    """What is estimated."""
    value: float | None
    """The number; null where it cannot be computed."""
    low: float | None
    """Lower end of its 95 % interval."""
    high: float | None
    """Upper end of its 95 % interval."""
    n: Count
    """Answers, or models, that enter."""
    raters: Count
    """Raters that enter."""
    method: str
    """Where the number and its interval come from."""
    note: str
    """Why something is missing, or what to keep in mind; may be empty."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One statistic. ``value`` is None where it cannot be computed, ``low`` and ``high`` where the interval cannot."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    """Answers that enter it."""
    raters: int
    method: str
    """Where the number and its interval come from, in plain words."""
    note: str = ""
    """Why something is missing, or what to keep in mind."""

    def as_json(self) -> EstimateEntry:
        """Plain values."""
        return cast(EstimateEntry, asdict(self))


def absent(name: str, n: int, raters: int, note: str) -> Estimate:
    """An estimate that cannot be computed, and why."""
    return Estimate(name, None, None, None, n, raters, "", note)


def join(*parts: str) -> str:
    """Notes as one."""
    return "; ".join(part for part in parts if part)


def counted(number: int, thing: str) -> str:
    """E.g. "1 answer", "3 answers"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
