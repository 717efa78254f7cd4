"""Requests that wait for a slot of one endpoint. Models and judges that share it have equal parts of it."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Iterator

from pytest_medhelm.models.engine.job import Job


class Waiting:
    """The waiting jobs of an endpoint, each model's in a queue of its own.

    The model with the fewest requests at the endpoint is next: none waits for another's long queue, and a slot that one
    leaves unused is another's.
    """

    def __init__(self) -> None:
        self._queues: dict[str, deque[Job]] = {}
        self._flying: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return any(self._queues.values())

    def add(self, job: Job, *, first: bool) -> None:
        """A job waits; ``first`` goes before all others of its model."""
        queue = self._queues.setdefault(job.request.model.name, deque())
        if first:
            queue.appendleft(job)
        else:
            queue.append(job)

    def prefer(self, job: Job) -> None:
        """Bring a job to the front of its model's queue, if it still waits."""
        queue = self._queues.get(job.request.model.name, deque())
        with contextlib.suppress(ValueError):
            queue.remove(job)
            queue.appendleft(job)

    def next(self) -> Job:
        """Whose turn it is; it waits still."""
        return self._queues[self._turn()][0]

    def take(self) -> Job:
        """The same job, which waits no more."""
        return self._queues[self._turn()].popleft()

    def sent(self, job: Job) -> None:
        """A job is at the endpoint."""
        self._flying[job.request.model.name] += 1

    def ended(self, job: Job) -> None:
        """It is no more."""
        self._flying[job.request.model.name] -= 1

    def drain(self) -> Iterator[Job]:
        """All that wait, which then wait no more."""
        for queue in self._queues.values():
            while queue:
                yield queue.popleft()

    def _turn(self) -> str:
        if len(self._queues) == 1:
            return next(iter(self._queues))
        return min((name for name, queue in self._queues.items() if queue), key=lambda name: self._flying[name])
