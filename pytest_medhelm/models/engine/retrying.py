"""What becomes of a request whose attempt brought no answer: asked again, when and how, or given up."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from pytest_medhelm.models.engine.job import Job
from pytest_medhelm.models.engine.request import Request, with_room, without_form, without_logprobs, without_system
from pytest_medhelm.models.engine.transport import Fault

FIRST_PAUSE = 0.1
"""Seconds before the first retry: most faults pass at once. Each further pause is PAUSE_GROWTH times as long."""
PAUSE_GROWTH = 3
LONGEST_PAUSE = 30.0
LONGEST_AWAY_PAUSE = 5.0
"""Seconds between two looks whether a server has come back."""
GIVE_UP_AFTER = 900.0
"""Seconds after its first attempt beyond which a request is not tried again."""
LATE_AGAIN = 1
"""How often a request is asked again that got no answer in time: the server may work on the first one still."""

LESS_AGAIN = 2
"""How often a request is asked again with fewer tokens: some servers count one more or less than they say. One that
still finds too many did not count them: it is the prompt that does not fit."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The request is asked again."""

    request: Request
    pause: float = 0.0
    """Seconds before it."""


def retry(job: Job, fault: Fault, *, retries: int, away_since: float | None, patience: float) -> Retry | None:
    """How a request is asked again after a fault; None: the fault stands.

    ``retries``: attempts after the first that the endpoint is granted. ``away_since``: when its server was first found
    away (time.monotonic), ``patience``: seconds for which it is waited for.
    """
    now = time.monotonic()
    match fault.kind:
        case "no_form":
            return Retry(without_form(job.request))
        case "no_logprobs":
            return Retry(without_logprobs(job.request))
        case "no_system":
            return Retry(without_system(job.request))
        case "less":
            lower = job.request.max_tokens is None or fault.room < job.request.max_tokens
            return Retry(with_room(job.request, fault.room)) if lower and job.lowered <= LESS_AGAIN else None
        case "crowded":
            return Retry(job.request, random.uniform(0.05, 0.5)) if now - job.started < GIVE_UP_AFTER else None
        case "final" | "config":
            return None
        case "away":
            pause = _pause(job.attempts, fault, LONGEST_AWAY_PAUSE)
            gone = 0.0 if away_since is None else now - away_since
            return Retry(job.request, pause) if gone + pause <= patience else None
        case "late" if job.late > LATE_AGAIN:
            return None
        case _:
            attempts = job.attempts - job.away
            pause = _pause(attempts, fault, LONGEST_PAUSE)
            if attempts > retries or now - job.started + pause > GIVE_UP_AFTER:
                return None
            return Retry(job.request, pause)


def _pause(attempts: int, fault: Fault, longest: float) -> float:
    """Seconds before the next attempt: exponential with jitter, and no less than the server asks for.

    A server that asks for less than that is busy still when many come again as soon as it says.
    """
    growth = PAUSE_GROWTH ** min(attempts - 1, 20)
    backoff = min(longest, FIRST_PAUSE * growth) * random.uniform(0.5, 1.0)
    return float(backoff if fault.retry_after is None else max(backoff, fault.retry_after + random.uniform(0, 0.1)))
