"""Who may be sent when: a queue and free slots for each endpoint, and one budget over all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from pytest_medhelm.models.engine.budget import Budget
from pytest_medhelm.models.engine.job import Job
from pytest_medhelm.models.engine.transport import Transport
from pytest_medhelm.models.spec import Endpoint

BUDGET_POLL = 0.05
"""Seconds after which a request that the budget lets wait is looked at again."""


class EndpointQueue:
    """The queue of one endpoint and its free slots."""

    def __init__(self, endpoint: Endpoint, limit: int) -> None:
        self.transport = Transport(endpoint)
        self.retries = endpoint.retries
        self.limit = self.free = limit
        self.waiting: deque[Job] = deque()
        self.formless: set[str] = set()
        """Served models that refused to be told the form of a reply."""


class Dispatcher:
    """All lanes; belongs to the thread of the loop, which alone calls what is not said to be for others."""

    def __init__(
        self,
        processes: int,
        budget: Budget | None,
        send: Callable[[EndpointQueue, Job], None],
        turn_away: Callable[[Job, int], None],
    ) -> None:
        """``send`` starts an attempt, whose end ``freed`` is told; ``turn_away`` gets what the budget has no room for.

        ``turn_away`` gets the requests answered by all processes, too.
        """
        self._processes = processes
        self._budget = budget
        self._send = send
        self._turn_away = turn_away
        self._lanes: dict[tuple[str, str], EndpointQueue] = {}
        self._polling = False
        self.closing = False
        """Nothing is sent any more; any thread may set it."""

    @property
    def in_flight(self) -> int:
        """Requests that are at an endpoint at this moment; for any thread."""
        return sum(lane.limit - lane.free for lane in tuple(self._lanes.values()))

    def queue(self, job: Job, *, first: bool) -> None:
        """Send a job when its turn has come; ``first`` goes before all that wait."""
        lane = self._lane(job)
        if first:
            lane.waiting.appendleft(job)
        else:
            lane.waiting.append(job)
        self._pump(lane)

    def prefer(self, job: Job) -> None:
        """Bring a job to the front, if it still waits."""
        waiting = self._lane(job).waiting
        with contextlib.suppress(ValueError):
            waiting.remove(job)
            waiting.appendleft(job)

    def freed(self, lane: EndpointQueue) -> None:
        """An attempt has ended, and its cost is settled."""
        lane.free += 1
        self._pump_all()

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.gather(*(lane.transport.close() for lane in self._lanes.values()))

    def _lane(self, job: Job) -> EndpointQueue:
        endpoint = job.request.model.endpoint
        assert endpoint is not None
        place = (endpoint.name, endpoint.base_url)
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = EndpointQueue(endpoint, max(1, endpoint.concurrency // self._processes))
        return lane

    def _pump(self, lane: EndpointQueue) -> None:
        while lane.free and lane.waiting and not self.closing:
            if self._budget is not None and not self._admits(self._budget, lane.waiting[0]):
                return
            lane.free -= 1
            self._send(lane, lane.waiting.popleft())

    def _pump_all(self) -> None:
        for lane in self._lanes.values():
            self._pump(lane)

    def _admits(self, budget: Budget, job: Job) -> bool:
        """Whether a request may be sent now; when none may be sent any more, all that wait are turned away."""
        admission = budget.admit(job.request)
        if admission == "stop":
            for lane in self._lanes.values():
                while lane.waiting:
                    self._turn_away(lane.waiting.popleft(), budget.answered)
        elif admission == "wait" and self._processes > 1 and not self._polling:
            # What another process has in flight may come to less than was set aside for it.
            self._polling = True
            asyncio.get_running_loop().call_later(BUDGET_POLL, self._poll)
        return admission == "go"

    def _poll(self) -> None:
        self._polling = False
        self._pump_all()
