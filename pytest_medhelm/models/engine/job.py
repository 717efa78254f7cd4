"""A request under way, and what to ask once its answer is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from pytest_medhelm.models.engine.request import Completion, Request

Follow = Callable[[Completion], Sequence["FollowUp"]]
"""What to ask as soon as a completion is there (the judges of an answer, a judge's second try)."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A request that another one gives rise to, and what follows from it in turn."""

    request: Request
    follow: Follow | None = None

    @property
    def both(self) -> tuple[Request, Follow | None]:
        """What ``Engine.submit`` takes."""
        return self.request, self.follow


@dataclass(slots=True)
class Job:
    """A request under way."""

    request: Request
    future: Future[Completion]
    follow: list[Follow] = field(default_factory=list)
    attempts: int = 0
    started: float = 0.0
    """When its first attempt began; 0 before."""
