"""The engine: requests run in the background while tests stay sequential.

``submit`` returns a future at once; the same key is never in flight twice; a completion is on disk before its future
resolves. This is the side of the main thread; ``background`` is the other.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError, wait
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_medhelm.models.engine.job import WATCH_EVERY, EngineSettings, Follow, Job
from pytest_medhelm.models.engine.read_ahead import ReadAhead
from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.engine.store import ResponseStore, holds, short_key, stop_file
from pytest_medhelm.util.errors import RunStopped

if TYPE_CHECKING:
    from pytest_medhelm.models.engine.background import Background

CLOSE_WITHIN = 1.5
"""Seconds that closing may take."""
STOP_POLL = 0.05
"""Seconds between two looks whether the controller was interrupted, the other thread has ended, or slots are idle."""
STANDSTILL = 120.0
"""Seconds without a beat of the watchdog after which the engine is taken for stuck."""


class Engine:
    """Asks models. All public methods are called from the main thread."""

    def __init__(
        self,
        path: Path,
        *,
        run: str,
        use_cache: bool,
        processes: int = 1,
        max_cost: float | None = None,
        wait: float = 300.0,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """``path`` is the responses.sqlite; ``processes`` share it and divide each endpoint's limit.

        They share ``max_cost`` too, what the run may pay (engine.budget). ``wait``: see ``EngineSettings``. ``say`` is
        called by ``ask`` with what the user should know; without it that stays in ``notices``.
        """
        self._show = say
        self._path = path
        self._settings = EngineSettings(run, use_cache, processes, max_cost, wait)
        self._pid = os.getpid()
        self._store = ResponseStore(path)
        self._stored = self._store.short_keys() if use_cache else set()
        self._bound = self._store.bound_keys() if self._stored else set()
        """What need not be asked; looked up in memory, since most keys of a first run are not there."""
        self._ahead = ReadAhead(self._store)
        self._jobs: dict[str, Job] = {}
        """Under way, by key."""
        self._served: set[int] = set()
        """Of the budget (engine.budget)."""
        self._background: Background | None = None
        self._thread: threading.Thread | None = None
        self._broken: BaseException | None = None
        self.notices: deque[str] = deque(maxlen=1000)
        """What the user should know, for the terminal; holds no text of a request."""
        self._noticed: set[str] = set()
        self.meanwhile: Callable[[int], object] = lambda unanswered: None
        """Called again and again while a test waits for its answer, with how many requests have none yet: time to hand
        over more."""

    @property
    def stopped(self) -> str:
        """Why nothing is asked any more, as a sentence; empty while it is."""
        return "" if self._background is None else self._background.stopped

    @property
    def store(self) -> ResponseStore:
        """The main thread's connection."""
        return self._store

    @property
    def in_flight(self) -> int:
        """Requests that are at an endpoint at this moment."""
        return 0 if self._background is None else self._background.in_flight

    @property
    def adaptive_limit(self) -> int:
        """What the limits that are found out come to at this moment; 0 where there are none yet."""
        return 0 if self._background is None else self._background.adaptive_limit

    def prefetch(self, request: Request, follow: Follow | None = None) -> None:
        """Have it asked before it is needed. What is stored is read when it is needed, unless something follows."""
        key = short_key(request.key)
        if follow is not None or key not in self._stored or key in self._bound:
            self.submit(request, follow)
        else:
            self._ahead.note(request.key)

    def submit(self, request: Request, follow: Follow | None = None, *, first: bool = False) -> Future[Completion]:
        """Ask, unless the answer is stored or already under way. ``first`` goes before all look-ahead."""
        job = self._jobs.get(request.key)
        if job is None:
            stored = self._look_up(request)
            new = Job(request, Future(), [follow] if follow else [])
            if stored is not None:
                new.future.set_result(stored)
                # A hint: what goes wrong here the test meets again, and reports.
                with contextlib.suppress(Exception):
                    for later in follow(stored) if follow else ():
                        self.submit(*later.both)
                return new.future
            background = self._started()
            job = self._jobs.setdefault(request.key, new)
            if job is new:
                background.take(job, first=first)
                return job.future
        # Of another item with an equal request: its judges get another reference. A test goes on by itself.
        if follow is not None and not first:
            self._started().also(job, follow)
        if first and job.may_wait and not job.future.done():
            self._started().prefer(job)
        return job.future

    def _look_up(self, request: Request) -> Completion | None:
        """What is stored of a request, if a model as large as today's would have said it."""
        if os.getpid() != self._pid:
            raise RuntimeError("pytest-medhelm cannot ask models in a forked process: run without --forked")
        if short_key(request.key) not in self._stored:
            return None
        stored = self._ahead.take(request.key)
        if stored is None or not holds(stored, request.model.context):
            return None
        if self._settings.max_cost is not None:
            self._served.add(short_key(request.key))
        return stored

    def ask(self, request: Request) -> Completion:
        """The completion of a request, waiting for it. A later equal request is read from disk.

        Raises BudgetReached or RunStopped when it may not be asked any more, and KeyboardInterrupt when the controller
        of this worker was interrupted meanwhile.
        """
        if request.key not in self._jobs and (stored := self._look_up(request)) is not None:
            return stored
        future = self.submit(request, first=True)
        try:
            completion = self._wait(future)
        finally:
            if future.done():
                self._jobs.pop(request.key, None)
        if completion.outcome != "request_error":
            self._stored.add(short_key(request.key))
        return completion

    def _wait(self, future: Future[Completion]) -> Completion:
        beats, still = -1, 0.0
        while not future.done():
            if wait([future], STOP_POLL).done:
                break
            if self._settings.processes > 1 and stop_file(self._path.parent, self._settings.run).exists():
                raise KeyboardInterrupt
            self._tell()
            self.meanwhile(sum(not job.future.done() for job in list(self._jobs.values())))
            now = self._background.beats if self._background is not None else 0
            still = 0.0 if now != beats else still + STOP_POLL
            beats = now
            # Counted in looks, not by the clock: a process that was halted has not stood still.
            if self._thread is None or not self._thread.is_alive() or still > max(STANDSTILL, 4 * WATCH_EVERY):
                raise RunStopped(
                    "the engine of pytest-medhelm stands still: please report it; the same command goes on"
                )
        try:
            return future.result()
        except CancelledError:
            raise RunStopped("not answered: asking was broken off; the same command goes on from here") from None

    def _tell(self) -> None:
        while self._show is not None and self.notices:
            self._show(self.notices.popleft())

    def _say(self, line: str) -> None:
        if line not in self._noticed:
            self._noticed.add(line)
            self.notices.append(line)

    def close(self) -> None:
        """Cancel what is in flight and stop, within about two seconds."""
        if self._background is not None and self._thread is not None:
            self._background.stop()
            self._thread.join(CLOSE_WITHIN)
        for job in list(self._jobs.values()):
            job.future.cancel()
        self._store.close()

    def _started(self) -> Background:
        """The other side, whose thread starts when there is first something to ask."""
        if self._background is None:
            ready = threading.Event()
            self._thread = threading.Thread(target=self._work, args=(ready,), name="medhelm-engine", daemon=True)
            self._thread.start()
            ready.wait()
        if self._background is None:
            raise RunStopped(f"the engine of pytest-medhelm cannot start ({self._broken})")
        if self._thread is not None and not self._thread.is_alive():
            raise RunStopped("the engine of pytest-medhelm has ended: please report it; the same command goes on")
        return self._background

    def _work(self, ready: threading.Event) -> None:
        try:
            # With the first request: a session whose answers are all stored needs no HTTP client.
            from pytest_medhelm.models.engine.background import Background

            self._background = Background(self._path, self._jobs, self._served, self._say, self._settings)
        except BaseException as error:
            self._broken = error
            return
        finally:
            ready.set()
        try:
            self._background.run()
        finally:
            # However this thread ends, nobody waits for it.
            for job in list(self._jobs.values()):
                with contextlib.suppress(InvalidStateError):
                    job.future.cancel()
