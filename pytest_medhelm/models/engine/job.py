"""A request under way, what to ask once its answer is there, and what both threads of the engine are told."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal

from pytest_medhelm.models.engine.request import Completion, Request

Follow = Callable[[Completion], Sequence["FollowUp"]]
"""What to ask as soon as a completion is there (the judges of an answer, a judge's second try)."""


class ThreadedFollow:
    """What follows after a wait for something else than a model (a record that is read): in a thread of its own."""

    def __init__(self, follow: Follow) -> None:
        self.follow = follow

    def __call__(self, completion: Completion) -> Sequence[FollowUp]:
        """As any ``Follow``."""
        return self.follow(completion)

    def start(self, completion: Completion, ask: Callable[[Sequence[FollowUp]], object]) -> None:
        """Have it found out, and then asked. A daemon: the end of a run waits for nobody."""

        def work() -> None:
            # A hint: the test meets the same error. The loop may have ended meanwhile.
            with contextlib.suppress(Exception):
                ask(self.follow(completion))

        threading.Thread(target=work, name="medhelm-threaded-follow", daemon=True).start()


Phase = Literal["new", "claimed elsewhere", "queued", "asked", "paused", "to be stored"]
GRACE = 60.0
"""Seconds that a phase of a job may take longer than meant before the watchdog ends it."""
WATCH_EVERY = 5.0
"""Seconds between two looks of the watchdog."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine is told by the session."""

    run: str
    use_cache: bool
    processes: int = 1
    """Processes that ask at the same time and divide each endpoint's limit."""
    max_cost: float | None = None
    """What the run may pay; they share it."""
    wait: float = 300.0
    """Seconds for which a server is waited for that went away."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A request that another one gives rise to, and what follows from it in turn."""

    request: Request
    follow: Follow | None = None

    @property
    def both(self) -> tuple[Request, Follow | None]:
        """What ``Engine.submit`` takes."""
        return self.request, self.follow


@dataclass(slots=True, eq=False)
class Job:
    """A request under way, equal to itself alone: queues look for one of them."""

    request: Request
    future: Future[Completion]
    follow: list[Follow] = field(default_factory=list)
    attempts: int = 0
    late: int = 0
    """Attempts without an answer in time."""
    lowered: int = 0
    """How often it was found that its prompt leaves fewer tokens for the answer than it asks for."""
    tried: set[str] = field(default_factory=set)
    """Addresses of its endpoint that failed it and were left for another one."""
    away: int = 0
    """Attempts at a server that was not there, which use up no retry."""
    started: float = 0.0
    """When its first attempt began, after the server was last found away; 0 before."""
    phase: Phase = "new"
    due: float | None = None
    """Until when (time.monotonic) the phase may last; None: as long as others take. The watchdog looks at it."""

    @property
    def may_wait(self) -> bool:
        """It may be in a queue; for any thread, as a hint."""
        return self.phase not in ("asked", "to be stored")

    def enter(self, phase: Phase, seconds: float | None = None) -> None:
        """The next phase begins, which is meant to take at most so many seconds."""
        self.phase = phase
        self.due = None if seconds is None else time.monotonic() + seconds + GRACE
