"""Whatever is raised between queue and disk: each request ends, as its own, and says why."""

from __future__ import annotations

import asyncio
import socketserver
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perf.mock_server import Fault as ServerFault
from perf.mock_server import MockServer
from pytest_medhelm.models.endpoint import Endpoint
from pytest_medhelm.models.engine import background, engine, job, retrying
from pytest_medhelm.models.engine.endpoint_queue import Dispatcher
from pytest_medhelm.models.engine.engine import Engine
from pytest_medhelm.models.engine.job import FollowUp, Job
from pytest_medhelm.models.engine.request import Completion, Request, make_request
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.engine.transport import Fault, Transport
from pytest_medhelm.models.spec import Model
from pytest_medhelm.util.errors import RunStopped
from tests.support.examples import EXAMPLES
from tests.support.servers import until

GUARD = 60
MODEL = Model("x/m", "x", "m", Endpoint("x", "http://127.0.0.1:9/v1", retries=0))


def asks(*texts: str, model: Model = MODEL) -> list[Request]:
    return [make_request(model, [{"role": "user", "content": text}]) for text in texts]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Engine]:
    running = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True, wait=0)
    yield running
    running.close()


def attempts(monkeypatch: pytest.MonkeyPatch, attempt: Callable[[str], Any]) -> None:
    """Put a function of the prompt in place of the network."""

    async def instead(self: Transport, request: Request) -> Completion | Fault:
        await asyncio.sleep(0)
        found: Completion | Fault = attempt(request.text)
        return found

    monkeypatch.setattr(Transport, "attempt", instead)


ERRORS = (
    ValueError("x"), KeyError("x"), RecursionError(), MemoryError(), OverflowError(), ZeroDivisionError(),
    OSError(5, "x"), RuntimeError("x"), AssertionError(), UnicodeError(), sqlite3.InterfaceError("x"), TimeoutError(),
    StopAsyncIteration(),
    Exception("x"), ExceptionGroup("x", [ValueError("y")]), TypeError("x"),
)  # fmt: skip


def test_an_unexpected_exception_is_the_end_of_its_own_request(
    monkeypatch: pytest.MonkeyPatch, started: Engine
) -> None:
    def attempt(text: str) -> Completion:
        if text.isdecimal():
            raise ERRORS[int(text)]
        return Completion("ok", text)

    attempts(monkeypatch, attempt)
    bad = [started.submit(request) for request in asks(*map(str, range(len(ERRORS))))]
    good = [started.submit(request) for request in asks(*"abcdefgh")]
    assert [future.result(GUARD).content for future in good] == list("abcdefgh")
    for future, error in zip(bad, ERRORS, strict=True):
        assert future.result(GUARD).outcome == "request_error"
        assert type(error).__name__ in future.result().error
    assert any("please report it" in notice for notice in started.notices)


def test_an_answer_that_cannot_be_stored_takes_no_other_along(monkeypatch: pytest.MonkeyPatch, started: Engine) -> None:
    attempts(
        monkeypatch, lambda text: Completion("ok", text, usage={"prompt_tokens": object()} if text == "odd" else {})
    )  # type: ignore[dict-item]
    futures = [started.submit(request) for request in asks(*"abc", "odd", *"def")]
    found = [future.result(GUARD) for future in futures]
    assert [completion.outcome for completion in found] == ["ok"] * 3 + ["request_error"] + ["ok"] * 3


def test_a_full_disk_stops_the_run_with_a_sentence(monkeypatch: pytest.MonkeyPatch, started: Engine) -> None:
    def put(self: ResponseStore, answered: Any, *, run: str) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    attempts(monkeypatch, lambda text: Completion("ok", text))
    monkeypatch.setattr(ResponseStore, "put", put)
    futures = [started.submit(request) for request in asks(*"abc")]
    for future in futures:
        with pytest.raises(RunStopped, match=r"now \(database or disk is full\): see that the disk has room"):
            future.result(GUARD)
    assert "disk is full" in started.stopped


