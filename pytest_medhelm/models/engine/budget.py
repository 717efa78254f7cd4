"""The budget of a run: whether one more request may be sent, decided before it is.

A request may be sent when what this run has paid, the bounds of all requests in flight and its own bound stay within
the budget. Its bound: a token for every three bytes of its body at the price of the prompt, and its ``max_tokens`` at
the price of the answer; without ``max_tokens`` as many as the model's answers had so far on average, FIRST_ANSWER
before the first. An answer whose tokens the server did not count, and an attempt that broke off although the server
may have worked on it, count as their bound. Failing that, requests wait for those in flight, which mostly cost less
than their bound; when there are none left, the budget is reached.

All processes of a run keep their sums in responses.sqlite, so that the bound holds for them together.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import MutableSet
from typing import Literal

from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.engine.store import ResponseStore, short_key
from pytest_medhelm.models.engine.transport import Fault

BYTES_A_TOKEN = 3
FIRST_ANSWER = 1000
"""Tokens that an answer is taken to have before its model has given one."""

Admission = Literal["go", "wait", "stop"]


class Budget:
    """What one process knows of it; belongs to the thread of ``store``."""

    def __init__(self, limit: float, store: ResponseStore, run: str, served: MutableSet[int]) -> None:
        """``served``: short keys of what has its answer in this process, stored or new; kept by who answers, too."""
        self._limit = limit
        self._store = store
        self._run = run
        self._served = served
        self._bounds: dict[str, float] = {}
        """Of requests in flight, by key."""
        self._answers: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        """By model: answers, and their tokens."""
        self._reached = False
        self.answered = 0
        """Requests that all processes of the run had answered when the budget was reached."""

    def admit(self, request: Request) -> Admission:
        """Whether a request may be sent now, later or not at all: once it is "stop" it is so for every request."""
        if self._reached:
            return "stop"
        bound = self.bound(request)
        if bound == 0:
            return "go"
        admission = self._store.spending.reserve(self._run, bound, self._limit, len(self._served))
        if admission == "go":
            self._bounds[request.key] = bound
        elif admission == "stop":
            self._reached = True
            self.answered = self._store.spending.answered(self._run)
        return admission

    def settle(self, request: Request, result: Completion | Fault | None) -> None:
        """An attempt has ended; None: it was cancelled."""
        if isinstance(result, Completion) and result.outcome != "request_error":
            self.count(request)
        bound = self._bounds.pop(request.key, 0.0)
        if isinstance(result, Completion) and "completion_tokens" in result.usage:
            counts = self._answers[request.model.name]
            counts[0] += 1
            counts[1] += result.usage["completion_tokens"]
        if bound:
            self._store.spending.settle(self._run, bound, _paid(request, result, bound), len(self._served))

    def count(self, request: Request) -> None:
        """A request has its answer."""
        self._served.add(short_key(request.key))

    def bound(self, request: Request) -> float:
        """What a request costs at most; 0 for a model without a price."""
        if request.model.price is None:
            return 0.0
        body = json.loads(request.payload)
        tokens = body.get("max_completion_tokens") or body.get("max_tokens")
        if tokens is None:
            count, total = self._answers[request.model.name]
            tokens = total / count if count else FIRST_ANSWER
        prompt = len(request.payload.encode("utf-8", "replace")) / BYTES_A_TOKEN
        return request.model.price.bound(prompt, tokens)

    def close(self) -> None:
        """What is still in flight may be charged, and nobody need wait for it."""
        self._store.spending.settle_all(self._run)


def _paid(request: Request, result: Completion | Fault | None, bound: float) -> float:
    if isinstance(result, Fault):
        return bound if result.charged else 0.0
    if result is None:
        return bound
    if result.outcome == "request_error":
        return 0.0
    cost = request.model.price.cost(result.usage) if request.model.price else 0.0
    return bound if cost is None else cost
