"""Stored responses in the engine's place: what is not there is missing, and nothing is ever asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.engine.store import ResponseStore

NOT_STORED = "no response to this prompt is stored"


class StoredResponses:
    """Answers requests as the engine does, from responses.sqlite alone. It has no transport."""

    in_flight = 0
    adaptive_limit = 0
    stopped = ""

    def __init__(self, path: Path) -> None:
        self.store = ResponseStore(path)
        self.notices: deque[str] = deque()
        self.meanwhile: Callable[[int], object] = lambda unanswered: None
        """No test waits here."""

    def prefetch(self, request: Request, follow: object = None) -> None:
        """Nothing is under way: ``ask`` reads the store."""

    def submit(self, request: Request, follow: object = None, *, first: bool = False) -> None:
        """Likewise."""

    def ask(self, request: Request) -> Completion:
        """The stored completion of a request; without one a ``request_error`` that says so."""
        return self.store.get(request.key) or Completion("request_error", attempts=0, error=NOT_STORED)

    def close(self) -> None:
        """Write the texts that are held back and close."""
        self.store.close()
