"""Batch files: what is not stored is written down, and the answers of a batch are found by the next run."""

from __future__ import annotations

import json
import re
import stat
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.batch_runner import run_batch
from perf.mock_replies import error_body, too_long_body
from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.models.engine.awaited import Awaited
from pytest_medhelm.models.engine.batch_results import Result, read_result, result_of
from pytest_medhelm.models.engine.request import Completion, Request, make_request
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.engine.transport import Fault
from pytest_medhelm.models.roster import Roster
from pytest_medhelm.models.spec import Model, resolve_model
from pytest_medhelm.plugin.batch import Batch
from pytest_medhelm.util.config_file import ConfigFile
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.option import Given
from pytest_medhelm.util.options import make_settings
from tests.support.juries import ratings, talks
from tests.support.juries import records as records_of
from tests.support.letters import gold, write_letters
from tests.support.servers import vllm
from tests.support.sessions import Sessions
from tests.support.suites import leaderboard

NOBODY = "--medhelm-base-url=http://127.0.0.1:9/v1"
MODEL = ("--medhelm-model=vllm/mock", NOBODY, "--medhelm-html=none")


def ids(file: Path) -> set[str]:
    return {json.loads(line)["custom_id"] for line in file.read_text("utf-8").splitlines()}


def collect(folder: Path, *files: str) -> int:
    suite = folder / "medhelm-results/default"
    return main(["batch", "collect", *(str(folder / file) for file in files), f"--suite={suite}"])


