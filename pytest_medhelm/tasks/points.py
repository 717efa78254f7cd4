"""Criteria with points: each is met or not met, and points may be negative.

The form is that of HealthBench (Arora et al. 2025, arXiv:2505.08775); any benchmark can use it, with criteria that are
the same for every instance or that each instance brings along.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pytest_medhelm.util.errors import ConfigError

MOST_POINTS = 1_000_000_000
_TAG = re.compile(r"(?!(?:jury|harm|length)\W*:)[^\W_][^:]*:.*[^\W_].*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PointsCriterion:
    """One thing that an answer does or does not do. Raises ConfigError for one that cannot be used."""

    text: str
    points: float
    """Added when it is met; negative for a fault."""
    tags: tuple[str, ...] = ()
    """Groups with a score of their own, written "kind:name", e.g. "axis:accuracy"."""

    def __post_init__(self) -> None:
        if not -MOST_POINTS <= self.points <= MOST_POINTS:
            raise ConfigError(f"a criterion's points are a number, e.g. 5 or -8, not {str(self.points)[:20]}")
        if not self.text.strip():
            raise ConfigError("a criterion says what an answer does or does not do; this one is empty")
        wrong = next((tag for tag in self.tags if not self.is_tag(tag)), None)
        if wrong is not None:
            raise ConfigError(
                f"the tag {wrong[:40]!r} names no group: write kind:name, e.g. axis:accuracy (jury, harm and length "
                "are no kinds)"
            )

    @staticmethod
    @lru_cache(maxsize=1000)  # A set of thousands of criteria has a dozen tags.
    def is_tag(text: str) -> bool:
        """Whether a group of criteria may be called so: its score must have a name that no other score has."""
        return _TAG.fullmatch(text) is not None


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
