"""The judges of a session, and how they are asked: all that the jury needs of whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NotRequired, Protocol, TypedDict

from pytest_medhelm.scoring.jury.reply_schema import Schema
from pytest_medhelm.util.settings import RubricCalls

if TYPE_CHECKING:
    from pytest_medhelm.models.engine.job import Follow
    from pytest_medhelm.models.engine.request import Completion, Request
    from pytest_medhelm.models.spec import Model


class AskedWith(TypedDict):
    """With what a judge is asked, besides its own settings."""

    repeat: int
    form: Schema
    max_tokens: NotRequired[int]
    logprobs: NotRequired[bool]


class Engine(Protocol):
    """What answers requests: the engine, or the stored responses in its place."""

    def submit(self, request: Request, follow: Follow | None = None, *, first: bool = False) -> object:
        """Have a request asked soon."""

    def ask(self, request: Request) -> Completion:
        """Ask and wait."""


@dataclass(frozen=True)
class Panel:
    """Who judges, how often, and with what requests."""

    judges: tuple[Model, ...]
    repeats: int
    """How often each judge rates each answer."""
    shuffle: bool
    """Each judge gets the criteria in an order of its own."""
    make_request: Callable[..., Request]
    """Called as ``make_request(judge, messages, instance, **AskedWith)``."""
    rubric_calls: RubricCalls = "each"
    """Criteria with points are asked one by one, or all of an answer together."""
