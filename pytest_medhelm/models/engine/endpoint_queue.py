"""Who may be sent when: a queue and free slots for each endpoint, and one budget over all of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections import deque
from collections.abc import Callable

from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine.budget import Budget
from pytest_medhelm.models.engine.job import Job
from pytest_medhelm.models.engine.request import SYSTEM, Request, without_form, without_logprobs, without_system
from pytest_medhelm.models.engine.transport import Fault, Transport
from pytest_medhelm.util.errors import BudgetReached, MedhelmError

BUDGET_POLL = 0.05
"""Seconds after which a request that the budget lets wait is looked at again."""
SPARE_DESCRIPTORS = 32
"""File descriptors that are left for all but connections."""


class EndpointQueue:
    """The queue of one endpoint and its free slots."""

    def __init__(self, endpoint: Endpoint, limit: int) -> None:
        self.endpoint = endpoint
        self.transport = Transport(endpoint)
        self.limit = self.free = limit
        self.waiting: deque[Job] = deque()
        self.rejects_response_format: set[str] = set()
        """Served models that refused to be told the form of a reply."""
        self.rejects_logprobs: set[str] = set()
        """Served models that refused to give log-probabilities."""
        self.rejects_system_role: set[str] = set()
        """Served models that are told what a system message says in the user's turn."""
        self.away_since: float | None = None
        """When its server was first found away (time.monotonic); None: it answers."""

    def adapted(self, request: Request) -> Request:
        """The request without what its model is known to refuse."""
        if request.may_drop_form and request.model.served in self.rejects_response_format:
            request = without_form(request)
        if request.may_drop_logprobs and request.model.served in self.rejects_logprobs:
            request = without_logprobs(request)
        if request.model.served in self.rejects_system_role and SYSTEM in request.payload:
            request = without_system(request)
        return request

    def learn(self, served: str, fault: Fault, patience: float) -> str:
        """Take note of what a fault says of the server; returns what the user should know, or nothing."""
        if fault.kind == "away":
            news = self.away_since is None
            self.away_since = time.monotonic() if self.away_since is None else self.away_since
            waited = f"waited for up to {patience:g} s (--medhelm-wait)"
            return f"{self.endpoint.shown_url}: {fault.reason}; {waited}" if news and patience > 0 else ""
        self.away_since = None
        if fault.kind == "no_form":
            self.rejects_response_format.add(served)
        elif fault.kind == "no_logprobs":
            self.rejects_logprobs.add(served)
            return (
                f"{self.endpoint.shown_url} gives no log-probabilities of {served}, which is asked without them: its "
                "confidence is not known (--medhelm-confidence=stated asks the model itself)"
            )
        elif fault.kind == "no_system":
            self.rejects_system_role.add(served)
        elif fault.kind == "crowded" and self.limit > 1:
            self.limit -= 1
            self.free -= 1
            return f"at most {self.limit} requests at once to {self.endpoint.shown_url}: {fault.reason}"
        return ""


class Dispatcher:
    """All queues; belongs to the thread of the loop, which alone calls what is not said to be for others."""

    def __init__(
        self,
        processes: int,
        budget: Budget | None,
        send: Callable[[EndpointQueue, Job], None],
        turn_away: Callable[[Job, Exception], None],
        say: Callable[[str], None],
    ) -> None:
        """``send`` starts an attempt, whose end ``freed`` is told; ``turn_away`` gets what is not sent, and why."""
        self._processes = processes
        self._budget = budget
        self._send = send
        self._turn_away = turn_away
        self._say = say
        self._queues: dict[tuple[str, str], EndpointQueue] = {}
        self._polling = False
        self._stopped: MedhelmError | None = None
        self.closing = False
        """Nothing is sent any more; any thread may set it."""

    @property
    def in_flight(self) -> int:
        """Requests that are at an endpoint at this moment; for any thread."""
        return sum(queue.limit - queue.free for queue in tuple(self._queues.values()))

    def queue(self, job: Job, *, first: bool) -> None:
        """Send a job when its turn has come; ``first`` goes before all that wait."""
        if self._stopped is not None:
            self._turn_away(job, self._stopped)
            return
        queue = self._queue_of(job)
        job.enter("queued")
        if first:
            queue.waiting.appendleft(job)
        else:
            queue.waiting.append(job)
        self._pump(queue)

    def prefer(self, job: Job) -> None:
        """Bring a job to the front, if it still waits."""
        waiting = self._queue_of(job).waiting
        with contextlib.suppress(ValueError):
            waiting.remove(job)
            waiting.appendleft(job)

    def freed(self, queue: EndpointQueue) -> None:
        """An attempt has ended, and its cost is settled."""
        queue.free += 1
        self.pump()

    def stop(self, reason: MedhelmError) -> None:
        """Turn away all that wait and all that come."""
        self._stopped = reason
        for queue in self._queues.values():
            while queue.waiting:
                self._turn_away(queue.waiting.popleft(), reason)

    def pump(self) -> None:
        """Send what may be sent."""
        for queue in tuple(self._queues.values()):
            self._pump(queue)

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.gather(*(queue.transport.close() for queue in self._queues.values()), return_exceptions=True)

    def _queue_of(self, job: Job) -> EndpointQueue:
        endpoint = job.request.model.endpoint
        assert endpoint is not None
        place = (endpoint.name, endpoint.base_url)
        queue = self._queues.get(place)
        if queue is None:
            wanted = max(1, endpoint.concurrency // self._processes)
            limit = max(1, min(wanted, free_descriptors()))
            if limit < wanted:
                self._say(
                    f"{limit} instead of {wanted} requests at once to {endpoint.shown_url}: this process may open too "
                    "few files; raise the limit (ulimit -n)"
                )
            queue = self._queues[place] = EndpointQueue(endpoint, limit)
        return queue

    def _pump(self, queue: EndpointQueue) -> None:
        while queue.free > 0 and queue.waiting and not self.closing:
            try:
                admitted = self._budget is None or self._admits(self._budget, queue.waiting[0])
            except Exception as error:
                self._turn_away(queue.waiting.popleft(), error)
                continue
            if not admitted:
                return
            queue.free -= 1
            self._send(queue, queue.waiting.popleft())

    def _admits(self, budget: Budget, job: Job) -> bool:
        """Whether a request may be sent now; when none may be sent any more, all that wait are turned away."""
        admission = budget.admit(job.request)
        if admission == "stop":
            for queue in self._queues.values():
                while queue.waiting:
                    self._turn_away(queue.waiting.popleft(), BudgetReached(budget.answered))
        elif admission == "wait" and self._processes > 1 and not self._polling:
            # What another process has in flight may come to less than was set aside for it.
            self._polling = True
            asyncio.get_running_loop().call_later(BUDGET_POLL, self._poll)
        return admission == "go"

    def _poll(self) -> None:
        self._polling = False
        self.pump()


def free_descriptors() -> int:
    """Files that this process may still open, without a reserve; a large number where nobody knows."""
    if sys.platform == "win32":
        return 10_000
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 10_000
    try:
        used = len(os.listdir("/dev/fd"))
    except OSError:
        used = SPARE_DESCRIPTORS
    return max(0, soft - used - SPARE_DESCRIPTORS)
