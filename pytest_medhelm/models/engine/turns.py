"""Whose turn it is to ask: the process that claims a job first, unless its answer has been stored meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from pytest_medhelm.models.engine.claims import Claims
from pytest_medhelm.models.engine.job import Job
from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.engine.retrying import GIVE_UP_AFTER
from pytest_medhelm.models.engine.store import ResponseStore, short_key

CLAIM_POLL = 0.05
"""Seconds between the first two looks at what another process has in flight; later ones are farther apart."""
LONGEST_CLAIM_POLL = 0.5


class ClaimedElsewhereError(Exception):
    """Another process asks."""


class Turns:
    """Claims jobs, and reads what is stored of them."""

    def __init__(self, claims: Claims, store: ResponseStore, stored_by: str | None, patience: float) -> None:
        """``stored_by``: the run whose stored completions may be used; None: anyone's. ``patience``: seconds for which
        a server is waited for that went away."""
        self._claims = claims
        self._store = store
        self._stored_by = stored_by
        self._patience = patience
        self._vacant: set[str] = set()
        """Keys that were claimed when nothing was stored of them."""

    def claim(self, keys: Sequence[str]) -> None:
        """Claim several requests, and find out at once of which nothing is stored: ``take`` need not look."""
        claimed = [key for key in keys if self._claims.take(short_key(key))]
        self._vacant = set(claimed).difference(self._store.present(claimed))

    def stored(self, request: Request) -> Completion | None:
        """The stored completion of a request, if it may be used."""
        return self._store.get(request.key, run=self._stored_by, context=request.model.context)

    def take(self, job: Job) -> Completion | None:
        """Claim a job; returns its answer where it has been stored meanwhile. Raises ClaimedElsewhereError."""
        if job.request.key in self._vacant:
            self._vacant.remove(job.request.key)
            return None
        claimed = self._claims.take(short_key(job.request.key))
        stored = self.stored(job.request)
        if stored is None and not claimed:
            raise ClaimedElsewhereError
        return stored

    async def wait(self, job: Job) -> Completion | None:
        """What another process has asked; None when it has not, or when it takes longer than anyone may."""
        endpoint = job.request.model.endpoint
        most = GIVE_UP_AFTER + self._patience + (endpoint.timeout if endpoint else 0.0)
        job.enter("claimed elsewhere", most)
        until, pause = time.monotonic() + most, CLAIM_POLL
        while time.monotonic() < until:
            await asyncio.sleep(pause)
            pause = min(LONGEST_CLAIM_POLL, pause * 1.2)
            with contextlib.suppress(ClaimedElsewhereError):
                return self.take(job)
        return None
