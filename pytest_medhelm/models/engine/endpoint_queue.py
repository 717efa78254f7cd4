"""Who may be sent when: a queue and free slots for each endpoint, and one budget over all of them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable

from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine.adaptive import MOST, START, AdaptiveLimit
from pytest_medhelm.models.engine.budget import Budget
from pytest_medhelm.models.engine.job import Job
from pytest_medhelm.models.engine.replicas import Replicas
from pytest_medhelm.models.engine.request import SYSTEM, Request, without_form, without_logprobs, without_system
from pytest_medhelm.models.engine.transport import Fault
from pytest_medhelm.models.engine.waiting import Waiting
from pytest_medhelm.util.errors import BudgetReached, MedhelmError

BUDGET_POLL = 0.05
"""Seconds after which a request that the budget lets wait is looked at again."""
SPARE_DESCRIPTORS = 32
"""File descriptors that are left for all but connections."""


class EndpointQueue:
    """The queue of one endpoint and its free slots."""

    def __init__(self, endpoint: Endpoint, limit: int, adaptive: AdaptiveLimit | None = None) -> None:
        """``adaptive`` finds the limit out, which begins with ``limit``; None: it stays that."""
        self.endpoint = endpoint
        self.replicas = Replicas(endpoint)
        self.adaptive = adaptive
        self.limit = self.free = limit
        self.waiting = Waiting()
        self.rejects_response_format: set[str] = set()
        """Served models that refused to be told the form of a reply."""
        self.rejects_logprobs: set[str] = set()
        """Served models that refused to give log-probabilities."""
        self.rejects_system_role: set[str] = set()
        """Served models that are told what a system message says in the user's turn."""
        self.away_since: float | None = None
        """When its server was first found away (time.monotonic); None: it answers."""

    def sent(self) -> int:
        """A request is sent; returns its number for ``ended``."""
        return self.adaptive.sent() if self.adaptive is not None else 0

    def ended(self, number: int, *, answered: bool, overload: bool) -> None:
        """What an attempt shows of the limit; its slot is not free yet."""
        if self.adaptive is None:
            return
        if answered:
            self.adaptive.answered(number, full=self.free <= self.limit // 10)
        elif overload:
            self.adaptive.overloaded(number)
        self._resize(self.adaptive.limit)

    def _resize(self, limit: int) -> None:
        self.free += limit - self.limit
        self.limit = limit

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
            self._resize(self.limit - 1)
            if self.adaptive is not None:
                self.adaptive.bound(self.limit)
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

    @property
    def adaptive_limit(self) -> int:
        """What the limits that are found out come to at this moment, 0 where there are none; for any thread."""
        return sum(queue.limit for queue in tuple(self._queues.values()) if queue.adaptive is not None)

    def queue(self, job: Job, *, first: bool) -> None:
        """Send a job when its turn has come; ``first`` goes before all that wait."""
        if self._stopped is not None:
            self._turn_away(job, self._stopped)
            return
        queue = self._queue_of(job)
        job.enter("queued")
        queue.waiting.add(job, first=first)
        self._pump(queue)

    def prefer(self, job: Job) -> None:
        """Bring a job to the front, if it still waits."""
        self._queue_of(job).waiting.prefer(job)

    def freed(self, queue: EndpointQueue, job: Job) -> None:
        """An attempt has ended, and its cost is settled."""
        queue.free += 1
        queue.waiting.ended(job)
        self.pump()

    def stop(self, reason: MedhelmError) -> None:
        """Turn away all that wait and all that come."""
        self._stopped = reason
        self._turn_all_away(reason)

    def _turn_all_away(self, reason: MedhelmError) -> None:
        for queue in self._queues.values():
            for job in queue.waiting.drain():
                self._turn_away(job, reason)

    def pump(self) -> None:
        """Send what may be sent."""
        for queue in tuple(self._queues.values()):
            self._pump(queue)

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.gather(*(queue.replicas.close() for queue in self._queues.values()), return_exceptions=True)

    def _queue_of(self, job: Job) -> EndpointQueue:
        endpoint = job.request.model.endpoint
        assert endpoint is not None
        key = (endpoint.name, endpoint.base_url)
        queue = self._queues.get(key)
        if queue is None:
            most = max(1, free_descriptors())
            wanted = max(1, (START if endpoint.concurrency == "auto" else endpoint.concurrency) // self._processes)
            limit = min(wanted, most)
            if limit < wanted:
                self._say(
                    f"{limit} instead of {wanted} requests at once to {endpoint.shown_url}: this process may open too "
                    "few files; raise the limit (ulimit -n)"
                )
            adaptive = None
            if endpoint.concurrency == "auto":
                adaptive = AdaptiveLimit(limit, min(most, max(1, MOST // self._processes)))
            queue = self._queues[key] = EndpointQueue(endpoint, limit, adaptive)
        return queue

    def _pump(self, queue: EndpointQueue) -> None:
        while queue.free > 0 and queue.waiting and not self.closing:
            try:
                admitted = self._budget is None or self._admits(self._budget, queue.waiting.next())
            except Exception as error:
                self._turn_away(queue.waiting.take(), error)
                continue
            if not admitted:
                return
            job = queue.waiting.take()
            queue.free -= 1
            queue.waiting.sent(job)
            self._send(queue, job)

    def _admits(self, budget: Budget, job: Job) -> bool:
        """Whether a request may be sent now; when none may be sent any more, all that wait are turned away."""
        admission = budget.admit(job.request)
        if admission == "stop":
            self._turn_all_away(BudgetReached(budget.answered))
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
