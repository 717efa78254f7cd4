"""The limit that is found out: against simulated servers on a simulated clock, and shared out by the dispatcher."""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import Fault, MockServer
from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine.adaptive import MOST, START, AdaptiveLimit
from pytest_medhelm.models.engine.endpoint_queue import Dispatcher, EndpointQueue
from pytest_medhelm.models.engine.engine import Engine
from pytest_medhelm.models.engine.job import Job
from pytest_medhelm.models.engine.request import make_request
from pytest_medhelm.models.spec import Model
from pytest_medhelm.plugin.prefetch import _Window
from tests.support.servers import vllm

Latency = Callable[[int], float]
"""Seconds for an answer, by the requests that are at the server when it comes."""


class Driven(NamedTuple):
    """A server that was asked for a while."""

    rate: float
    """Answers a second."""
    limits: list[int]
    """At each answer."""
    refused: int


def drive(
    latency: Latency, answers: int, *, varies: float = 0.0, refuses_above: int = 10_000, most: int = MOST
) -> Driven:
    """Ask a simulated server as much as the limit allows; ``varies``: coefficient of variation of its latency."""
    now, numbers, draw = 0.0, count(), random.Random(0)
    limit = AdaptiveLimit(clock=lambda: now)
    flying: list[tuple[float, int, int, bool]] = []
    limits, refused = [], 0
    while len(limits) < answers:
        while len(flying) < limit.limit:
            number, load = limit.sent(), len(flying) + 1
            factor = draw.gammavariate(1 / varies**2, varies**2) if varies else 1.0
            takes = 0.05 if load > refuses_above else latency(load) * factor
            heapq.heappush(flying, (now + takes, next(numbers), number, load <= refuses_above))
        full = len(flying) >= limit.limit
        now, _, number, is_answer = heapq.heappop(flying)
        if is_answer:
            limit.answered(number, full=full)
            limits.append(limit.limit)
        else:
            limit.overloaded(number)
            refused += 1
    return Driven(answers / now, limits, refused)


CURVES: dict[str, tuple[Latency, int, float]] = {
    "queues above 64": (lambda load: max(1, load / 64), 64, 0.3),
    "slows down above 64": (lambda load: max(1, (load / 64) ** 2), 64, 0.0),
    "slows down above 64, and varies": (lambda load: max(1, (load / 64) ** 2), 64, 1.0),
    "slows down above 90": (lambda load: max(1, (load / 90) ** 2), 90, 0.3),
    "breaks down above 64": (lambda load: 1 if load <= 64 else 5, 64, 0.0),
    "queues above 4": (lambda load: max(1, load / 4), 4, 0.3),
    "has no end": (lambda load: 1, MOST, 0.0),
}
"""The latency of a server by its load, its best throughput, and how much its latency varies."""


@pytest.mark.parametrize("kind", CURVES)
def test_a_server_is_driven_within_a_tenth_of_its_best(kind: str) -> None:
    latency, best, varies = CURVES[kind]
    driven = drive(latency, 60_000 if best == MOST else 30_000, varies=varies)
    assert driven.rate >= 0.9 * best
    assert 0.8 * best <= sum(driven.limits[-10_000:]) / 10_000 <= 2 * best


def test_a_server_that_refuses_is_asked_a_little_less_than_it_takes() -> None:
    driven = drive(lambda load: 1, 20_000, varies=0.3, refuses_above=40)
    assert driven.rate >= 0.85 * 40
    assert driven.refused < 200
    assert max(driven.limits[-5_000:]) <= 45


def test_all_refusals_of_one_moment_halve_the_limit_once() -> None:
    limit = AdaptiveLimit(16, clock=lambda: 0.0)
    numbers = [limit.sent() for _ in range(16)]
    for number in numbers:
        limit.overloaded(number)
    assert limit.limit == 8
    limit.overloaded(limit.sent())
    assert limit.limit == 4


def test_a_limit_that_is_not_used_stays() -> None:
    now = 0.0
    limit = AdaptiveLimit(16, clock=lambda: now)
    for _ in range(5_000):
        now += 0.01
        limit.answered(limit.sent(), full=False)
    assert limit.limit == 16


@given(
    st.integers(1, 64),
    st.integers(1, 600),
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 10)), max_size=400),
    st.integers(1, 300),
)
def test_the_limit_keeps_its_bounds(start: int, most: int, events: list[tuple[int, float]], lower: int) -> None:
    now = 0.0
    limit = AdaptiveLimit(start, most, clock=lambda: now)
    for kind, pause in events:
        now += pause
        if kind == 0:
            limit.overloaded(limit.sent())
        elif kind == 1 and pause > 9:
            limit.bound(min(most, lower))
        else:
            limit.answered(limit.sent(), full=kind == 2)
        assert 1 <= limit.limit <= most