def test_what_follows_may_fail_and_the_answer_stays(monkeypatch: pytest.MonkeyPatch, started: Engine) -> None:
    def follow(completion: Completion) -> list[FollowUp]:
        raise RecursionError

    attempts(monkeypatch, lambda text: Completion("ok", text))
    [request] = asks("a")
    assert started.submit(request, follow).result(GUARD).content == "a"
    started.ask(request)
    assert started.submit(request, follow).result(GUARD).cached


def test_the_watchdog_ends_what_nobody_works_on(monkeypatch: pytest.MonkeyPatch, started: Engine) -> None:
    async def never(self: Transport, request: Request) -> Completion:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    monkeypatch.setattr(Transport, "attempt", never)
    monkeypatch.setattr(background, "WATCH_EVERY", 0.05)
    monkeypatch.setattr(job, "GRACE", 0.1)
    model = Model("x/m", "x", "m", Endpoint("x", "http://127.0.0.1:9/v1", timeout=0.1))
    completion = started.ask(*asks("a", model=model))
    assert completion.outcome == "request_error"
    assert "watchdog" in completion.error
    assert any("please report it" in notice for notice in started.notices)


def test_an_engine_that_stands_still_is_no_hang(monkeypatch: pytest.MonkeyPatch, started: Engine) -> None:
    release = threading.Event()

    def stuck(self: Dispatcher, job: Any, *, first: bool) -> None:
        release.wait(GUARD)

    monkeypatch.setattr(Dispatcher, "queue", stuck)
    monkeypatch.setattr(engine, "STANDSTILL", 0.0)
    monkeypatch.setattr(engine, "WATCH_EVERY", 0.05)
    with pytest.raises(RunStopped, match="stands still"):
        started.ask(*asks("a"))
    release.set()


def test_a_thread_that_ends_is_no_hang(monkeypatch: pytest.MonkeyPatch, started: Engine) -> None:
    attempts(monkeypatch, lambda text: Completion("ok", text))
    started.ask(*asks("a"))
    assert started._background is not None
    started._background._loop.call_soon_threadsafe(started._background._loop.stop)
    started._thread.join(GUARD)  # type: ignore[union-attr]
    with pytest.raises(RunStopped):
        started.ask(*asks("b"))


def test_an_engine_that_cannot_start_is_a_sentence(monkeypatch: pytest.MonkeyPatch, started: Engine) -> None:
    def broken(*arguments: Any) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(background, "Background", broken)
    with pytest.raises(RunStopped, match=r"cannot start \(.*Too many open files"):
        started.ask(*asks("a"))


def fault(kind: Any, reason: str = "x", **more: Any) -> Fault:
    return Fault(reason, kind, **more)


def test_equal_failures_stop_the_run_and_others_do_not(monkeypatch: pytest.MonkeyPatch, started: Engine) -> None:
    def attempt(text: str) -> Completion | Fault:
        match text[0]:
            case "t":
                return Completion("too_long")
            case "g":
                return Completion("ok", text)
            case _:
                return fault("final", f"HTTP 400 (param {text[0]})", hint="lower {model}")

    attempts(monkeypatch, attempt)
    unequal = [f"{'ab'[index % 2]}{index}" for index in range(60)]
    for request in asks(*unequal, *(f"t{index}" for index in range(30)), *(f"a{index}" for index in range(100, 119))):
        started.ask(request)
    assert started.stopped == "", "19 equal ones in a row, none between them"
    started.ask(*asks("good"))
    for request in asks(*(f"c{index}" for index in range(19)), "t100"):
        started.ask(request)
    assert started.stopped == ""
    started.ask(*asks("c20"))
    assert started.stopped == (
        "20 requests in a row to x/m at http://127.0.0.1:9/v1 failed alike (HTTP 400 (param c)): lower x/m; the same "
        "command goes on from here"
    )
    with pytest.raises(RunStopped, match="failed alike"):
        started.ask(*asks("d"))


def test_a_refused_key_stops_the_run_after_three(tmp_path: Path) -> None:
    with MockServer(api_key="right") as server:
        endpoint = Endpoint("x", server.url, concurrency=1, key_source="$WARD_KEY")
        running = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        futures = [
            running.submit(request) for request in asks(*map(str, range(50)), model=Model("x/m", "x", "mock", endpoint))
        ]
        ends = [future.exception(GUARD) for future in futures]
        running.close()
    assert [end is None for end in ends] == [True] * 3 + [False] * 47
    assert "$WARD_KEY" in running.stopped
    assert len(server.requests) <= 4


