"""The engine: requests run in the background while tests stay sequential.

``submit`` returns a future at once; the same key is never in flight twice; a completion is on disk before its future
resolves. This is the side of the main thread; ``background`` is the other.
"""

from __future__ import annotations

import contextlib
import os
import threading
from concurrent.futures import Future
from pathlib import Path

from pytest_medhelm.models.engine.background import Background
from pytest_medhelm.models.engine.job import Follow, Job
from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.engine.store import ResponseStore, short_key, stop_file

CLOSE_WITHIN = 1.5
"""Seconds that closing may take."""
STOP_POLL = 0.2
"""Seconds between two looks whether the controller was interrupted."""


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
        self._max_cost = max_cost
        self._pid = os.getpid()
        self._store = ResponseStore(path)
        self._stored = self._store.short_keys() if use_cache else set()
        """What need not be asked; looked up in memory, since most keys of a first run are not there."""
        self._jobs: dict[str, Job] = {}
        """Under way, by key."""
        self._served: set[int] = set()
        """Of the budget (engine.budget)."""
        self._background: Background | None = None
        self._thread: threading.Thread | None = None

    @property
    def store(self) -> ResponseStore:
        """The main thread's connection."""
        return self._store

    @property
    def in_flight(self) -> int:
        """Requests that are at an endpoint at this moment."""
        return 0 if self._background is None else self._background.in_flight

    def submit(self, request: Request, follow: Follow | None = None, *, first: bool = False) -> Future[Completion]:
        """Ask, unless the answer is stored or already under way. ``first`` goes before all look-ahead."""
        if os.getpid() != self._pid:
            raise RuntimeError("pytest-medhelm cannot ask models in a forked process: run without --forked")
        job = self._jobs.get(request.key)
        if job is None:
            stored = self._store.get(request.key) if short_key(request.key) in self._stored else None
            mine = Job(request, Future(), [follow] if follow else [])
            if stored is not None:
                if self._max_cost is not None:
                    self._served.add(short_key(request.key))
                mine.future.set_result(stored)
                for later in follow(stored) if follow else ():
                    self.submit(*later.both)
                return mine.future
            job = self._jobs.setdefault(request.key, mine)
            if job is mine:
                self._started().take(job, first=first)
        elif first and not job.future.done():
            self._started().prefer(job)
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
        if self._background is not None and self._thread is not None:
            self._background.stop()
            self._thread.join(CLOSE_WITHIN)
        for job in self._jobs.values():
            job.future.cancel()
        self._store.close()

    def _started(self) -> Background:
        """The other side, whose thread starts when there is first something to ask."""
        if self._background is None:
            ready = threading.Event()
            self._thread = threading.Thread(target=self._work, args=(ready,), name="medhelm-engine", daemon=True)
            self._thread.start()
            ready.wait()
        assert self._background is not None
        return self._background

    def _work(self, ready: threading.Event) -> None:
        self._background = Background(
            self._path,
            self._jobs,
            self._served,
            run=self._run,
            use_cache=self._use_cache,
            processes=self._processes,
            max_cost=self._max_cost,
        )
        ready.set()
        self._background.run()
