"""The engine's other thread: one event loop that brings each job from its queue to the disk and to its future.

A job is claimed first, so that no two processes on a suite ask the same. The ``Dispatcher`` says when it may be sent;
``Attempts`` asks the endpoint, and sends it there again after a fault that may pass; ``Endings`` stores what has
arrived and lets the futures resolve. Whatever is raised on the way ends as the job's own ``request_error``, and a
watchdog ends what nobody works on any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from pathlib import Path

from pytest_medhelm.models.engine.attempts import Attempts
from pytest_medhelm.models.engine.budget import Budget
from pytest_medhelm.models.engine.claims import Claims
from pytest_medhelm.models.engine.endings import Endings
from pytest_medhelm.models.engine.endpoint_queue import Dispatcher, EndpointQueue
from pytest_medhelm.models.engine.job import WATCH_EVERY, EngineSettings, Follow, FollowUp, Job, ThreadedFollow
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.engine.turns import ClaimedElsewhereError, Turns
from pytest_medhelm.util.errors import RunStopped


class Background:
    """Runs jobs. Belongs to the thread that makes it; the other one calls only what is said to be for it."""

    def __init__(
        self, path: Path, jobs: dict[str, Job], served: set[int], say: Callable[[str], None], settings: EngineSettings
    ) -> None:
        """``jobs``: all that are under way, by key; the other thread has them too. ``served``: see ``Budget``.

        ``say`` gets what the user should know, without any text of a request.
        """
        self._jobs = jobs
        self._store = ResponseStore(path)
        self._claims = Claims(path.with_suffix(".lock"))
        run, most = settings.run, settings.max_cost
        self._turns = Turns(self._claims, self._store, None if settings.use_cache else run, settings.wait)
        self._budget = None if most is None else Budget(most, self._store, run, served)
        self._loop = asyncio.new_event_loop()
        self._endings = Endings(self._loop, self._store, self._claims, run, say, self._on_answer, self._stop_run)
        self._dispatcher = Dispatcher(settings.processes, self._budget, self._send, self._endings.turn_away, say)
        self._attempts = Attempts(self._dispatcher, self._endings, self._budget, settings.wait, say, self._stop_run)
        self._tasks: set[asyncio.Task[None]] = set()
        self._taken: deque[tuple[Job, bool]] = deque()
        """From the other thread: jobs, and whether each goes first."""
        self._is_woken = False
        """The loop will look there."""
        self.stopped = ""
        """Why nothing is asked any more; for any thread."""
        self.beats = 0
        """Looks of the watchdog; for any thread: a loop that stands still shows in them."""

    # For the other thread

    @property
    def in_flight(self) -> int:
        """Requests that are at an endpoint at this moment; this thread may count on meanwhile."""
        return self._dispatcher.in_flight

    @property
    def adaptive_limit(self) -> int:
        """What the limits that are found out come to at this moment; 0 where there are none."""
        return self._dispatcher.adaptive_limit

    def take(self, job: Job, *, first: bool) -> None:
        """Have a job run; ``first`` goes before all that wait."""
        self._taken.append((job, first))
        # Waking the loop costs as much as starting a job: once for all that come meanwhile.
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._start_taken)

    def prefer(self, job: Job) -> None:
        """Bring a job to the front, if it still waits."""
        self._loop.call_soon_threadsafe(self._dispatcher.prefer, job)

    def also(self, job: Job, follow: Follow) -> None:
        """Have this too follow from a job that is under way, or at its end."""

        def later(done: Future[Completion]) -> None:
            with contextlib.suppress(RuntimeError):  # The loop is closed: nothing is asked any more.
                self._loop.call_soon_threadsafe(self._also, done, follow)

        job.future.add_done_callback(later)

    def stop(self) -> None:
        """Send nothing any more, cancel what is in flight, and have ``run`` return."""
        self._dispatcher.closing = True
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)

    # For its own thread

    def run(self) -> None:
        """Work until ``stop``."""
        watchdog = self._loop.create_task(self._watch())
        try:
            self._loop.run_forever()
        finally:
            for task in (watchdog, *self._tasks):
                task.cancel()
            with contextlib.suppress(Exception):
                self._loop.run_until_complete(self._wind_up())
            self._claims.close()
            self._store.close()
            self._loop.close()

    async def _wind_up(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._endings.flush()
        if self._budget is not None:
            self._budget.close()
        await self._dispatcher.close()

    def _start_taken(self) -> None:
        self._is_woken = False  # Before the look: what comes from here on wakes the loop again.
        taken = [self._taken.popleft() for _ in range(len(self._taken))]
        if len(taken) > 1 and not self.stopped:
            with contextlib.suppress(Exception):  # Each job meets it by itself.
                self._turns.claim([job.request.key for job, _ in taken])
        for job, first in taken:
            self._start(job, first)

    def _start(self, job: Job, first: bool) -> None:
        try:
            if self.stopped:
                self._endings.turn_away(job, RunStopped(self.stopped))
            elif (stored := self._turns.take(job)) is not None:
                self._endings.resolve(job, stored)
            else:
                self._dispatcher.queue(job, first=first)
        except ClaimedElsewhereError:
            self._spawn(job, self._wait_for_turn(job, first))
        except Exception as error:
            self._endings.lose(job, error)

    def _send(self, queue: EndpointQueue, job: Job) -> None:
        self._spawn(job, self._attempts.make(queue, job))

    def _spawn(self, job: Job, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(self._guarded(job, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, job: Job, work: Coroutine[object, object, None]) -> None:
        """A job's work cannot end in an exception: that is the job's own end."""
        try:
            await work
        except asyncio.CancelledError:
            job.future.cancel()
            raise
        except Exception as error:
            self._endings.lose(job, error)

    async def _wait_for_turn(self, job: Job, first: bool) -> None:
        """Take what another process has asked, or ask."""
        stored = await self._turns.wait(job)
        if stored is None:
            self._dispatcher.queue(job, first=first)
        else:
            self._endings.resolve(job, stored)

    def _stop_run(self, sentence: str) -> None:
        if not self.stopped:
            self.stopped = sentence
            self._dispatcher.stop(RunStopped(sentence))

    async def _watch(self) -> None:
        """End what nobody works on any more. Nothing should ever be found."""
        while True:
            await asyncio.sleep(WATCH_EVERY)
            self.beats += 1
            with contextlib.suppress(Exception):
                self._dispatcher.pump()
            now = time.monotonic()
            for job in list(self._jobs.values()):
                if job.due is not None and now > job.due and not job.future.done():
                    self._endings.lose(job, "the watchdog found it idle")

    def _on_answer(self, job: Job, completion: Completion) -> None:
        if self._budget is not None and completion.outcome != "request_error":
            self._budget.count(job.request)
        # A hint: what goes wrong here the test meets again, and reports.
        with contextlib.suppress(Exception):
            self._follow_up(job.follow, completion)

    def _also(self, done: Future[Completion], follow: Follow) -> None:
        if not (done.cancelled() or done.exception() or self.stopped):
            with contextlib.suppress(Exception):  # As above.
                self._follow_up([follow], done.result())

    def _follow_up(self, follows: Sequence[Follow], completion: Completion) -> None:
        """Ask what a completion gives rise to; it belongs to an earlier item, so it goes first."""
        for follow in follows:
            if isinstance(follow, ThreadedFollow):
                follow.start(completion, lambda later: self._loop.call_soon_threadsafe(self._ask_later, later))
            else:
                self._ask_later(follow(completion))

    def _ask_later(self, later_ones: Sequence[FollowUp]) -> None:
        for later in later_ones:
            request, follow = later.request, [later.follow] if later.follow else []
            if request.key in self._jobs:
                continue
            stored = self._turns.stored(request)
            if stored is not None:
                self._follow_up(follow, stored)
                continue
            job = Job(request, Future(), follow)
            if self._jobs.setdefault(request.key, job) is job:
                self._start(job, True)
