"""How jobs end: what has arrived is committed together, then the futures resolve; no job takes another one along."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import InvalidStateError

from pytest_medhelm.models.engine.claims import Claims
from pytest_medhelm.models.engine.job import Job
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.models.engine.store import ResponseStore, short_key
from pytest_medhelm.util.errors import MedhelmError, StoreFailed
from pytest_medhelm.util.sqlite import unusable

FLUSH_AFTER = 0.01
"""Seconds that a completion waits for others, to be committed with them."""


class Endings:
    """The ends of all jobs of an engine; belongs to the thread of its loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: ResponseStore,
        claims: Claims,
        run: str,
        say: Callable[[str], None],
        on_answer: Callable[[Job, Completion], None],
        stop_run: Callable[[str], None],
    ) -> None:
        """``on_answer`` gets each job with its completion just before the future resolves, and raises nothing."""
        self._loop = loop
        self._store = store
        self._claims = claims
        self._run = run
        self._say = say
        self._on_answer = on_answer
        self._stop_run = stop_run
        self._answered: list[tuple[Job, Completion]] = []

    def finish(self, job: Job, completion: Completion) -> None:
        """Store a completion soon, then let its future resolve."""
        job.enter("to be stored", FLUSH_AFTER)
        if not self._answered:
            self._loop.call_later(FLUSH_AFTER, self.flush)
        self._answered.append((job, completion))

    def flush(self) -> None:
        """Commit all that arrived meanwhile, then let the futures resolve."""
        answered, self._answered = self._answered, []
        if not answered:
            return
        try:
            self._store.put(((job.request, completion) for job, completion in answered), run=self._run)
        except Exception:
            for job, completion in answered:
                self._commit(job, completion)
            return
        for job, completion in answered:
            self.resolve(job, completion)

    def _commit(self, job: Job, completion: Completion) -> None:
        """One answer by itself: what is wrong with another is no matter of it."""
        try:
            self._store.put([(job.request, completion)], run=self._run)
        except (sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.IntegrityError) as error:
            self.lose(job, error)  # It is this answer that cannot be stored.
        except (sqlite3.DatabaseError, OSError) as error:
            sentence = unusable(self._store.path, error)
            self._stop_run(sentence)
            self.turn_away(job, StoreFailed(sentence))
        except Exception as error:
            self.lose(job, error)
        else:
            self.resolve(job, completion)

    def resolve(self, job: Job, completion: Completion) -> None:
        """What is stored, or was an error, is handed to whoever waits for it."""
        self._claims.release(short_key(job.request.key))
        try:
            if not job.future.set_running_or_notify_cancel():
                return
        except InvalidStateError:
            return
        try:
            self._on_answer(job, completion)
        finally:
            job.future.set_result(completion)

    def turn_away(self, job: Job, reason: Exception) -> None:
        """A job is not asked (any more): what is a sentence for the user is raised where it is waited for."""
        if not isinstance(reason, MedhelmError):
            self.lose(job, reason)
            return
        self._claims.release(short_key(job.request.key))
        with contextlib.suppress(InvalidStateError):
            job.future.set_exception(reason)

    def lose(self, job: Job, error: Exception | str) -> None:
        """An error of this program: the job ends, and says so."""
        name = error if isinstance(error, str) else type(error).__name__
        self._say(f"an answer was lost in pytest-medhelm itself ({name}, {job.phase}): please report it")
        self.resolve(job, Completion("request_error", attempts=job.attempts, error=f"lost in pytest-medhelm ({name})"))
