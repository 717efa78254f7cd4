"""The addresses of an endpoint: the least loaded is asked; one that fails rests, and its requests go to the others.

An endpoint of one address is the plain case, in which nothing ever moves. What all addresses refuse is the endpoint's
own failure: it is waited for, tried again and counted as ever.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine.job import Job
from pytest_medhelm.models.engine.transport import Fault, Transport

REST = 1.0
"""Seconds for which an address that failed is left out; each further failure doubles them."""
LONGEST_REST = 60.0


@dataclass(slots=True, eq=False)
class Replica:
    """One address."""

    url: str
    """As it may be shown."""
    transport: Transport
    in_flight: int = 0
    failures: int = 0
    """Rests since its last answer."""
    resting_until: float = 0.0
    seconds: float = 0.0
    """That its last answers took, the last one counting a fifth; 0 before the first."""


class Replicas:
    """All addresses of an endpoint; belongs to the thread of the loop."""

    def __init__(self, endpoint: Endpoint, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all = tuple(
            Replica(replica.shown_url, Transport(replica))
            for replica in (replace(endpoint, base_url=url, replicas=()) for url in endpoint.addresses)
        )

    def pick(self, tried: Collection[str]) -> Replica:
        """Where a request goes that has failed at some addresses, ``tried``."""
        if len(self._all) == 1:
            return self._all[0]
        left = [replica for replica in self._all if replica.url not in tried] or self._all
        ready = [replica for replica in left if self._is_ready(replica)] or left
        known = min((replica.seconds for replica in ready if replica.seconds), default=1.0)
        # The one that is expected to answer first: who is twice as slow gets half as many.
        return min(ready, key=lambda replica: (replica.in_flight + 1) * (replica.seconds or known))

    def answered(self, replica: Replica, seconds: float) -> str:
        """An address has answered after so many seconds; returns what the user should know, or nothing."""
        replica.seconds = 0.8 * replica.seconds + 0.2 * seconds if replica.seconds else seconds
        if not replica.failures:
            return ""
        replica.failures = 0
        return f"{replica.url} answers again"

    def pass_on(self, job: Job, replica: Replica, fault: Fault) -> tuple[bool, str]:
        """An address has failed a job: whether another one takes it at once, and what the user should know."""
        fails = fault.of_address or fault.kind in ("away", "late", "passing")
        # What one refuses another may take, for they need not be set up alike; only what all refuse stands.
        if len(self._all) == 1 or not (fails or fault.kind in ("final", "config")):
            return False, ""
        news = self._rest(replica, fault) if fails else ""
        job.tried.add(replica.url)
        if any(other.url not in job.tried and self._is_ready(other) for other in self._all):
            return True, news
        job.tried.clear()
        return False, news

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.gather(*(replica.transport.close() for replica in self._all), return_exceptions=True)

    def _is_ready(self, replica: Replica) -> bool:
        # After a rest one request tries it: many would be lost time if it fails still.
        return not replica.failures or (self._clock() >= replica.resting_until and not replica.in_flight)

    def _rest(self, replica: Replica, fault: Fault) -> str:
        now = self._clock()
        if now < replica.resting_until:
            return ""  # Of the same failure: all that was in flight there ends together.
        replica.failures += 1
        rest = min(LONGEST_REST, REST * 2 ** (replica.failures - 1))
        replica.resting_until = now + max(rest, min(LONGEST_REST, fault.retry_after or 0.0))
        return f"{replica.url} fails ({fault.reason}): its requests go to the other addresses" * (replica.failures == 1)
