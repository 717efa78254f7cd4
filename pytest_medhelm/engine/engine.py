"""The engine: requests run in the background while tests stay sequential.

One daemon thread, one event loop. ``submit`` returns a future at once; the same key is never in flight twice;
each endpoint has a lane with its own limit; a completion is on disk before its future resolves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_medhelm.engine.budget import Budget
from pytest_medhelm.engine.request import Completion, Request, without_form
from pytest_medhelm.engine.store import ResponseStore, short_key, stop_file
from pytest_medhelm.engine.transport import Fault, Transport
from pytest_medhelm.errors import BudgetReached
from pytest_medhelm.models.spec import Endpoint

FIRST_PAUSE = 0.1
"""Seconds before the first retry: most faults pass at once. Each further pause is PAUSE_GROWTH times as long."""
PAUSE_GROWTH = 3
LONGEST_PAUSE = 30.0
GIVE_UP_AFTER = 900.0
"""Seconds after its first attempt beyond which a request is not tried again."""
CLOSE_WITHIN = 1.5
"""Seconds that closing may take."""
FLUSH_AFTER = 0.003
"""Seconds that a completion waits for others, to be committed with them."""
CLAIM_POLL = 0.05
STOP_POLL = 0.2

Follow = Callable[[Completion], Sequence["Next"]]
"""What to ask as soon as a completion is there (the judges of an answer, a judge's second try)."""


@dataclass(frozen=True, slots=True)
class Next:
    """A request that another one gives rise to, and what follows from it in turn."""

    request: Request
    follow: Follow | None = None

    @property
    def both(self) -> tuple[Request, Follow | None]:
        """What ``submit`` takes."""
        return self.request, self.follow


@dataclass(slots=True)
class _Job:
    request: Request
    future: Future[Completion]
    follow: list[Follow] = field(default_factory=list)
    attempts: int = 0
    started: float = 0.0


class _Lane:
    """The queue of one endpoint and its free slots."""

    def __init__(self, endpoint: Endpoint, limit: int) -> None:
        self.transport = Transport(endpoint)
        self.retries = endpoint.retries
        self.limit = self.free = limit
        self.waiting: deque[_Job] = deque()
        self.formless: set[str] = set()
        """Served models that refused to be told the form of a reply."""


class Engine:
    """Asks models. All public methods are called from the main thread."""

    def __init__(
        self, path: Path, *, run: str, use_cache: bool, processes: int = 1, max_cost: float | None = None
    ) -> None:
        """``path`` is the responses.sqlite; ``processes`` share it and divide each endpoint's limit.

        They share ``max_cost`` too, what the run may pay (engine.budget).
        """
        self._path = path
        self._run = run
        self._use_cache = use_cache
        self._processes = processes
        self._pid = os.getpid()
        self._store = ResponseStore(path)
        self._stored = self._store.short_keys() if use_cache else set()
        """What need not be asked; looked up in memory, since most keys of a first run are not there."""
        self._jobs: dict[str, _Job] = {}
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._answered: list[tuple[_Job, Completion]] = []
        self._max_cost = max_cost
        self._budget: Budget | None = None
        self._reached: int | None = None
        """Requests answered when the budget was reached; None: it is not."""
        self._served: set[int] = set()
        """Short keys of what has an answer, stored or new; kept with a budget only."""
        self._polling = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def store(self) -> ResponseStore:
        """The main thread's connection."""
        return self._store

    @property
    def in_flight(self) -> int:
        """Requests that are at an endpoint at this moment; the engine's thread may count on meanwhile."""
        return sum(lane.limit - lane.free for lane in tuple(self._lanes.values()))

    def submit(self, request: Request, follow: Follow | None = None, *, first: bool = False) -> Future[Completion]:
        """Ask, unless the answer is stored or already under way. ``first`` goes before all look-ahead."""
        if os.getpid() != self._pid:
            raise RuntimeError("pytest-medhelm cannot ask models in a forked process: run without --forked")
        job = self._jobs.get(request.key)
        if job is None:
            job = _Job(request, Future())
            stored = self._store.get(request.key) if short_key(request.key) in self._stored else None
            if stored is not None:
                self._count(request)
                job.future.set_result(stored)
                for later in follow(stored) if follow else ():
                    self.submit(*later.both)
                return job.future
            if follow:
                job.follow.append(follow)
            mine = job
            job = self._jobs.setdefault(request.key, mine)
            if job is mine:
                self._call(self._start, job, first)
        elif first and not job.future.done():
            self._call(self._to_front, job)
        return job.future

    def ask(self, request: Request) -> Completion:
        """The completion of a request, waiting for it. A later equal request is read from disk.

        Raises BudgetReached when it may not be asked any more, and KeyboardInterrupt when the controller of this
        worker was interrupted meanwhile.
        """
        future = self.submit(request, first=True)
        while self._processes > 1 and not future.done():
            with contextlib.suppress(TimeoutError):
                future.result(STOP_POLL)
            if not future.done() and stop_file(self._path.parent, self._run).exists():
                raise KeyboardInterrupt
        completion = future.result()
        if completion.outcome != "request_error":
            self._stored.add(short_key(request.key))
        self._jobs.pop(request.key, None)
        return completion

    def close(self) -> None:
        """Cancel what is in flight and stop, within about two seconds."""
        self._closing = True
        if self._thread is not None and self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSE_WITHIN)
        for job in self._jobs.values():
            job.future.cancel()
        self._store.close()

    # Everything below runs on the loop's thread.

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        if self._loop is None:
            started = threading.Event()
            self._thread = threading.Thread(target=self._main, args=(started,), name="medhelm-engine", daemon=True)
            self._thread.start()
            started.wait()
        assert self._loop is not None
        self._loop.call_soon_threadsafe(function, *arguments)

    def _main(self, started: threading.Event) -> None:
        self._loop = loop = asyncio.new_event_loop()
        self._loop_store = ResponseStore(self._path)
        if self._max_cost is not None:
            self._budget = Budget(self._max_cost, self._loop_store, self._run)
        started.set()
        try:
            loop.run_forever()
        finally:
            for task in self._tasks:
                task.cancel()
            with contextlib.suppress(Exception):
                loop.run_until_complete(self._wind_up())
            self._loop_store.close()
            loop.close()

    async def _wind_up(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._flush()
        if self._budget is not None:
            self._budget.close()
        await asyncio.gather(*(lane.transport.close() for lane in self._lanes.values()))

    def _start(self, job: _Job, first: bool) -> None:
        if self._processes > 1:
            self._spawn(self._claim_then_queue(job, first))
        else:
            self._queue(job, first)

    def _queue(self, job: _Job, first: bool) -> None:
        lane = self._lane(job)
        if first:
            lane.waiting.appendleft(job)
        else:
            lane.waiting.append(job)
        self._pump(lane)

    def _to_front(self, job: _Job) -> None:
        waiting = self._lane(job).waiting
        with contextlib.suppress(ValueError):
            waiting.remove(job)
            waiting.appendleft(job)

    def _lane(self, job: _Job) -> _Lane:
        endpoint = job.request.model.endpoint
        assert endpoint is not None
        place = (endpoint.name, endpoint.base_url)
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = _Lane(endpoint, max(1, endpoint.concurrency // self._processes))
        return lane

    def _pump(self, lane: _Lane) -> None:
        while lane.free and lane.waiting and not self._closing:
            if self._budget is not None and not self._admits(self._budget, lane.waiting[0]):
                return
            lane.free -= 1
            self._spawn(self._attempt(lane, lane.waiting.popleft()))

    def _admits(self, budget: Budget, job: _Job) -> bool:
        """Whether a request may be sent now; when none may be sent any more, all that wait are turned away."""
        admission = "stop" if self._reached is not None else budget.admit(job.request, len(self._served))
        if admission == "stop":
            if self._reached is None:
                self._reached = budget.answered()
            for lane in self._lanes.values():
                while lane.waiting:
                    self._turn_away(lane.waiting.popleft(), self._reached)
        elif admission == "wait" and self._processes > 1 and not self._polling:
            # What another process has in flight may come to less than was set aside for it.
            assert self._loop is not None
            self._polling = True
            self._loop.call_later(CLAIM_POLL, self._poll)
        return admission == "go"

    def _turn_away(self, job: _Job, answered: int) -> None:
        if self._processes > 1:
            self._loop_store.release(job.request.key)
        with contextlib.suppress(InvalidStateError):
            job.future.set_exception(BudgetReached(answered))

    def _poll(self) -> None:
        self._polling = False
        self._pump_all()

    def _pump_all(self) -> None:
        for lane in self._lanes.values():
            self._pump(lane)

    def _count(self, request: Request) -> None:
        if self._max_cost is not None:
            self._served.add(short_key(request.key))

    def _spawn(self, coroutine: Coroutine[object, object, None]) -> None:
        assert self._loop is not None
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _claim_then_queue(self, job: _Job, first: bool) -> None:
        """Where processes share the store: take what another one has asked, and wait while it asks."""
        key = job.request.key
        while True:
            claimed = self._loop_store.claim(key)
            stored = self._loop_store.get(key, run=None if self._use_cache else self._run)
            if stored is not None:
                if claimed:
                    self._loop_store.release(key)
                self._resolve(job, stored)
                return
            if claimed:
                self._queue(job, first)
                return
            await asyncio.sleep(CLAIM_POLL)

    async def _attempt(self, lane: _Lane, job: _Job) -> None:
        job.started = job.started or time.monotonic()
        job.attempts += 1
        if job.request.may_drop_form and job.request.model.served in lane.formless:
            job.request = without_form(job.request)
        result: Completion | Fault | None = None
        try:
            result = await lane.transport.attempt(job.request)
        finally:
            lane.free += 1
            if self._budget is None:
                self._pump(lane)
            else:
                if isinstance(result, Completion) and result.outcome != "request_error":
                    self._count(job.request)
                self._budget.settle(job.request, result, len(self._served))
                self._pump_all()
        if isinstance(result, Fault) and result.form_refused:
            lane.formless.add(job.request.model.served)
            job.attempts -= 1
            self._queue(job, first=True)
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
        self._queue(job, first=True)

    def _finish(self, job: _Job, completion: Completion) -> None:
        if not self._answered:
            assert self._loop is not None
            self._loop.call_later(FLUSH_AFTER, self._flush)
        self._answered.append((job, completion))

    def _flush(self) -> None:
        """Commit all that arrived meanwhile, then let the futures resolve."""
        answered, self._answered = self._answered, []
        if not answered:
            return
        try:
            self._loop_store.put(((job.request, completion) for job, completion in answered), run=self._run)
        except Exception as error:
            for job, _ in answered:
                job.future.set_exception(error)
            return
        for job, completion in answered:
            self._resolve(job, completion)

    def _resolve(self, job: _Job, completion: Completion) -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        if completion.outcome != "request_error":
            self._count(job.request)
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
            stored = self._loop_store.get(request.key, run=None if self._use_cache else self._run)
            if stored is not None:
                self._follow_up(follow, stored)
                continue
            job = _Job(request, Future(), follow)
            if self._jobs.setdefault(request.key, job) is job:
                self._start(job, True)


def _pause(attempts: int, fault: Fault) -> float:
    """Seconds before the next attempt: what the server asks for, else exponential with jitter."""
    if fault.retry_after is not None:
        return fault.retry_after + random.uniform(0, 0.1)
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * PAUSE_GROWTH ** (attempts - 1)) * random.uniform(0.5, 1.0))
