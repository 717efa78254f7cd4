"""Several engines on one suite, what is stored of a smaller context, and too few file descriptors."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import Fault, MockServer, too_long_body
from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine import endpoint_queue
from pytest_medhelm.models.engine.claims import Claims
from pytest_medhelm.models.engine.engine import Engine
from pytest_medhelm.models.engine.request import Request, make_request
from pytest_medhelm.models.engine.store import short_key
from pytest_medhelm.models.engine.transport import Transport, _unreached
from pytest_medhelm.models.spec import Model
from tests.support.paths import CHECKOUT
from tests.support.servers import until

GUARD = 60


def asks(model: Model, count: int) -> list[Request]:
    return [make_request(model, [{"role": "user", "content": f"Case {number}"}]) for number in range(count)]


def test_two_engines_ask_each_request_once(tmp_path: Path) -> None:
    with MockServer(latency=0.02) as server:
        model = Model("x/m", "x", "mock", Endpoint("x", server.url, concurrency=8))
        engines = [Engine(tmp_path / "responses.sqlite", run=run, use_cache=True) for run in "ab"]
        requests = asks(model, 100)
        orders = [requests, requests[::-1]]
        futures = [[engine.submit(request) for request in order] for engine, order in zip(engines, orders, strict=True)]
        answers = [[future.result(GUARD).content for future in found] for found in futures]
        for engine in engines:
            engine.close()
        assert answers[0] == answers[1][::-1]
        assert len(server.requests) == 100


HOLD = """
import sys
from pathlib import Path
from pytest_medhelm.models.engine.claims import Claims
claims = Claims(Path(sys.argv[1]))
for key in sys.argv[2:]:
    assert claims.take(int(key))
print("held", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_process_had_in_flight_is_asked_at_once(tmp_path: Path) -> None:
    with MockServer() as server:
        requests = asks(Model("x/m", "x", "mock", Endpoint("x", server.url)), 20)
        keys = [str(short_key(request.key)) for request in requests]
        command = [sys.executable, "-c", HOLD, str(tmp_path / "responses.lock"), *keys]
        holder = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        engine = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        futures = [engine.submit(request) for request in requests]
        until(lambda: engine._background is not None and len(engine._background._tasks) == 20)
        assert not server.requests
        holder.kill()
        assert all(future.result(GUARD).outcome == "ok" for future in futures)
        engine.close()
        holder.communicate()


def test_no_wait_for_another_process_is_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_medhelm.models.engine import turns

    monkeypatch.setattr(turns, "GIVE_UP_AFTER", 0.1)
    with MockServer() as server:
        [request] = asks(Model("x/m", "x", "mock", Endpoint("x", server.url, timeout=0.1)), 1)
        held = Claims(tmp_path / "responses.lock")
        assert held.take(short_key(request.key))
        engine = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True, wait=0)
        assert engine.ask(request).outcome == "ok"
        engine.close()
        held.close()


def test_a_refusal_of_a_smaller_context_is_not_believed_for_a_larger_one(tmp_path: Path) -> None:
    def reply(body: dict[str, Any]) -> Any:
        return Fault("status", 400, body=too_long_body(context, 5000)) if context < 8192 else "fine"

    context = 4096
    with MockServer(reply) as server:
        small = Model("x/m", "x", "mock", Endpoint("x", server.url), context=4096)
        [request] = asks(small, 1)
        path = tmp_path / "responses.sqlite"
        for expected, asked in (("too_long", 1), ("too_long", 1)):
            engine = Engine(path, run="r", use_cache=True)
            assert (engine.ask(request).outcome, len(server.requests)) == (expected, asked)
            engine.close()
        context = 8192
        larger = replace(request, model=replace(small, context=8192))
        assert larger.key == request.key
        for _ in range(2):
            engine = Engine(path, run="r", use_cache=True)
            assert (engine.ask(larger).outcome, len(server.requests)) == ("ok", 2)
            engine.close()


def test_an_answer_cut_by_the_context_is_asked_again_when_it_has_grown(tmp_path: Path) -> None:
    cut = {"content": "a", "finish_reason": "length", "usage": {"prompt_tokens": 2000, "completion_tokens": 48}}
    with MockServer(lambda _: cut) as server:
        small = Model("x/m", "x", "mock", Endpoint("x", server.url), context=2048)
        [request] = asks(small, 1)
        engine = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        engine.ask(request)
        engine.ask(request)
        assert len(server.requests) == 1
        engine.close()
        engine = Engine(tmp_path / "responses.sqlite", run="s", use_cache=True)
        engine.ask(replace(request, model=replace(small, context=4096)))
        assert len(server.requests) == 2
        engine.close()


def test_too_few_file_descriptors_lower_the_concurrency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_queue, "free_descriptors", lambda: 3)
    with MockServer(latency=0.01) as server:
        model = Model("x/m", "x", "mock", Endpoint("x", server.url, concurrency=64))
        engine = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        futures = [engine.submit(request) for request in asks(model, 30)]
        assert all(future.result(GUARD).outcome == "ok" for future in futures)
        assert server.in_flight_peak <= 3
        assert any("3 instead of 64 requests at once" in notice for notice in engine.notices)
        engine.close()


def test_running_out_of_file_descriptors_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    real, lock, flying = Transport.attempt, threading.Lock(), [0]

    async def scarce(self: Transport, request: Request) -> Any:
        with lock:
            flying[0] += 1
        try:
            if flying[0] > 4:
                return _unreached(OSError(errno.EMFILE, "Too many open files"))
            return await real(self, request)
        finally:
            flying[0] -= 1

    monkeypatch.setattr(Transport, "attempt", scarce)
    with MockServer(latency=0.02) as server:
        model = Model("x/m", "x", "mock", Endpoint("x", server.url, concurrency=16, retries=0))
        engine = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        futures = [engine.submit(request) for request in asks(model, 40)]
        found = [future.result(GUARD) for future in futures]
        engine.close()
    assert {(completion.outcome, completion.attempts) for completion in found} == {("ok", 1)}
    assert any("too few file descriptors" in notice for notice in engine.notices)


def test_closing_is_soon_although_requests_hang_and_others_wait(tmp_path: Path) -> None:
    with MockServer(lambda _: Fault("hang")) as server:
        model = Model("x/m", "x", "mock", Endpoint("x", server.url, concurrency=50))
        engine = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        futures = [engine.submit(request) for request in asks(model, 500)]
        until(lambda: server.in_flight == 50)
        engine.close()
        assert all(future.cancelled() for future in futures)
        assert not engine._thread.is_alive()  # type: ignore[union-attr]


def test_one_model_under_two_names_is_seen_in_its_answers(tmp_path: Path) -> None:
    with MockServer(lambda _: {"content": "A", "model": "llama3"}, models=("llama3", "judge", "other")) as server:
        endpoint = Endpoint("x", server.url)
        engine = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        for name in ("llama3", "judge", "llama3"):
            for request in asks(Model(f"x/{name}", "x", name, endpoint), 2):
                engine.ask(request)
        assert list(engine.notices) == [f"x/llama3 and x/judge are one model: at {server.url} they answer by one name"]
        engine.close()
