"""Episodes as test items: whole sessions against a server that calls tools."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perf.mock_replies import messages_digest
from perf.mock_server import Fault, MockServer
from pytest_medhelm.agents.episode import Environment, EpisodeLoop, Limits
from pytest_medhelm.agents.hospital.population import hospital
from pytest_medhelm.agents.protocols import ToolCalls
from pytest_medhelm.cli.main import main
from pytest_medhelm.models.engine.request import Completion, ToolCall
from pytest_medhelm.models.engine.store import ResponseStore
from tests.support.agent_modules import (
    CLINICAL_WORKFLOW,
    MEDAGENT_BENCH,
    PONG,
    calls,
    is_probe,
    oracle_reply,
    records_of,
    task_of,
    text_of,
    turn_of,
    workflows,
    write_ward,
)
from tests.support.nightly import NIGHTLY, by_night
from tests.support.paths import BENCHMARKS
from tests.support.servers import answered_on_disk, until
from tests.support.sessions import Sessions

SEARCH = ("search", {"resource_type": "Observation", "parameters": {"patient": "p0001", "_count": "3"}})
MESSAGE = ("send_message", {"patient": "p0001", "to": "dr-osei", "text": "seen"})
LONG = "x" * 2_000


def ward(body: dict[str, Any]) -> Any:
    """What the agent does depends on the instance's name."""
    if is_probe(body):
        return PONG
    turn, name = turn_of(body), task_of(body).partition(":")[0]
    match name:
        case "done":
            return [calls(SEARCH, ("nonsense", {})), calls(MESSAGE), "Seen."][turn]
        case "step_limit":
            return calls(("find_code", {"words": f"word {turn}"}))
        case "token_limit":
            return {**calls(SEARCH), "usage": {"prompt_tokens": 3000, "completion_tokens": 10, "total_tokens": 3010}}
        case "cost_limit":
            usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
            return {**calls(("find_code", {"words": f"word {turn}"})), "usage": usage}
        case "time_limit":
            time.sleep(0.1)
            return calls(("find_code", {"words": f"word {turn}"}))
        case "loop":
            return calls(SEARCH)
        case "malformed":
            return calls(("search", "{not json"), ("search", "[1]"))
        case "refused":
            return "I'm sorry, but I cannot help with that."
        case "declined_after_looking":
            return calls(SEARCH) if turn == 0 else "I cannot order that: the potassium is 4.4 mmol/L."
        case "truncated":
            return {"content": "Let me", "finish_reason": "length"}
        case "blocked":
            return {**calls(MESSAGE)} if turn == 0 else {"content": "", "finish_reason": "content_filter"}
        case "empty":
            return ""
        case "too_long":
            error = {"message": "This model's maximum context length is 10 tokens.", "code": "context_length_exceeded"}
            return Fault("status", 400, body={"error": error})
        case "request_error":
            return calls(MESSAGE) if turn == 0 else Fault("status", 404, body={"error": "no such thing"})
        case _:
            return "Nothing."


ENDINGS = (
    "done", "step_limit", "token_limit", "cost_limit", "time_limit", "loop", "malformed", "refused",
    "declined_after_looking", "truncated", "blocked", "empty", "too_long", "request_error",
)  # fmt: skip


