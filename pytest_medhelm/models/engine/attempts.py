"""One attempt of a job at its endpoint, and what its result means: the end, another address, or another attempt.

Whether and when a request is asked again is decided by ``retrying``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from pytest_medhelm.models.engine.budget import Budget
from pytest_medhelm.models.engine.endings import Endings
from pytest_medhelm.models.engine.endpoint_queue import Dispatcher, EndpointQueue
from pytest_medhelm.models.engine.failures import Failures, Remarks, final_error
from pytest_medhelm.models.engine.job import Job
from pytest_medhelm.models.engine.replicas import Replica
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.models.engine.retrying import LESS_AGAIN, retry
from pytest_medhelm.models.engine.transport import Fault

UNCOUNTED = frozenset({"no_form", "no_logprobs", "no_system", "less", "crowded"})
"""Kinds of faults that tell how a server is to be asked: they use up no retry."""


class Attempts:
    """The attempts of all jobs of an engine; belongs to the thread of its loop."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        endings: Endings,
        budget: Budget | None,
        patience: float,
        say: Callable[[str], None],
        stop_run: Callable[[str], None],
    ) -> None:
        """``patience``: seconds for which a server is waited for that went away."""
        self._dispatcher = dispatcher
        self._endings = endings
        self._budget = budget
        self._patience = patience
        self._say = say
        self._stop_run = stop_run
        self._failures, self._remarks = Failures(), Remarks()

    async def make(self, queue: EndpointQueue, job: Job) -> None:
        """Ask the endpoint once; the job has ended then, or waits in the queue for its next attempt."""
        job.enter("asked", queue.endpoint.timeout)
        job.started = job.started or time.monotonic()
        job.attempts += 1
        job.request = queue.adapted(job.request)
        result: Completion | Fault | None = None
        pause: float | None = None
        number, replica = queue.sent(), queue.replicas.pick(job.tried)
        replica.in_flight += 1
        try:
            result = await replica.transport.attempt(job.request)
            # Before the slot is free: a fault that stops the run lets nothing more be sent.
            pause = self._take_result(queue, replica, job, result, number)
        finally:
            replica.in_flight -= 1
            if self._budget is not None:
                self._budget.settle(job.request, result)
            self._dispatcher.freed(queue, job)
        if pause is not None:
            # The slot is free while this request waits for its next turn.
            job.enter("paused", pause)
            await asyncio.sleep(pause)
            self._dispatcher.queue(job, first=True)

    def _take_result(
        self, queue: EndpointQueue, replica: Replica, job: Job, result: Completion | Fault, number: int
    ) -> float | None:
        """An attempt has ended; returns the seconds after which the request is made again, or None at its end."""
        if isinstance(result, Fault):
            moves, news = queue.replicas.pass_on(job, replica, result)
            if news:
                self._say(news)
            if moves:
                job.attempts -= 1
                return 0.0
            queue.ended(number, answered=False, overload=result.overload)
            return self._take_fault(queue, job, result)
        if news := queue.replicas.answered(replica, result.latency):
            self._say(news)
        queue.ended(number, answered=True, overload=False)
        queue.away_since = None
        model = job.request.model
        self._failures.answered(model, result)
        for line in self._remarks.on(model, result):
            self._say(line)
        self._endings.finish(job, result if job.attempts == 1 else replace(result, attempts=job.attempts))
        return None

    def _take_fault(self, queue: EndpointQueue, job: Job, fault: Fault) -> float | None:
        if news := queue.learn(job.request.model.served, fault, self._patience):
            self._say(news)
        job.late += fault.kind == "late"
        job.lowered += fault.kind == "less"
        if fault.kind == "away":
            job.away += 1
            job.started = 0.0
        again = retry(job, fault, retries=queue.endpoint.retries, away_since=queue.away_since, patience=self._patience)
        if again is None and fault.kind == "less" and job.lowered > LESS_AGAIN:
            error = f"{fault.reason}: the prompt leaves no room for an answer"
            self._endings.finish(job, Completion("too_long", attempts=job.attempts, error=error, context=fault.context))
            return None
        if again is None:
            self._endings.finish(job, Completion("request_error", attempts=job.attempts, error=final_error(job, fault)))
            if stop := self._failures.failed(job.request.model, fault):
                self._stop_run(stop)
            return None
        job.request = again.request
        if fault.kind in UNCOUNTED:
            job.attempts -= 1
        return again.pause