def test_more_tokens_than_the_context_stop_the_run_at_once(tmp_path: Path) -> None:
    refusal = {
        "error": {"message": "max_tokens=5000 cannot be greater than max_model_len=2048.", "param": "max_tokens"}
    }
    with MockServer(lambda _: ServerFault("status", 400, body=refusal)) as server:
        model = Model("x/m", "x", "mock", Endpoint("x", server.url, concurrency=1), {"max_tokens": 5000})
        running = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        futures = [running.submit(request) for request in asks(*map(str, range(10)), model=model)]
        ends = [future.exception(GUARD) for future in futures]
        running.close()
    assert sum(end is None for end in ends) == 1
    assert 'lower max_tokens to at most 2048 under [models."x/m"]' in running.stopped


def test_a_server_that_went_away_is_waited_for(tmp_path: Path) -> None:
    server = MockServer(lambda body: "back")
    server.start()
    model = Model("x/m", "x", "mock", Endpoint("x", server.url, retries=0))
    running = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True, wait=GUARD)
    running.ask(*asks("first", model=model))
    server.stop()
    futures = [running.submit(request) for request in asks(*"abcd", model=model)]
    until(lambda: running.notices)
    server.start()
    assert [future.result(GUARD).content for future in futures] == ["back"] * 4
    assert any("waited for up to 60 s (--medhelm-wait)" in notice for notice in running.notices)
    assert running.stopped == ""
    running.close()
    server.stop()


def test_waiting_for_a_server_uses_up_no_retry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    faults = ["passing", *["away"] * 6, "passing", "away", "passing"]

    def attempt(text: str) -> Completion | Fault:
        return fault(faults.pop(0)) if faults else Completion("ok", text)

    attempts(monkeypatch, attempt)
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(retrying, "LONGEST_AWAY_PAUSE", 0.001)
    model = Model("x/m", "x", "m", Endpoint("x", "http://127.0.0.1:9/v1", retries=3))
    running = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True, wait=GUARD)
    assert running.ask(*asks("a", model=model)).content == "a"
    running.close()


class TwoReplies(socketserver.StreamRequestHandler):
    """Says "right" to each request, and a moment later "wrong" to none."""

    def handle(self) -> None:
        length = 0
        for line in self.rfile:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            if line == b"\r\n":
                self.rfile.read(length)
                self._say(b"right")
                self._say(b"wrong")

    def _say(self, word: bytes) -> None:
        body = b'{"choices": [{"message": {"content": "%s"}}]}' % word
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        time.sleep(0.1)