# Shared out


def jobs(model: str, endpoint: Endpoint, number: int) -> list[Job]:
    asked = Model(model, "x", "mock", endpoint)
    return [Job(make_request(asked, [{"role": "user", "content": str(case)}]), Future()) for case in range(number)]


def dispatched(processes: int, endpoint: Endpoint, waiting: list[Job], ends: int) -> tuple[list[str], EndpointQueue]:
    """The models of the requests that are sent, in order, while ``ends`` of them end, the oldest first."""

    async def run() -> tuple[list[str], EndpointQueue]:
        sent: list[tuple[EndpointQueue, Job]] = []
        dispatcher = Dispatcher(
            processes, None, lambda queue, job: sent.append((queue, job)), lambda job, reason: None, lambda line: None
        )
        for job in waiting:
            dispatcher.queue(job, first=False)
        for place in range(ends):
            dispatcher.freed(*sent[place])
        await dispatcher.close()
        return [job.request.model.name for _, job in sent], sent[0][0]

    return asyncio.run(run())


@pytest.mark.parametrize(("processes", "concurrency", "sent"), [(1, "auto", 16), (4, "auto", 4), (2, 10, 5), (1, 7, 7)])
def test_each_process_has_its_share(processes: int, concurrency: int, sent: int) -> None:
    endpoint = Endpoint("x", "http://127.0.0.1:9/v1", concurrency=concurrency)
    names, queue = dispatched(processes, endpoint, jobs("a", endpoint, 100), 0)
    assert len(names) == sent == queue.limit
    assert (queue.adaptive is not None) == (concurrency == "auto")


def test_model_and_judges_on_one_endpoint_have_equal_parts_of_it() -> None:
    endpoint = Endpoint("x", "http://127.0.0.1:9/v1", concurrency=6)
    waiting = [*jobs("doctor", endpoint, 100), *jobs("first", endpoint, 50), *jobs("second", endpoint, 4)]
    names, _ = dispatched(1, endpoint, waiting, 30)
    assert names[:6] == ["doctor"] * 6
    # What the second judge leaves unused the others have.
    assert Counter(names[6:36]) == {"first": 13, "doctor": 13, "second": 4}


def test_a_refusing_server_lowers_the_limit_of_the_engine(tmp_path: Path) -> None:
    with MockServer(lambda body: "A", latency=0.005) as server:
        server.reply = lambda body: Fault("status", 429) if server.in_flight > 8 else "A"
        model = Model("x/m", "x", "mock", Endpoint("x", server.url, retries=50))
        engine = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        futures = [engine.submit(job.request) for job in jobs("x/m", model.endpoint or Endpoint("x", ""), 100)]
        assert {future.result(60).outcome for future in futures} == {"ok"}
        assert 1 <= engine.adaptive_limit < START
        engine.close()


def test_while_a_test_waits_the_look_ahead_goes_on_where_answers_have_come() -> None:
    items: Any = [SimpleNamespace(nodeid=str(place)) for place in range(40)]
    window = _Window(items, lambda: 4, farthest=3)
    assert not list(window.fill_up(0)), "no test was reached"
    assert len(list(window.advance(items[0]))) == 4
    assert [len(list(window.fill_up(unanswered))) for unanswered in (4, 1, 4, 0, 0, 0)] == [0, 3, 0, 4, 1, 0]
    assert not list(window.advance(items[1])), "they are ahead already"
    assert len(list(window.fill_up(1))) == 1, "three windows ahead of the test that waits, and no further"


def test_one_slow_answer_leaves_no_slots_idle(letters: Any, run: Any) -> None:
    came: list[float] = []

    def reply(body: dict[str, Any]) -> str | Fault:
        came.append(time.monotonic())
        return Fault("slow", delay=2.0) if len(came) == 1 else "A"

    with MockServer(reply) as server:
        result = run(*vllm(server), f"--medhelm-data={letters(40)}", "--medhelm-concurrency=2")
    assert result.ret == 0
    meanwhile = [at for at in came if at < came[0] + 2.0]
    assert len(meanwhile) > 12, "not only those of the first window, which are four"


def test_the_look_ahead_follows_the_limit() -> None:
    items: Any = [SimpleNamespace(nodeid=str(place)) for place in range(20)]
    size = 4
    window = _Window(items, lambda: size)
    came = [[item.nodeid for item, _ in window.advance(items[0])]]
    size = 10
    came.append([item.nodeid for item, _ in window.advance(items[1])])
    size = 2
    came += [[item.nodeid for item, _ in window.advance(items[place])] for place in (2, 9, 10)]
    assert came == [["0", "1", "2", "3"], [str(place) for place in range(4, 11)], [], [], ["11"]]
