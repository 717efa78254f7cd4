"""The engine through real sessions: look-ahead, cache, faults, crashes, interrupts. Plain and with -n 2."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import Fault, Faults, MockServer, too_long_body
from tests.support.checks import some
from tests.support.letters import gold
from tests.support.servers import answered_on_disk, until, vllm
from tests.support.suites import cell, leaderboard


def results_of(folder: Path) -> Any:
    return leaderboard(folder)["results"]


def test_an_answered_request_is_never_asked_again(
    letters: Callable[..., Path],
    run: Any,
    server: MockServer,
    pytester: pytest.Pytester,
) -> None:
    data = letters(20)
    options = (*vllm(server), f"--medhelm-data={data}")
    run(*options).assert_outcomes()
    first = results_of(pytester.path)
    assert cell(leaderboard(pytester.path), "letters")["metrics"]["exact_match"]["value"] == 1.0
    assert len(server.requests) == 20
    for again in ((), ("-n", "2"), ("--medhelm-prefetch=0",)):
        run(*options, *again)
        assert results_of(pytester.path) == first
    assert len(server.requests) == 20
    assert server.probes == 4


def test_prefetch_off_or_no_cache_gives_the_same_results(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    with MockServer(gold, latency=0.05) as server:
        options = (*vllm(server), f"--medhelm-data={letters(12)}")
        run(*options, "--medhelm-prefetch=0")
        first = results_of(pytester.path)
        assert server.in_flight_peak == 1
        run(*options, "--medhelm-no-cache")
        assert results_of(pytester.path) == first
        assert len(server.requests) == 24
        assert server.in_flight_peak > 1


def test_look_ahead_stays_in_its_window(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(60)
    source = (pytester.path / "test_letters.py").read_text()
    (pytester.path / "test_letters.py").write_text(source + "    assert instance.id != 'q004'\n")
    with MockServer(gold, latency=0.02) as server:
        options = (*vllm(server), f"--medhelm-data={data}", "--medhelm-concurrency=4", "-x")
        result = run(*options)
        assert result.ret == 1
        assert len(server.requests) <= 5 + 8, "-x wastes at most the window"
        assert server.in_flight_peak <= 4


def test_collect_only_sends_nothing(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    result = run(*vllm(server), f"--medhelm-data={letters(3)}", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["test_letters.py::test_letters?vllm/mock-q000?"])
    assert server.probes == 0
    assert not server.requests
    assert not (pytester.path / "medhelm-results").exists()


def test_passing_faults_lose_nothing(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(60)
    kinds = ("429", "500", "drop", "truncated", "cut")
    with MockServer(gold, faults=Faults(rate=0.3, kinds=kinds)) as server:
        result = run(*vllm(server), f"--medhelm-data={data}")
        assert result.ret == 0
        assert len(server.requests) > 60
    faulty = results_of(pytester.path)
    assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 60}
    with MockServer(gold) as server:
        run(*vllm(server), f"--medhelm-data={data}", "--medhelm-no-cache")
    assert results_of(pytester.path) == faulty


def test_standing_faults_are_counted_and_the_rest_is_kept(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    def reply(body: dict[str, Any]) -> str | Fault:
        if body["model"] == "hangs":
            # Two kinds: 20 equal failures in a row would stop the run.
            return Fault("hang" if len(body["messages"][-1]["content"].partition(".")[0]) % 2 else "drop")
        broken = {"Case 3": "500", "Case 7": "drop", "Case 11": "truncated"}
        question = body["messages"][-1]["content"].partition(".")[0]
        kind = broken.get(question)
        if kind is None:
            return gold(body)
        return Fault("status", 500) if kind == "500" else Fault(kind)  # type: ignore[arg-type]

    with MockServer(reply, models=("mock", "hangs")) as server:
        # What hangs has a model of its own, since an answer may take longer than its time on a busy machine.
        limits = (("quick", 60), ("hasty", 1))
        (pytester.path / "medhelm.toml").write_text(
            "".join(
                f"[endpoints.{name}]\nbase_url = '{server.url}'\nretries = 1\ntimeout = {seconds}\nconcurrency = 20\n"
                for name, seconds in limits
            )
        )
        models = ("--medhelm-model=quick/mock", "--medhelm-model=hasty/hangs")
        result = run(*models, f"--medhelm-data={letters(20)}")
    assert result.ret == 1
    found = cell(leaderboard(pytester.path), "letters", "quick/mock")
    assert found["statuses"] == {"ok": 17, "request_error": 3}
    assert found["metrics"]["exact_match"]["value"] == 1.0
    assert (found["metrics"]["exact_match"]["worst"], found["metrics"]["exact_match"]["best"]) == (0.85, 1.0)
    assert cell(leaderboard(pytester.path), "letters", "hasty/hangs")["statuses"] == {"request_error": 20}
    output = result.stdout.str()
    assert output.count("gave no answer: HTTP 500 (type invalid_request_error) after 2 attempts") >= 1
    assert "no answer in time after 2 attempts" in output
    assert "Traceback" not in output


def test_retry_after_is_honoured(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    seen: dict[str, list[float]] = {}

    def reply(body: dict[str, Any]) -> str | Fault:
        times = seen.setdefault(body["messages"][-1]["content"], [])
        times.append(time.monotonic())
        return Fault("status", 429, retry_after=1.5) if len(times) == 1 else gold(body)

    with MockServer(reply) as server:
        assert run(*vllm(server), f"--medhelm-data={letters(2)}").ret == 0
    assert all(later - first >= 1.5 for first, later in some(seen.values()))


def test_context_length_counts_as_the_models_failure(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    def reply(body: dict[str, Any]) -> str | Fault:
        number = int(body["messages"][-1]["content"].split()[1].rstrip("."))
        return Fault("status", 400, body=too_long_body()) if number % 2 else gold(body)

    with MockServer(reply) as server:
        options = (*vllm(server), f"--medhelm-data={letters(20)}")
        assert run(*options).ret == 0
        found = cell(leaderboard(pytester.path), "letters")
        assert found["statuses"] == {"ok": 10, "too_long": 10}
        assert found["metrics"]["exact_match"]["value"] == 0.5
        assert found["metrics"]["exact_match"]["answered"] == 1.0
        run(*options)
        assert len(server.requests) == 20, "what does not fit is not asked again"


def test_equal_prompts_are_asked_once(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(16)
    source = (pytester.path / "test_letters.py").read_text()
    (pytester.path / "test_letters.py").write_text(source.replace("{instance.question}", "Gold A."))
    with MockServer(gold, latency=0.2) as server:
        run(*vllm(server), f"--medhelm-data={data}")
        assert len(server.requests) == 1
    assert cell(leaderboard(pytester.path), "letters")["metrics"]["exact_match"]["value"] == 0.25


def test_drawn_answers_are_independent_for_equal_prompts(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(6)
    source = (pytester.path / "test_letters.py").read_text()
    (pytester.path / "test_letters.py").write_text(source.replace("{instance.question}", "Gold A."))
    (pytester.path / "medhelm.toml").write_text('[models."vllm/mock"]\ntemperature = 0.7\n')
    with MockServer(gold) as server:
        run(*vllm(server), f"--medhelm-data={data}")
        assert len(server.requests) == 6


def test_kill_9_twice_loses_nothing(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(150)
    with MockServer(gold, latency=0.03) as server:
        options = [
            *vllm(server),
            f"--medhelm-data={data}",
            "--medhelm-concurrency=4",
            "-p",
            "no:cacheprovider",
        ]
        for target in (40, 90):
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *options], cwd=pytester.path, start_new_session=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            while len(server.requests) < target and process.poll() is None:
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            server.settle()
            answered = answered_on_disk(pytester.path)
            asked_before = len(server.requests)
        assert asked_before - len(answered) <= 2 * 4 * 2, "only what was in flight may be asked again"
        run(*options)
        assert len(answered_on_disk(pytester.path)) == 150
        assert len(server.requests) - asked_before == 150 - len(answered)
    killed = results_of(pytester.path)
    with MockServer(gold) as server:
        run(*vllm(server), f"--medhelm-data={data}", "--medhelm-suite=straight")
    assert leaderboard(pytester.path, "straight")["results"] == killed


def test_ctrl_c_ends_and_the_next_run_goes_on(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(30)
    slow = {"Case 20", "Case 21"}

    def reply(body: dict[str, Any]) -> str | Fault:
        return Fault("hang") if body["messages"][-1]["content"].partition(".")[0] in slow else gold(body)

    with MockServer(reply) as server:
        options = [
            *vllm(server),
            f"--medhelm-data={data}",
            "--medhelm-concurrency=8",
            "-p",
            "no:cacheprovider",
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options], cwd=pytester.path, stdout=subprocess.PIPE, text=True
        )
        until(lambda: len(server.requests) >= 25 and len(answered_on_disk(pytester.path)) >= 19)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 2
        assert "medhelm report" in output
        assert not (pytester.path / "medhelm-results/default/leaderboard.html").exists()
        slow.clear()
        server.settle()
        asked = len(server.requests)
        assert run(*options).ret == 0
        assert len(server.requests) - asked <= 30 - 19, "what was answered before Ctrl-C is not asked again"
    assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 30}


def test_lf_runs_only_what_failed_and_completes_the_cell(
    letters: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    broken = {"Case 3", "Case 4"}

    def reply(body: dict[str, Any]) -> str | Fault:
        return Fault("status", 400) if body["messages"][-1]["content"].partition(".")[0] in broken else gold(body)

    data = letters(10)
    with MockServer(reply) as server:
        options = (*vllm(server), f"--medhelm-data={data}")
        pytester.runpytest_subprocess(*options)
        assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 8, "request_error": 2}
        broken.clear()
        pytester.runpytest_subprocess(*options, "--lf")
        assert len(server.requests) == 12
    assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 10}


def test_pytest_timeout_cuts_a_hanging_answer(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    def reply(body: dict[str, Any]) -> str | Fault:
        return Fault("hang") if "Case 2." in body["messages"][-1]["content"] else gold(body)

    with MockServer(reply) as server:
        result = run(*vllm(server), f"--medhelm-data={letters(5)}", "--timeout=4")
    assert result.ret == 1
    found = cell(leaderboard(pytester.path), "letters")
    assert found["statuses"]["ok"] == 4