@pytest.fixture(scope="module")
def story(sessions: Sessions, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """200 requests, answers out of order, three errors and one missing; then what is left; then a whole run."""
    folder = tmp_path_factory.mktemp("batch")
    data = f"--medhelm-data={write_letters(folder, 200)}"
    gate = "--medhelm-gate=letters.exact_match >= 0.99"
    said: dict[str, Any] = {"folder": folder, "data": data}
    said["first"] = sessions.run_in(folder, *MODEL, data, "--medhelm-batch=one.jsonl")
    run_batch(folder / "one.jsonl", folder / "results-1.jsonl", gold, fail={3, 50, 199}, lose={100})
    said["collected"] = collect(folder, "results-1.jsonl")
    said["second"] = sessions.run_in(folder, *MODEL, data, gate, "--medhelm-batch=two.jsonl")
    said["statuses"] = Counter(record["status"] for record in records_of(folder))
    run_batch(folder / "two.jsonl", folder / "results-2.jsonl", gold)
    said["collected again"] = collect(folder, "results-2.jsonl")
    said["third"] = sessions.run_in(folder, *MODEL, data, gate, "--medhelm-batch=three.jsonl")
    return said


def test_every_request_is_written_as_a_batch_takes_it(story: Mapping[str, Any]) -> None:
    file = story["folder"] / "one.jsonl"
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert len({line["custom_id"] for line in lines}) == len(lines) == 200
    assert {(line["method"], line["url"], line["body"]["model"]) for line in lines} == {
        ("POST", "/v1/chat/completions", "mock")
    }
    assert {gold(line["body"]) for line in lines} == set("ABCD")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert story["first"].ret == 0
    story["first"].assert_outcomes(skipped=200)
    story["first"].stdout.fnmatch_lines(["medhelm: 200 requests to vllm/mock are written to *one.jsonl"])


def test_the_second_run_asks_only_what_is_missing(story: Mapping[str, Any]) -> None:
    folder = story["folder"]
    written = (folder / "one.jsonl").read_text("utf-8").splitlines()
    missing = {json.loads(written[place])["custom_id"] for place in (3, 50, 199, 100)}
    assert ids(folder / "two.jsonl") == missing


def test_errors_are_request_errors_and_what_has_no_result_has_no_record(story: Mapping[str, Any]) -> None:
    assert story["statuses"] == {"ok": 196, "request_error": 3}
    assert story["second"].ret == 1, "a run that waits for answers passes no gate"
    story["second"].stdout.fnmatch_lines(["*HTTP 500*", "*1 request waits for the answers to two.jsonl*"])


def test_the_last_run_is_a_whole_evaluation(story: Mapping[str, Any], sessions: Sessions) -> None:
    folder = story["folder"]
    assert story["third"].ret == 0, "the gate passes"
    assert not (folder / "three.jsonl").exists()
    story["third"].stdout.fnmatch_lines(["medhelm: *three.jsonl is not written: there is nothing to ask"])
    # The same bytes as if a server had been asked.
    with MockServer(gold) as server:
        sessions.run_in(
            folder, *vllm(server), story["data"], "--medhelm-html=none", "--medhelm-suite=asked",
            "--medhelm-gate=letters.exact_match >= 0.99",
        )  # fmt: skip
        assert len(server.requests) == 200
    batch, asked = (leaderboard(folder, suite)["results"] for suite in ("default", "asked"))
    assert batch == asked


def test_a_server_is_asked_nothing_that_a_batch_has_answered(story: Mapping[str, Any], sessions: Sessions) -> None:
    with MockServer(gold) as server:
        result = sessions.run_in(story["folder"], *vllm(server), story["data"], "--medhelm-html=none")
        assert not server.requests
    assert result.ret == 0


def test_collect_accounts_for_everything(story: Mapping[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert story["collected"] == story["collected again"] == 0
    assert collect(story["folder"], "results-1.jsonl", "results-2.jsonl") == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        "0 answers stored, 0 errors, 203 answered before; of all requests 0 have no result and 0 an error"
    )


def test_judges_are_a_second_round(sessions: Sessions, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = (
        "--medhelm-model=vllm/doctor", "--medhelm-judge=vllm/strict", "--medhelm-judge=vllm/kind", NOBODY,
        talks(tmp_path, 5), "--medhelm-html=none",
    )  # fmt: skip
    sessions.run_in(tmp_path, *asked, "--medhelm-batch=answers.jsonl")
    run_batch(tmp_path / "answers.jsonl", tmp_path / "answered.jsonl")
    assert collect(tmp_path, "answered.jsonl") == 0
    second = sessions.run_in(tmp_path, *asked, "--medhelm-batch=judges.jsonl")
    second.stdout.fnmatch_lines_random(["*5 requests to vllm/kind*", "*5 requests to vllm/strict*"])
    files = sorted(tmp_path.glob("judges.*.jsonl"))
    assert [file.name for file in files] == ["judges.vllm-kind.jsonl", "judges.vllm-strict.jsonl"]
    for file in files:
        run_batch(file, file.with_suffix(".out"), lambda body: ratings(5, 4, 3))
    assert collect(tmp_path, *(file.with_suffix(".out").name for file in files)) == 0
    assert "5 answers" not in capsys.readouterr().out.splitlines()[-2], "ten, of two files"
    sessions.run_in(tmp_path, *asked, "--medhelm-batch=none.jsonl")
    records = records_of(tmp_path)
    assert [record["scores"]["jury"] for record in records] == [4.0] * 5


PRIVATE = ('access="public"', 'access="private"')


def test_texts_of_private_data_stay_in_the_suite(sessions: Sessions, tmp_path: Path) -> None:
    data = f"--medhelm-data={write_letters(tmp_path, 3)}"
    module = tmp_path / "test_letters.py"
    module.write_text(module.read_text().replace(*PRIVATE))
    refused = sessions.run_in(tmp_path, *MODEL, data, "--medhelm-batch=out.jsonl")
    assert refused.ret == 5
    refused.stdout.fnmatch_lines(["*letters is not written to *out.jsonl: its data are private*--medhelm-show-text*"])
    assert not [file for file in tmp_path.rglob("*.jsonl*") if "Gold" in file.read_text()]
    inside = "--medhelm-batch=medhelm-results/default/out.jsonl"
    assert sessions.run_in(tmp_path, *MODEL, data, inside).ret == 0
    shown = sessions.run_in(tmp_path, *MODEL, data, "--medhelm-batch=out.jsonl", "--medhelm-show-text")
    assert shown.ret == 0
    assert ids(tmp_path / "out.jsonl") == ids(tmp_path / "medhelm-results/default/out.jsonl")
    hosted = ("--medhelm-model=vllm/mock", "--medhelm-base-url=http://192.0.2.1:8000/v1", "--medhelm-show-text")
    elsewhere = sessions.run_in(tmp_path, *hosted, data, "--medhelm-batch=hosted.jsonl")
    elsewhere.stdout.fnmatch_lines(["*letters is not sent to vllm/mock*--medhelm-allow-host=192.0.2.1*"])
    assert not (tmp_path / "hosted.jsonl").exists()


def test_what_awaits_a_batch_is_no_exception_to_pytest(sessions: Sessions, tmp_path: Path) -> None:
    # Else it writes a traceback of each, which takes 20 ms and is thrown away, and --pdb stops at each.
    data = f"--medhelm-data={write_letters(tmp_path, 3)}"
    (tmp_path / "conftest.py").write_text("def pytest_exception_interact(): print('interacted')\n")
    result = sessions.run_in(tmp_path, *MODEL, data, "--medhelm-batch=out.jsonl", "-rs", "-s")
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["SKIPPED *its request stands in out.jsonl: run the batch*"])
    result.stdout.no_fnmatch_line("*interacted*")


@pytest.mark.parametrize("stop", ["KeyboardInterrupt", "pytest.exit.Exception"])
def test_a_run_that_is_stopped_leaves_no_file_that_looks_whole(sessions: Sessions, tmp_path: Path, stop: str) -> None:
    data = f"--medhelm-data={write_letters(tmp_path, 8)}"
    hook = f"def pytest_runtest_teardown(item):\n    if '003' in item.nodeid:\n        raise {stop}('enough')\n"
    (tmp_path / "conftest.py").write_text(f"import pytest\n{hook}")
    stopped = sessions.run_in(tmp_path, *MODEL, data, "--medhelm-batch=one.jsonl")
    assert stopped.ret in (2, 130)
    assert "is not written: the run was stopped; the same command begins it anew" in stopped.stdout.str()
    assert not list(tmp_path.glob("one.jsonl*"))
    (tmp_path / "conftest.py").unlink()
    assert sessions.run_in(tmp_path, *MODEL, data, "--medhelm-batch=one.jsonl").ret == 0
    assert len(ids(tmp_path / "one.jsonl")) == 8


def test_a_batch_file_without_a_name_asks_nobody(sessions: Sessions, tmp_path: Path) -> None:
    data = f"--medhelm-data={write_letters(tmp_path, 8)}"
    refused = sessions.run_in(tmp_path, *MODEL, data, "--medhelm-batch=")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*--medhelm-batch: '' names no file; type e.g. --medhelm-batch=requests.jsonl*"])


def test_a_file_that_is_there_is_not_replaced(sessions: Sessions, tmp_path: Path) -> None:
    (tmp_path / "taken.jsonl").write_text("paid for\n")
    (tmp_path / "test_letters.py").write_text("def test_letters(): pass\n")
    result = sessions.run_in(tmp_path, *MODEL, "--medhelm-batch=taken.jsonl")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*taken.jsonl is there already: name another file, or remove it"])
    assert (tmp_path / "taken.jsonl").read_text() == "paid for\n"


@pytest.mark.parametrize(
    ("dist", "given", "sentence"),
    [
        ("no", {"no_cache": True}, "--medhelm-no-cache takes nothing as stored"),
        ("no", {"max_cost": 5.0}, "--medhelm-max-cost cannot bound"),
        ("no", {"batch": "away/out.jsonl"}, "away is no folder that is there"),
        ("no", {"models": ["local/smollm2-135m"]}, "local/smollm2-135m is embedded and runs no batch"),
        ("load", {}, "leave -n out"),
    ],
)
def test_what_no_batch_can_do_is_a_sentence(tmp_path: Path, dist: str, given: dict[str, Any], sentence: str) -> None:
    given = {"models": ["vllm/mock"], "batch": "out.jsonl", **given}
    settings = make_settings({key: Given(value, key) for key, value in given.items()}, tmp_path, config=ConfigFile())
    roster = Roster(tuple(resolve_model(name, settings, frozenset()) for name in settings.models), ())
    config: Any = SimpleNamespace(getoption=lambda name, default=None: dist)
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        Batch(config, settings, roster)


# medhelm batch collect


def asked_of(folder: Path) -> Request:
    """A suite in which one request is awaited."""
    request = make_request(Model("vllm/mock", "vllm", "mock"), [{"role": "user", "content": "Gold A."}])
    with closing(Awaited(folder / "medhelm-results/default/responses.sqlite")) as awaited:
        awaited.add([request])
    return request


def line(key: str, **more: Any) -> str:
    body = {"choices": [{"message": {"content": "A"}, "finish_reason": "stop"}]}
    return json.dumps({"custom_id": key, "response": {"status_code": 200, "body": body}, "error": None} | more)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{good}\n{stranger}", "default never asked for (custom_id 'xyz'): name the suite that wrote the batch"),
        ("{good}\n{cut}", "results.jsonl, line 2 is no JSON (cut off?)"),
        ('{good}\n{{"custom_id": "x", "body": {{}}}}', "results.jsonl, line 2 is a request"),
        ('{good}\n{{"id": 3}}', "results.jsonl, line 2 has no custom_id"),
        ("[1]", "results.jsonl, line 1 has no custom_id"),
        ("", "results.jsonl is empty"),
        (None, "results.jsonl cannot be read"),
        (b"\xff\xfe\x00", "results.jsonl is no text in UTF-8"),
    ],
)
def test_a_file_of_anything_else_is_refused_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | bytes | None, sentence: str
) -> None:
    request = asked_of(tmp_path)
    good = line(request.key)
    if isinstance(content, str):
        (tmp_path / "results.jsonl").write_text(content.format(good=good, stranger=line("xyz"), cut=good[:-20]))
    elif content is not None:
        (tmp_path / "results.jsonl").write_bytes(content)
    assert collect(tmp_path, "results.jsonl") == 1
    assert sentence in capsys.readouterr().err
    with closing(ResponseStore(tmp_path / "medhelm-results/default/responses.sqlite")) as store:
        assert store.get(request.key) is None


