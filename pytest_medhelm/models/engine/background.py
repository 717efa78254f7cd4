"""The engine's other thread: one event loop that brings each job from its queue to the disk and to its future.

Where processes share the store a job is claimed first, so that no two ask the same. ``lanes`` say when it may be sent;
a fault that may pass goes back into its lane. What has arrived is committed together, then the futures resolve.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import replace
from pathlib import Path

from pytest_medhelm.models.engine.budget import Budget
from pytest_medhelm.models.engine.endpoint_queue import Dispatcher, EndpointQueue
from pytest_medhelm.models.engine.job import Follow, Job
from pytest_medhelm.models.engine.request import Completion, without_form
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.engine.transport import Fault
from pytest_medhelm.util.errors import BudgetReached

FIRST_PAUSE = 0.1
"""Seconds before the first retry: most faults pass at once. Each further pause is PAUSE_GROWTH times as long."""
PAUSE_GROWTH = 3
LONGEST_PAUSE = 30.0
GIVE_UP_AFTER = 900.0
"""Seconds after its first attempt beyond which a request is not tried again."""
FLUSH_AFTER = 0.003
"""Seconds that a completion waits for others, to be committed with them."""
CLAIM_POLL = 0.05
"""Seconds between two looks at what another process has in flight."""


class Background:
    """Runs jobs. Belongs to the thread that makes it; the other one calls only what is said to be for it."""

    def __init__(
        self,
        path: Path,
        jobs: dict[str, Job],
        served: set[int],
        *,
        run: str,
        use_cache: bool,
        processes: int,
        max_cost: float | None,
    ) -> None:
        """``jobs``: all that are under way, by key; the other thread has them too. ``served``: see ``Budget``."""
        self._jobs = jobs
        self._run = run
        self._stored_by = None if use_cache else run
        """Whose stored completions may be used; None: anyone's."""
        self._shares_store = processes > 1
        self._store = ResponseStore(path)
        self._budget = None if max_cost is None else Budget(max_cost, self._store, run, served)
        self._lanes = Dispatcher(processes, self._budget, self._send, self._turn_away)
        self._answered: list[tuple[Job, Completion]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()

    # For the other thread

    @property
    def in_flight(self) -> int:
        """Requests that are at an endpoint at this moment; this thread may count on meanwhile."""
        return self._lanes.in_flight

    def take(self, job: Job, *, first: bool) -> None:
        """Have a job run; ``first`` goes before all that wait."""
        self._loop.call_soon_threadsafe(self._start, job, first)

    def prefer(self, job: Job) -> None:
        """Bring a job to the front, if it still waits."""
        self._loop.call_soon_threadsafe(self._lanes.prefer, job)

    def stop(self) -> None:
        """Send nothing any more, cancel what is in flight, and have ``run`` return."""
        self._lanes.closing = True
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)

    # For its own thread

    def run(self) -> None:
        """Work until ``stop``."""
        try:
            self._loop.run_forever()
        finally:
            for task in self._tasks:
                task.cancel()
            with contextlib.suppress(Exception):
                self._loop.run_until_complete(self._wind_up())
            self._store.close()
            self._loop.close()

    async def _wind_up(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._flush()
        if self._budget is not None:
            self._budget.close()
        await self._lanes.close()

    def _start(self, job: Job, first: bool) -> None:
        if self._shares_store:
            self._spawn(self._claim_then_queue(job, first))
        else:
            self._lanes.queue(job, first=first)

    def _send(self, lane: EndpointQueue, job: Job) -> None:
        self._spawn(self._attempt(lane, job))

    def _spawn(self, coroutine: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _claim_then_queue(self, job: Job, first: bool) -> None:
        """Where processes share the store: take what another one has asked, and wait while it asks."""
        key = job.request.key
        while True:
            claimed = self._store.claim(key)
            stored = self._store.get(key, run=self._stored_by)
            if stored is not None:
                if claimed:
                    self._store.release(key)
                self._resolve(job, stored)
                return
            if claimed:
                self._lanes.queue(job, first=first)
                return
            await asyncio.sleep(CLAIM_POLL)

    def _turn_away(self, job: Job, answered: int) -> None:
        if self._shares_store:
            self._store.release(job.request.key)
        with contextlib.suppress(InvalidStateError):
            job.future.set_exception(BudgetReached(answered))

    async def _attempt(self, lane: EndpointQueue, job: Job) -> None:
        job.started = job.started or time.monotonic()
        job.attempts += 1
        if job.request.may_drop_form and job.request.model.served in lane.formless:
            job.request = without_form(job.request)
        result: Completion | Fault | None = None
        try:
            result = await lane.transport.attempt(job.request)
        finally:
            if self._budget is not None:
                self._budget.settle(job.request, result)
            self._lanes.freed(lane)
        if isinstance(result, Fault) and result.form_refused:
            lane.formless.add(job.request.model.served)
            job.attempts -= 1
            self._lanes.queue(job, first=True)
            return
        if isinstance(result, Completion):
            self._finish(job, replace(result, attempts=job.attempts))
            return
        pause = _pause(job.attempts, result)
        elapsed = time.monotonic() - job.started
        if job.attempts > lane.retries or elapsed + pause > GIVE_UP_AFTER:
            error = f"{result.reason} after {job.attempts} attempts"
            self._finish(job, Completion("request_error", attempts=job.attempts, error=error))
            return
        # The slot is free while this request waits for its next turn.
        await asyncio.sleep(pause)
        self._lanes.queue(job, first=True)

    def _finish(self, job: Job, completion: Completion) -> None:
        if not self._answered:
            self._loop.call_later(FLUSH_AFTER, self._flush)
        self._answered.append((job, completion))

    def _flush(self) -> None:
        """Commit all that arrived meanwhile, then let the futures resolve."""
        answered, self._answered = self._answered, []
        if not answered:
            return
        try:
            self._store.put(((job.request, completion) for job, completion in answered), run=self._run)
        except Exception as error:
            for job, _ in answered:
                job.future.set_exception(error)
            return
        for job, completion in answered:
            self._resolve(job, completion)

    def _resolve(self, job: Job, completion: Completion) -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        if self._budget is not None and completion.outcome != "request_error":
            self._budget.count(job.request)
        # A hint: what goes wrong here the test meets again, and reports.
        with contextlib.suppress(Exception):
            self._follow_up(job.follow, completion)
        job.future.set_result(completion)

    def _follow_up(self, follows: Sequence[Follow], completion: Completion) -> None:
        """Ask what a completion gives rise to; it belongs to an earlier item, so it goes first."""
        for later in [later for follow in follows for later in follow(completion)]:
            request, follow = later.request, [later.follow] if later.follow else []
            if request.key in self._jobs:
                continue
            stored = self._store.get(request.key, run=self._stored_by)
            if stored is not None:
                self._follow_up(follow, stored)
                continue
            job = Job(request, Future(), follow)
            if self._jobs.setdefault(request.key, job) is job:
                self._start(job, True)


def _pause(attempts: int, fault: Fault) -> float:
    """Seconds before the next attempt: what the server asks for, else exponential with jitter."""
    if fault.retry_after is not None:
        return fault.retry_after + random.uniform(0, 0.1)
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * PAUSE_GROWTH ** (attempts - 1)) * random.uniform(0.5, 1.0))