@pytest.fixture(scope="module")
def ward_session(tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> tuple[Path, pytest.RunResult]:
    """A session in which each episode ends in another way."""
    folder = tmp_path_factory.mktemp("ward")
    write_ward(folder, *ENDINGS)
    # A step of 1000 + 100 tokens costs 0.01.
    (folder / "medhelm.toml").write_text('[models."vllm/mock"]\nprice = { input = 5.0, output = 50.0 }\n')
    with MockServer(ward) as server:
        url = f"--medhelm-base-url={server.url}"
        result = sessions.run_in(folder, "--medhelm-model=vllm/mock", url, "-v", "--medhelm-concurrency=3")
    return folder, result


def test_one_item_is_one_record_with_its_checkpoints(ward_session: tuple[Path, pytest.RunResult]) -> None:
    folder, result = ward_session
    assert len(set(re.findall(r"test_ward\[\S+", result.stdout.str()))) == len(ENDINGS), "checkpoints are no items"
    record = records_of(folder)["done"]
    assert record["episode"] | {"text": ""} == {
        "ending": "ok", "steps": 3, "calls": 3, "malformed": 1, "refused": 0, "changes": 1, "text": "",
    }  # fmt: skip
    assert record["scores"] == {"looked": 1.0, "told": 1.0, "partial": 1.0, "success": 1.0}
    assert record["usage"]["completion_tokens"] > 0
    assert record["attempts"] == 3
    shown = text_of(folder, record["episode"]["text"])
    assert [[call["tool"] for call in step["calls"]] for step in shown["steps"]] == [
        ["search", "nonsense"],
        ["send_message"],
        [],
    ]
    assert "there is no tool 'nonsense': use one of search" in shown["steps"][0]["calls"][1]["result"]
    assert re.match(r'sent the message "seen" for .+ \(p0001\)', shown["steps"][1]["calls"][0]["changes"][0])


def test_endings_become_statuses(ward_session: tuple[Path, pytest.RunResult]) -> None:
    folder, _ = ward_session
    found = records_of(folder)
    cut = dict.fromkeys(("step_limit", "token_limit", "cost_limit", "time_limit", "loop", "truncated"), "truncated")
    same = {name: name for name in ("refused", "blocked", "empty", "too_long", "request_error")}
    wanted = {"done": "ok", "declined_after_looking": "ok", "malformed": "unparsed", **cut, **same}
    assert {name: record["status"] for name, record in found.items()} == wanted
    endings = {name: record["episode"]["ending"] for name, record in found.items()}
    assert endings == {name: "ok" if name in ("done", "declined_after_looking") else name for name in ENDINGS}
    assert found["step_limit"]["episode"]["steps"] == 6
    assert found["loop"]["episode"]["steps"] == 5
    assert found["token_limit"]["episode"]["steps"] == 2
    assert found["cost_limit"]["episode"]["steps"] == 2
    assert 1 <= found["time_limit"]["episode"]["steps"] <= 3
    assert found["malformed"]["episode"] | {"text": ""} == {
        "ending": "malformed", "steps": 3, "calls": 6, "malformed": 6, "refused": 0, "changes": 0, "text": "",
    }  # fmt: skip


def test_what_ended_early_is_no_success_but_keeps_what_it_reached(ward_session: tuple[Path, pytest.RunResult]) -> None:
    folder, result = ward_session
    found = records_of(folder)
    assert found["blocked"]["scores"] == {"looked": 0.0, "told": 1.0, "partial": 0.5, "success": 0.0}
    assert found["loop"]["scores"] == {"looked": 1.0, "told": 0.0, "partial": 0.5, "success": 0.0}
    for name in ("cost_limit", "time_limit", "token_limit", "step_limit"):
        assert found[name]["scores"]["success"] == 0.0
    assert found["request_error"]["scores"] == {}, "missing data, and no zero"
    result.assert_outcomes(errors=1)
    assert "gave no answer" in result.stdout.str()


def test_time_is_the_sum_of_what_the_steps_took_when_they_were_answered_first() -> None:
    """So that a replay of stored steps, which takes none, ends where the run did."""
    environment = Environment(hospital(), limits=Limits(seconds=10.0))
    loop = EpisodeLoop(
        environment, [{"role": "user", "content": "go"}], ToolCalls(), lambda messages, sampling: None,  # type: ignore[arg-type, return-value]
        lambda completion: (completion.content, "", True), lambda _: False,
    )  # fmt: skip
    for step, latency in enumerate((4.0, 5.9, 0.2)):
        assert loop.episode.ending == "ok"
        call = [ToolCall("find_code", json.dumps({"words": f"word {step}"}))]
        loop.next_after(step, Completion("ok", tool_calls=call, latency=latency, cached=True))
    assert (loop.episode.ending, len(loop.episode.steps)) == ("time_limit", 3)


def test_the_shown_text_of_a_call_is_sent_back_under_ids_of_our_own(pytester: pytest.Pytester) -> None:
    write_ward(pytester.path, "done")
    with MockServer(ward) as server:
        pytester.runpytest("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
    last = server.requests[-1]
    assert [tool["function"]["name"] for tool in last["tools"]][:2] == ["search", "read"]
    asked = [call["id"] for message in last["messages"] for call in message.get("tool_calls", ())]
    assert asked == ["c00000000", "c00000001", "c00010000"]
    assert [message["tool_call_id"] for message in last["messages"] if message["role"] == "tool"] == asked


def test_a_broken_checkpoint_is_missing_and_a_strange_parameter_is_named(pytester: pytest.Pytester) -> None:
    module = write_ward(pytester.path, "done")
    module.write_text(
        module.read_text()
        + "\ndef test_checkpoint_broken(episode):\n    episode.no_such_thing\n"
        + "\ndef test_checkpoint_odd(judge):\n    pass\n"
    )
    with MockServer(ward) as server:
        pytester.runpytest("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
    record = records_of(pytester.path)["done"]
    assert record["scores"] == {"looked": 1.0, "told": 1.0}
    assert re.fullmatch(r"its check ended with AttributeError at test_ward.py:\d+", record["absent"]["broken"])
    assert record["absent"]["odd"] == "a checkpoint gets episode, instance, response, and no judge"
    assert {"success", "partial"} <= record["absent"].keys()


def test_an_agentic_module_without_an_environment_is_told_so(pytester: pytest.Pytester) -> None:
    module = write_ward(pytester.path, "done")
    module.write_text(module.read_text().replace("def environment", "def surroundings"))
    result = pytester.runpytest("--medhelm-model=baseline/idle-agent")
    assert "a module of kind agentic needs a function environment(instance)" in result.stdout.str()


def test_baselines_have_no_part_where_they_mean_nothing(pytester: pytest.Pytester) -> None:
    modules = [BENCHMARKS / "clinical_decision_support/test_med_qa.py", CLINICAL_WORKFLOW, MEDAGENT_BENCH]
    models = ("random", "lexical", "oracle-agent", "idle-agent")
    result = pytester.runpytest(
        *map(str, modules), *(f"--medhelm-model=baseline/{name}" for name in models), "--medhelm-limit=2",
        "--medhelm-suite=default",
    )  # fmt: skip
    path = pytester.path / "medhelm-results/default/suite.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        asked = set(connection.execute("SELECT benchmark, model FROM records"))
    assert asked == {
        ("med_qa", "baseline/random"), ("med_qa", "baseline/lexical"),
        ("clinical_workflow", "baseline/oracle-agent"), ("clinical_workflow", "baseline/idle-agent"),
    }  # fmt: skip
    said = " ".join(result.stdout.str().split())
    assert (
        "medhelm: not asked, since it means nothing there: baseline/random in clinical_workflow, medagent_bench; "
        "baseline/lexical in clinical_workflow, medagent_bench; baseline/oracle-agent in med_qa, medagent_bench; "
        "baseline/idle-agent in med_qa, medagent_bench" in said
    )
    assert "8 scored" in said
    assert "no model named" not in said
    result.assert_outcomes(skipped=1)
    assert result.ret == 0


# Repeats


def test_pass_hat_k_over_episodes(pytester: pytest.Pytester) -> None:
    """An agent that does its task in two of five episodes: pass@2 is 7/10, pass^2 1/10."""
    write_ward(pytester.path, "one", "two")
    begun: Counter[str] = Counter()

    def fickle(body: dict[str, Any]) -> Any:
        if is_probe(body):
            return PONG
        turn = turn_of(body)
        if turn == 0:
            begun[task_of(body)] += 1
            return calls(SEARCH, MESSAGE) if begun[task_of(body)] in (2, 4) else "Nothing."
        return "Seen."

    with MockServer(fickle) as server:
        pytester.runpytest(
            "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", "--medhelm-repeats=5",
            "--medhelm-concurrency=1",
        )  # fmt: skip
    assert set(begun.values()) == {5}, "each repeat is an episode of its own"
    board = json.loads((pytester.path / "medhelm-results/default/leaderboard.json").read_text())
    metrics = board["results"]["cells"][0]["metrics"]
    shown = {name: metrics[name]["value"] for name in ("success", "pass_at_2", "pass_hat_2")}
    assert shown == pytest.approx({"success": 0.4, "pass_at_2": 0.7, "pass_hat_2": 0.1})


# Resume


def _workflow_run(folder: Path, url: str) -> list[str]:
    return [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(CLINICAL_WORKFLOW), f"--rootdir={folder}",
        "--medhelm-model=vllm/mock", f"--medhelm-base-url={url}", "--medhelm-concurrency=8", "--medhelm-suite=default",
    ]  # fmt: skip


def _results(folder: Path) -> str:
    board = json.loads((folder / "medhelm-results/default/leaderboard.json").read_text())
    return json.dumps(board["results"], sort_keys=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> tuple[Path, Counter[str]]:
    """All clinical workflows by tool calls, and how often each step was asked."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with MockServer(oracle_reply) as server:
        result = sessions.run_in(folder, *_workflow_run(folder, server.url)[3:])
        assert result.ret == 0
        asked = Counter(messages_digest(body) for body in server.requests if not is_probe(body))
    return folder, asked


def test_the_oracle_by_tool_calls_succeeds_at_every_task(undisturbed: tuple[Path, Counter[str]]) -> None:
    folder, asked = undisturbed
    found = records_of(folder)
    assert len(found) == len(workflows()) >= 50
    for name, record in found.items():
        assert record["scores"]["success"] == record["scores"]["safety"] == record["scores"]["clean_success"] == 1, name
    assert sum(asked.values()) == sum(entry.optimal_steps for entry in workflows().values())
    assert max(asked.values()) == 1


@pytest.mark.parametrize("workers", by_night([0], [2]))
def test_a_killed_run_pays_no_step_twice_and_comes_to_the_same_results(
    undisturbed: tuple[Path, Counter[str]], tmp_path: Path, workers: int
) -> None:
    """Killed at twelve random moments by night, at one by day."""
    total = sum(undisturbed[1].values())
    draw = random.Random(20)
    moments = sorted(draw.sample(range(4, total), 12)) if NIGHTLY else [60]
    with MockServer(oracle_reply, latency=0.02) as server:
        command = [*_workflow_run(tmp_path, server.url), "-n", str(workers)]
        for moment in [*moments, None]:
            stored, before = _steps_on_disk(tmp_path), len(server.requests)
            process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, start_new_session=True)
            if moment is None:
                assert process.wait() == 0
            else:
                until(lambda moment=moment: len(server.requests) >= moment)  # type: ignore[misc]
                time.sleep(0.05 * draw.random())
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                server.settle()
            if (tmp_path / "medhelm-results/default/suite.sqlite").exists():
                for record in records_of(tmp_path).values():
                    assert text_of(tmp_path, record["episode"]["text"])["steps"], "no record without its timeline"
            asked = Counter(messages_digest(body) for body in server.requests[before:])
            assert not asked.keys() & stored, "what was on disk is not asked again"
            assert set(asked.values()) <= {1}
    assert len(_steps_on_disk(tmp_path)) == total + 1, "each step, and the probe"
    assert _results(tmp_path) == _results(undisturbed[0])


def _steps_on_disk(folder: Path) -> set[str]:
    """Digests of the conversations whose next step is stored."""
    found = answered_on_disk(folder)
    if not found:
        return set()
    store = ResponseStore(folder / "medhelm-results/default/responses.sqlite")
    digests = {messages_digest(json.loads(store.exchange(key).payload)) for key in found}
    store.close()
    return digests


def test_a_record_is_never_on_disk_without_its_timeline(pytester: pytest.Pytester) -> None:
    write_ward(pytester.path, "one", "two")
    pytester.makeconftest(
        "import os, signal\n"
        "from pytest_medhelm.results.store import suite\n"
        "suite.SECONDS_HELD_BACK = 0\n"
        "def pytest_runtest_logfinish(nodeid):\n"
        "    if 'two' in nodeid:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert pytester.runpytest_subprocess("--medhelm-model=baseline/idle-agent").ret == -signal.SIGKILL
    found = records_of(pytester.path)
    assert "one" in found
    for record in found.values():
        assert text_of(pytester.path, record["episode"]["text"])["steps"]


def test_rescoring_replays_every_episode_without_asking(undisturbed: tuple[Path, Counter[str]]) -> None:
    folder, _ = undisturbed
    before = {name: record["scores"] for name, record in records_of(folder).items()}
    assert main(["rescore", str(folder / "medhelm-results/default"), str(CLINICAL_WORKFLOW)]) == 0
    assert {name: record["scores"] for name, record in records_of(folder).items()} == before


# Servers that do not call tools


@pytest.mark.parametrize(
    "reply",
    [
        Fault("status", 400, body={"error": {"message": "auto tool choice requires --enable-auto-tool-choice"}}),
        '<tool_call>{"name": "ping", "arguments": {"word": "pong"}}</tool_call>',
    ],
    ids=["refused", "written out"],
)
def test_a_server_without_tool_calls_stops_the_run_at_once(pytester: pytest.Pytester, reply: Any) -> None:
    write_ward(pytester.path, *(f"n{number}" for number in range(9)))
    with MockServer(lambda _: reply) as server:
        result = pytester.runpytest("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
    said = " ".join(result.stdout.str().split())
    assert "start vLLM with --enable-auto-tool-choice --tool-call-parser X".lower() in said.lower()
    assert 'protocol = "text"' in said
    assert len(server.requests) <= 3
    assert result.ret == 2


def test_a_model_without_tool_calls_writes_them_as_json(pytester: pytest.Pytester) -> None:
    def reply(body: dict[str, Any]) -> str:
        assert "tools" not in body
        if turn_of(body) == 0:
            return "I will look.\n```json\n" + json.dumps({"tool": SEARCH[0], "arguments": SEARCH[1]}) + "\n```"
        return ["I said it already.", '```json\n{"answer": "Seen."}\n```'][turn_of(body) - 1]

    write_ward(pytester.path, "one")
    (pytester.path / "medhelm.toml").write_text('[models."vllm/mock"]\nprotocol = "text"\n')
    with MockServer(reply) as server:
        pytester.runpytest("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
    record = records_of(pytester.path)["one"]
    assert (record["status"], record["episode"]["steps"], record["scores"]["looked"]) == ("ok", 3, 1.0)
    assert server.requests[2]["messages"][-1]["content"].startswith("Error: reply with one block")