def test_purge_removes_what_is_awaited(tmp_path: Path) -> None:
    asked_of(tmp_path)
    suite = tmp_path / "medhelm-results/default"
    assert b"Gold A." in b"".join(file.read_bytes() for file in suite.iterdir())
    assert main(["purge", str(suite), "--texts"]) == 0
    assert b"Gold A." not in b"".join(file.read_bytes() for file in suite.iterdir())


def test_another_folder_is_no_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results.jsonl").write_text(line("x"))
    assert collect(tmp_path, "results.jsonl") == 1
    assert "--suite=DIR" in capsys.readouterr().err


FIELDS = {"choices", "message", "content", "finish_reason", "usage", "error", "code", "status_code", "body", "model"}
OK = {"choices": [{"message": {"content": "A"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, OK, "ok"),
        (200, OK | {"usage": {"prompt_tokens": -1}}, "ok"),
        (400, too_long_body(), "too_long"),
        (400, error_body("The response was filtered.", code="content_filter"), "blocked"),
        (200, {}, "Fault"),
        (429, error_body("Too many requests."), "Fault"),
        (400, {"error": {"object": "error", "message": "no", "type": "BadRequestError", "code": 400}}, "Fault"),
        (0, {"error": {"code": "batch_expired", "message": "This request could not be executed."}}, "Fault"),
        (0, {"error": None}, "Fault"),
    ],
)
def test_a_result_means_what_a_servers_reply_means(status: int, body: dict[str, Any], outcome: str) -> None:
    request = make_request(Model("vllm/mock", "vllm", "mock"), [{"role": "user", "content": "Gold A."}])
    read = read_result(request, Result(request.key, status, body))
    assert (read.outcome if isinstance(read, Completion) else type(read).__name__) == outcome
    if isinstance(read, Fault):
        assert "could not be executed" not in read.reason
    elif outcome == "ok":
        assert read.latency == 0, "how long it took is not known"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(FIELDS)), inner, max_size=5),
    max_leaves=12,
)


@given(JSON, JSON, JSON)
def test_any_result_is_an_answer_or_a_counted_error(status: object, body: object, error: object) -> None:
    request = make_request(Model("vllm/mock", "vllm", "mock"), [{"role": "user", "content": "Gold A."}])
    line = {"custom_id": request.key, "response": {"status_code": status, "body": body}, "error": error}
    for shape in (line, line | {"response": body}, {"custom_id": request.key, "error": error}):
        read = read_result(request, result_of(json.dumps(shape), "results.jsonl, line 1"))
        assert isinstance(read, Completion | Fault)
