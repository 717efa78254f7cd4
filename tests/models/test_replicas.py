"""Several addresses of one endpoint: shared load, failures that cost nothing, and the endpoint judged as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path

import pytest

from perf.mock_replies import error_body
from perf.mock_server import Fault, MockServer
from pytest_medhelm.models.endpoint import Endpoint, base_urls
from pytest_medhelm.models.engine import replicas as module
from pytest_medhelm.models.engine import transport
from pytest_medhelm.models.engine.engine import Engine
from pytest_medhelm.models.engine.job import Job
from pytest_medhelm.models.engine.replicas import Replicas
from pytest_medhelm.models.engine.request import Completion, make_request
from pytest_medhelm.models.probe import listed_by_all
from pytest_medhelm.models.spec import Model
from pytest_medhelm.util.errors import ConfigError, ModelError, RunStopped
from tests.support.letters import gold, write_letters
from tests.support.servers import until
from tests.support.sessions import Sessions

NOBODY = "http://127.0.0.1:9/v1"
GUARD = 60


@pytest.fixture
def servers() -> Iterator[list[MockServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(MockServer(lambda body: "A", latency=0.005)) for _ in range(2)]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "responses.sqlite", run="r", use_cache=True, wait=0.5)
    yield engine
    engine.close()


def ask(engine: Engine, urls: Sequence[str], count: int, *, start: int = 0, retries: int = 3) -> list[Completion]:
    first, *others = urls
    endpoint = Endpoint("x", first, concurrency=10, retries=retries, replicas=tuple(others), timeout=20)
    model = Model("x/m", "x", "mock", endpoint)
    futures: list[Future[Completion]] = [
        engine.submit(make_request(model, [{"role": "user", "content": f"Case {number}"}]))
        for number in range(start, start + count)
    ]
    return [future.result(GUARD) for future in futures]


def test_the_least_loaded_is_asked(engine: Engine, servers: list[MockServer]) -> None:
    answers = ask(engine, [server.url for server in servers], 200)
    assert {answer.outcome for answer in answers} == {"ok"}
    assert min(len(server.requests) for server in servers) >= 60
    assert sum(len(server.requests) for server in servers) == 200
    assert max(server.in_flight_peak for server in servers) <= 10


FAULTS = {
    "away": None,
    "overloaded": Fault("status", 503),
    "busy": Fault("status", 429, retry_after=30),
    "broken": Fault("status", 500),
    "cut": Fault("cut"),
    "a web page": Fault("raw", raw=b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
    "another key": Fault("status", 401, body=error_body("no", code="invalid_api_key")),
    "another model": Fault("status", 404, body=error_body("The model does not exist.", code="model_not_found")),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_an_address_that_fails_costs_nothing(engine: Engine, servers: list[MockServer], kind: str) -> None:
    failing, good = servers
    failing.reply = lambda body: FAULTS[kind] or "A"
    url = NOBODY if FAULTS[kind] is None else failing.url
    answers = ask(engine, [url, good.url], 60)
    assert {(answer.outcome, answer.attempts) for answer in answers} == {("ok", 1)}
    assert len(good.requests) == 60, "each once"
    assert len(failing.requests) <= 10, "what was in flight, and no more"
    assert any("its requests go to the other addresses" in notice for notice in engine.notices)


def test_it_is_tried_again(engine: Engine, servers: list[MockServer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST", 0.01)
    gone, good = servers
    gone.stop()
    urls = [gone.url, good.url]
    ask(engine, urls, 20)
    assert not gone.requests
    gone.start()
    start = 20

    def asked() -> int:
        nonlocal start
        ask(engine, urls, 10, start=start)
        start += 10
        return len(gone.requests)

    until(lambda: asked() > 20)
    assert any("answers again" in notice for notice in engine.notices)


def test_what_all_refuse_is_the_failure_of_the_endpoint(engine: Engine, servers: list[MockServer]) -> None:
    for server in servers:
        server.api_key = "secret"
    urls = [server.url for server in servers]
    assert {answer.outcome for number in range(3) for answer in ask(engine, urls, 1, start=number)} == {"request_error"}
    with pytest.raises(RunStopped) as caught:
        ask(engine, urls, 1, start=3)
    assert ", ".join(urls) in str(caught.value)
    assert sum(len(server.requests) for server in servers) <= 8, "three in a row, at two addresses each at most"


def test_what_is_away_as_a_whole_is_waited_for(engine: Engine) -> None:
    (answer,) = ask(engine, [NOBODY, "http://127.0.0.1:10/v1"], 1)
    assert answer.outcome == "request_error"
    assert any("waited for up to 0.5 s" in notice for notice in engine.notices)


def test_a_request_that_breaks_every_server_is_its_own_failure(engine: Engine, servers: list[MockServer]) -> None:
    for server in servers:
        server.reply = lambda body: Fault("status", 500) if body["messages"][0]["content"] == "Case 7" else "A"
    answers = ask(engine, [server.url for server in servers], 30, retries=1)
    assert [number for number, answer in enumerate(answers) if answer.outcome != "ok"] == [7]
    assert answers[7].attempts == 2


def test_after_a_rest_one_request_tries_it() -> None:
    import asyncio

    async def run() -> None:
        now = 0.0
        both = Replicas(Endpoint("x", "http://a/v1", replicas=("http://b/v1",)), clock=lambda: now)
        first, second = both._all
        job = Job(make_request(Model("x/m", "x", "m"), [{"role": "user", "content": "?"}]), Future())
        rests = []
        second.in_flight = 9
        for tries in range(9):
            assert both.pick(()) is first, "its rest is over"
            first.in_flight = 1
            assert (both.pick(()) is second) == (tries > 0), "one is trying it already"
            moves, _ = both.pass_on(job, first, transport.Fault("connection refused", "away"))
            first.in_flight = 0
            assert moves
            assert both.pick(()) is second
            rests.append(first.resting_until - now)
            now = first.resting_until
            job.tried.clear()
        assert rests == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert both.answered(first, 0.1) == "http://a/v1 answers again"
        assert both.answered(first, 0.1) == ""
        await both.close()

    asyncio.run(run())


# What the user types


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("http://a/v1,http://b:99999", "'http://b:99999' is not an address"),
        ("http://a/v1,", "'' is not an address"),
        (["http://a", "http://a/v1"], "names http://a/v1 twice"),
        ([], "neither an address nor a list"),
        (["http://a", 3], "neither an address nor a list"),
        ("http://a,http://b/v1/chat/completions", "goes on after the base address"),
    ],
)
def test_a_bad_list_is_a_sentence(given: object, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        base_urls(given, "[endpoints.ward] base_url")  # type: ignore[arg-type]
    assert problem in str(caught.value)


def test_addresses_that_serve_other_models_are_refused(servers: list[MockServer]) -> None:
    first, second = servers
    second.models = ("another",)
    endpoint = Endpoint("x", first.url, replicas=(second.url,))
    with pytest.raises(ModelError, match="serve no model alike"):
        listed_by_all(endpoint, wait=0, progress=print, required=True)
    with pytest.raises(ModelError, match="no server answers"):
        listed_by_all(
            Endpoint("x", NOBODY, replicas=("http://127.0.0.1:10/v1",)), wait=0, progress=print, required=True
        )


def test_a_session_with_a_dead_address(servers: list[MockServer], sessions: Sessions, tmp_path: Path) -> None:
    first, second = servers
    first.reply = second.reply = gold
    data = f"--medhelm-data={write_letters(tmp_path, 30)}"
    (tmp_path / "medhelm.toml").write_text(
        f"[endpoints.ward]\nbase_url = ['{first.url}', '{NOBODY}', '{second.url}']\n", "utf-8"
    )
    result = sessions.run_in(tmp_path, "--medhelm-model=ward/mock", data, "--medhelm-html=none")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["medhelm: no server answers at http://127.0.0.1:9/*; the other addresses are asked"])
    assert len(first.requests) + len(second.requests) == 30
    typed = f"--medhelm-base-url={first.url},http://192.0.2.1:1"
    offline = sessions.run_in(tmp_path, "--medhelm-model=vllm/mock", typed, "--medhelm-offline", data)
    assert offline.ret == 4
    offline.stderr.fnmatch_lines(["*--medhelm-offline refuses http://192.0.2.1:1/v1*"])
    private = (tmp_path / "test_letters.py").read_text().replace('access="public"', 'access="private"')
    (tmp_path / "test_letters.py").write_text(private)
    kept = sessions.run_in(tmp_path, "--medhelm-model=vllm/mock", typed, data)
    kept.stdout.fnmatch_lines(["*letters is not sent to vllm/mock*--medhelm-allow-host=192.0.2.1*"])


def test_a_slow_address_gets_as_much_less_as_it_is_slower() -> None:
    async def run() -> None:
        both = Replicas(Endpoint("x", "http://a/v1", replicas=("http://b/v1",)))
        first, second = both._all
        for replica, seconds in ((first, 0.1), (second, 0.4)):
            both.answered(replica, seconds)
        for _ in range(50):
            both.pick(()).in_flight += 1
        assert (first.in_flight, second.in_flight) == (40, 10)
        await both.close()

    asyncio.run(run())


def test_what_one_address_refuses_another_answers(engine: Engine, servers: list[MockServer]) -> None:
    urls = [server.url for server in servers]
    servers[0].reply = lambda body: Fault("status", 400)
    assert {answer.outcome for answer in ask(engine, urls, 60)} == {"ok"}
    servers[1].reply = lambda body: Fault("status", 400)
    asked = sum(len(server.requests) for server in servers)
    (refused,) = ask(engine, urls, 1, start=60)
    assert (refused.outcome, refused.attempts) == ("request_error", 1)
    assert sum(len(server.requests) for server in servers) == asked + 2, "once at each address"
