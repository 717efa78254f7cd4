"""When asking on would bring nothing the session stops: exit status 2, one sentence, and the same command goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from perf.mock_server import Fault, MockServer
from pytest_medhelm.plugin.interrupt import end_soon
from tests.support.letters import gold
from tests.support.servers import answered_on_disk, vllm
from tests.support.suites import cell, leaderboard

REFUSED = {"error": "Unauthorized"}
HOT = {
    "error": {
        "message": "temperature must be in [0, 2]",
        "type": "BadRequestError",
        "param": "temperature",
        "code": 400,
    }
}


@pytest.mark.parametrize("extra", [(), ("-n", "2")], ids=["plain", "n2"])
def test_a_key_that_is_refused_in_mid_run(
    extra: tuple[str, ...], letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    answered = 0

    def reply(body: dict[str, Any]) -> Any:
        nonlocal answered
        answered += 1
        return gold(body) if answered <= 10 else Fault("status", 401, body=REFUSED)

    data = letters(100)
    with MockServer(reply) as server:
        options = (*vllm(server), f"--medhelm-data={data}", "--medhelm-concurrency=4", *extra)
        result = run(*options)
        assert result.ret == 2
        assert len(server.requests) < 60, "not all of them"
        output = result.stdout.str().replace("\n", " ")
        assert "HTTP 401" in output
        assert "$VLLM_API_KEY" in output
        assert "the same command goes on from here" in output
        before = len(answered_on_disk(pytester.path))
        assert before >= 8
        answered = -1000
        asked = len(server.requests)
        assert run(*options).ret == 0
        assert len(server.requests) - asked == 100 - before


def test_a_setting_that_is_refused_is_named(letters: Callable[..., Path], run: Any) -> None:
    with MockServer(lambda _: Fault("status", 400, body=HOT)) as server:
        result = run(*vllm(server), f"--medhelm-data={letters(200)}", "--medhelm-concurrency=2")
        assert result.ret == 2
        assert len(server.requests) <= 20 + 4
    output = result.stdout.str()
    assert "param temperature" in output
    assert 'temperature = "default" under [models."vllm/mock"]' in output
    assert "Traceback" not in output


def test_a_server_that_stays_away_stops_the_run(letters: Callable[..., Path], run: Any) -> None:
    server = MockServer(lambda body: gold(body) if "Case 20." not in body["messages"][-1]["content"] else gone())

    def gone() -> Fault:
        threading.Thread(target=server.stop).start()
        return Fault("hang")

    server.start()
    result = run(*vllm(server), f"--medhelm-data={letters(100)}", "--medhelm-concurrency=4", "--medhelm-wait=0.5")
    assert result.ret == 2
    output = result.stdout.str().replace("\n", " ")
    assert "connection refused; waited for up to 0.5 s (--medhelm-wait)" in output
    assert f"nobody answers at {server.url}: start the server" in output


def test_a_server_that_comes_back_loses_nothing(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    def restart() -> None:
        server.stop()
        time.sleep(1)
        server.start()

    def reply(body: dict[str, Any]) -> Any:
        if "Case 20." in body["messages"][-1]["content"] and not restarted.is_set():
            restarted.set()
            threading.Thread(target=restart).start()
            return Fault("hang")
        return gold(body)

    restarted = threading.Event()
    server = MockServer(reply)
    server.start()
    result = run(*vllm(server), f"--medhelm-data={letters(60)}", "--medhelm-concurrency=4")
    server.stop()
    assert result.ret == 0
    assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 60}
    result.stdout.fnmatch_lines(["medhelm: *connection refused; waited for up to 300 s (--medhelm-wait)"])


def test_max_tokens_above_the_listed_context(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(3)
    with MockServer(gold, entry={"max_model_len": 2048}) as server:
        assert run(*vllm(server), f"--medhelm-data={data}").ret == 0
        assert {body["max_tokens"] for body in server.requests} == {2048}, (
            "the default is what the context has room for"
        )
        (pytester.path / "medhelm.toml").write_text('[models."vllm/mock"]\nmax_tokens = 5000\n')
        result = run(*vllm(server), f"--medhelm-data={data}")
        assert result.ret == 4
        result.stderr.fnmatch_lines(["ERROR: max_tokens = 5000 of vllm/mock is more than its context of 2048 tokens*"])
        assert len(server.requests) == 3


@pytest.mark.parametrize("full", [False, True])
def test_of_an_interrupt_no_more_is_parsed_than_is_shown(full: bool, tmp_path: Path) -> None:
    code: dict[str, Any] = {}
    for name, text in {
        "hidden": "def hide(f):\n  __tracebackhide__ = 1\n  f()\n",
        "short": "# a comment\n" * 9 + "def call(function):\n    hide(function)\n",
    }.items():
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        exec(compile(text, path, "exec"), code)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as found:
        code["call"](interrupt)
    end_soon(cast(pytest.Config, SimpleNamespace(getoption=lambda name, default: full)), found)
    names = [entry.name for entry in found.traceback]
    assert names[-3:] == ["call", "hide", "interrupt"] if full else names == ["call"], "of the shortest file shown"
    crash = found.getrepr().reprcrash
    assert crash is not None
    assert crash.message == "KeyboardInterrupt", "pytest's last line needs it"