def test_a_reply_that_nobody_asked_for_is_not_the_next_answer(started: Engine) -> None:
    """No reply of HTTP/1.1 says to which request it belongs: what lies on a kept connection would be the next one's."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), TwoReplies) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        model = Model("x/m", "x", "m", Endpoint("x", f"http://127.0.0.1:{server.server_address[1]}/v1"))
        found = []
        for request in asks(*"abcd", model=model):
            found.append(started.ask(request).content)
            time.sleep(0.4)
        started.close()
        server.shutdown()
    assert found == ["right"] * 4


def test_a_server_that_stays_away_stops_the_run(started: Engine) -> None:
    futures = [started.submit(request) for request in asks(*map(str, range(30)))]
    assert all(future.exception(GUARD) or future.result().outcome == "request_error" for future in futures)
    assert "connection refused" in started.stopped
    assert "start the server" in started.stopped


def test_a_late_answer_is_asked_for_once_more(monkeypatch: pytest.MonkeyPatch, started: Engine) -> None:
    asked = []

    def attempt(text: str) -> Fault:
        asked.append(text)
        return fault("late")

    attempts(monkeypatch, attempt)
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.001)
    model = Model("x/m", "x", "m", Endpoint("x", "http://127.0.0.1:9/v1", retries=5))
    assert started.ask(*asks("a", model=model)).outcome == "request_error"
    assert len(asked) == 2


def test_a_prompt_that_leaves_less_is_asked_once_more_with_what_is_left(tmp_path: Path) -> None:
    def reply(body: dict[str, Any]) -> Any:
        if body["max_tokens"] > 548:
            words = (
                f"'max_tokens' is too large: {body['max_tokens']}. This model's maximum context length is 2048 tokens "
                "and your request has 1500 input tokens"
            )
            return ServerFault("status", 400, body={"error": {"message": words}})
        return {"content": "cut", "finish_reason": "length", "usage": {"prompt_tokens": 1500, "completion_tokens": 548}}

    with MockServer(reply) as server:
        model = Model("x/m", "x", "mock", Endpoint("x", server.url), {"max_tokens": 1000})
        running = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        [request] = asks("a", model=model)
        completion = running.ask(request)
        assert (completion.outcome, completion.finish_reason, completion.attempts) == ("ok", "length", 1)
        assert [body["max_tokens"] for body in server.requests] == [1000, 548]
        assert '"max_tokens":548' in running.store.exchange(request.key).payload, "recorded as it was asked"
        assert running.ask(request).cached
        running.close()


def test_a_prompt_that_never_leaves_enough_is_too_long(tmp_path: Path) -> None:
    def reply(body: dict[str, Any]) -> ServerFault:
        # A count of the prompt alone, whatever is asked for.
        words = "This model's maximum context length is 8192 tokens. However, you requested 8193 tokens."
        return ServerFault("status", 400, body={"error": {"message": words}})

    with MockServer(reply) as server:
        model = Model("x/m", "x", "mock", Endpoint("x", server.url), {"max_tokens": 1000})
        running = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True)
        assert running.ask(*asks("a", model=model)).outcome == "too_long"
        assert len(server.requests) == 1 + retrying.LESS_AGAIN
        running.close()


@settings(max_examples=max(20, EXAMPLES // 50), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, len(ERRORS) + 5), min_size=1, max_size=12))
def test_any_mix_of_errors_faults_and_answers_ends(tmp_path_factory: pytest.TempPathFactory, mix: list[int]) -> None:
    def attempt(text: str) -> Completion | Fault:
        number = mix[int(text)]
        if number < len(ERRORS):
            raise ERRORS[number]
        kinds = ("passing", "final", "away", "no-such-kind", "late")
        return Completion("ok", text) if number == len(ERRORS) + 5 else fault(kinds[number - len(ERRORS)], str(number))

    with pytest.MonkeyPatch.context() as patch:
        attempts(patch, attempt)
        patch.setattr(retrying, "FIRST_PAUSE", 0.0001)
        running = Engine(tmp_path_factory.mktemp("mix") / "responses.sqlite", run="r", use_cache=True, wait=0)
        futures = [running.submit(request) for request in asks(*map(str, range(len(mix))))]
        found = [future.result(GUARD) for future in futures]
        running.close()
    for number, completion, place in zip(mix, found, range(len(mix)), strict=True):
        right = ("ok", str(place)) if number == len(ERRORS) + 5 else ("request_error", "")
        assert (completion.outcome, completion.content) == right


def test_a_parser_that_takes_the_answer_for_thinking_is_named_once(
    monkeypatch: pytest.MonkeyPatch, started: Engine
) -> None:
    attempts(monkeypatch, lambda text: Completion("ok", "", "I think it is B", "stop"))
    for request in asks("a", "b"):
        started.ask(request)
    assert len(started.notices) == 1
    assert "the reasoning parser of the server at http://127.0.0.1:9/v1 takes the answer too" in started.notices[0]


@pytest.mark.parametrize(("asked", "least", "most"), [(None, 4.05, 8.1), (0.0, 4.05, 8.1), (20.0, 20.0, 20.1)])
def test_a_server_that_asks_for_little_is_left_alone_all_the_same(
    asked: float | None, least: float, most: float
) -> None:
    # The fifth pause is 0.1 s times 3 four times, of which jitter leaves at least half.
    job = Job(asks("a")[0], Future(), attempts=5, started=time.monotonic())
    again = retrying.retry(job, fault("passing", retry_after=asked), retries=5, away_since=None, patience=0)
    assert again is not None
    assert least <= again.pause <= most
