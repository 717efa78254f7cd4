"""Criteria with points: each is met or not met, and points may be negative.

The form is that of HealthBench (Arora et al. 2025, arXiv:2505.08775); any benchmark can use it, with criteria that are
the same for every instance or that each instance brings along.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_medhelm.util.errors import ConfigError


@dataclass(frozen=True, slots=True)
class PointsCriterion:
    """One thing that an answer does or does not do. Raises ConfigError when its points are no number."""

    text: str
    points: float
    """Added when it is met; negative for a fault."""
    tags: tuple[str, ...] = ()
    """Groups with a score of their own, written "kind:name", e.g. "axis:accuracy"."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.points):
            raise ConfigError(f"a criterion's points are a number, e.g. 5 or -8, not {self.points}")


@dataclass(frozen=True, slots=True)
class PointsRubric:
    """What a jury grades by when criteria carry points."""

    name: str
    digest: str
    """Hash of the content: part of a record's settings."""
    criteria: tuple[PointsCriterion, ...] = ()
    """The same for every instance; empty where each instance brings its own (``Instance.criteria``)."""
    guidance: str = ""
    """What judges are told besides."""
    title: str = ""
    version: int = 1
    """Raised when answers may be rated otherwise than before."""

    def criteria_for(self, given: Sequence[PointsCriterion]) -> tuple[PointsCriterion, ...]:
        """The criteria of an instance, given its ``own``. Raises ConfigError when there are none."""
        criteria = self.criteria or tuple(given)
        if not criteria:
            raise ConfigError(
                f"rubric {self.name!r} has no criteria, and the instance brings none: give Instance(criteria=...) or "
                "name criteria in the rubric"
            )
        return criteria
