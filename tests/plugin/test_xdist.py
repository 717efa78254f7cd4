"""What pytest-xdist changes: two workers come to what one process comes to, and share work, limits and mishaps."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from xml.etree import ElementTree

import execnet
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import Fault, MockServer
from pytest_medhelm.models.roster import Roster
from pytest_medhelm.models.spec import Model, resolve_model
from pytest_medhelm.plugin.xdist import check_distribution
from pytest_medhelm.results.store.opening import open_responses
from pytest_medhelm.scoring.record import RecordBuilder
from pytest_medhelm.tasks.benchmark import Benchmark
from pytest_medhelm.tasks.data.sources import Source
from pytest_medhelm.tasks.task import DataFile, Instance, Task
from pytest_medhelm.util.config_file import ConfigFile
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.option import Given
from pytest_medhelm.util.options import make_settings
from tests.support.agent_modules import CLINICAL_WORKFLOW, is_probe, oracle_reply
from tests.support.checks import some
from tests.support.confident import tokens
from tests.support.everything import RULES, reply, write_project
from tests.support.juries import named, question_of, rating, records, talks
from tests.support.ledgers import entries
from tests.support.letters import gold
from tests.support.paths import CHECKOUT
from tests.support.servers import answered_on_disk, until, vllm
from tests.support.sessions import Sessions
from tests.support.suites import cell, leaderboard


class Ended(NamedTuple):
    """A session that is over."""

    folder: Path
    result: pytest.RunResult
    asked: Counter[str]
    shows_text: bool

    @property
    def output(self) -> str:
        return self.result.stdout.str() + self.result.stderr.str()

    def file(self, name: str) -> str:
        return (self.folder / name).read_text()


class Twins(NamedTuple):
    """The same session with one process and with two workers."""

    plain: Ended
    spread: Ended


WHOLE = [
    *(f"--medhelm-gate={rule}" for rule in RULES), "--medhelm-model=house/echo", "--medhelm-model=human/ward.csv",
    "--medhelm-model=baseline/random", "--medhelm-judge=vllm/mild", "--medhelm-judge=vllm/stern",
]  # fmt: skip
PART = [
    "--medhelm-shard=1/2", "--medhelm-limit=20", "--medhelm-strict", "--medhelm-show-text", "--medhelm-prefetch=3",
    "--medhelm-gate=letters >= 0.1", "-k", "letters or talks", "--medhelm-model=baseline/lexical",
]  # fmt: skip


@pytest.fixture(scope="module", params=[WHOLE, PART], ids=["whole", "part"])
def twins(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> Twins:
    """Both sessions, which ask the same server."""

    def session(*extra: str) -> Ended:
        folder = tmp_path_factory.mktemp("twin")
        write_project(folder)
        server.requests.clear()
        options = [
            "--medhelm-data=data", *named(server), *request.param,
            "--junitxml=ci.xml", "--html=ci.html", "--self-contained-html", *extra,
        ]  # fmt: skip
        result = sessions.run_in(folder, *options)
        return Ended(
            folder, result, Counter(json.dumps(body, sort_keys=True) for body in server.requests), PART is request.param
        )

    with MockServer(reply, models=("doctor", "mild", "stern")) as server:
        return Twins(session(), session("-n", "2"))


def test_the_status_and_the_results_are_the_same(twins: Twins) -> None:
    assert twins.plain.result.ret == twins.spread.result.ret == 1
    plain, spread = (leaderboard(twin.folder)["results"] for twin in twins)
    assert len(plain["cells"]) >= 3
    assert json.dumps(spread) == json.dumps(plain), "the same bytes, the order of keys included"
    assert len({status for entry in plain["cells"] for status in entry["statuses"]}) >= 4


def test_the_records_are_the_same(twins: Twins) -> None:
    plain, spread = (
        [{key: value for key, value in record.items() if key not in TIMES} for record in map(timeless, kept)]
        for kept in (records(twins.plain.folder), records(twins.spread.folder))
    )
    assert len(plain) >= 20
    assert spread == plain


TIMES = ("latency", "finished", "run", "attempts")


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    """A record whose verdicts do not say how long they took."""
    verdicts = [{key: value for key, value in entry.items() if key != "latency"} for entry in record["verdicts"]]
    return record | {"verdicts": verdicts}


def test_each_request_is_sent_once(twins: Twins) -> None:
    assert twins.spread.asked == twins.plain.asked
    assert max(twins.plain.asked.values()) <= 1 + 1, "but for an unusable verdict, which is asked for once more"
    assert all('"user": "evaluation"' in body for body in twins.spread.asked)
    assert answered_on_disk(twins.spread.folder) == answered_on_disk(twins.plain.folder) != set()


def cases(session: Ended) -> list[tuple[str, str, list[str]]]:
    """Class, name and outcomes of the test cases in JUnit XML."""
    text = session.file("ci.xml").replace(str(session.folder), "")
    found = ElementTree.fromstring(text).iter("testcase")
    return sorted(
        (case.get("classname", ""), case.get("name", ""), [f"{child.tag} {child.get('message')}" for child in case])
        for case in found
    )


def test_junit_has_the_same_cases_and_each_gate_once(twins: Twins) -> None:
    plain = cases(twins.plain)
    assert [case for case in plain if case[0] == "medhelm gate"]
    assert cases(twins.spread) == plain


def rows(session: Ended) -> list[tuple[str, ...]]:
    """What pytest-html shows of each item, without how long it took."""
    blob = re.search(r'data-jsonblob="([^"]*)"', session.file("ci.html"))
    assert blob
    tests = json.loads(blob[1].replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    cells = [
        (name, *(text for text in entry["resultsTableRow"] if "col-duration" not in text))
        for name, entries in tests["tests"].items()
        for entry in entries
    ]
    return sorted((name, *shown) for name, *shown in cells)


def test_the_page_of_pytest_html_shows_the_same(twins: Twins) -> None:
    plain = rows(twins.plain)
    assert len(plain) > 20
    assert rows(twins.spread) == plain


def told(session: Ended) -> list[str]:
    """What the terminal says from the leaderboard on, without what differs from run to run: times and folders."""
    summary = session.output.partition(" medhelm leaderboard ")[2].replace(str(session.folder), "")
    table, _, rest = summary.partition("slowest, ")
    return table.splitlines() + sorted(line for line in rest.splitlines() if " ms" not in line and " in " not in line)


def test_the_terminal_says_the_same(twins: Twins) -> None:
    plain = told(twins.plain)
    assert any(line.startswith("gate ") for line in plain)
    assert told(twins.spread) == plain


def test_files_are_the_same_and_belong_to_their_owner(twins: Twins) -> None:
    suites = [twin.folder / "medhelm-results" / "default" for twin in twins]
    plain, spread = (sorted(str(file.relative_to(suite)) for file in suite.rglob("*")) for suite in suites)
    assert "leaderboard.html" in plain
    assert spread == plain
    assert {file.stat().st_mode & 0o077 for file in suites[1].rglob("*") if file.name != "short.txt"} == {0}
    assert [(suite / "short.txt").read_text().count("\n") for suite in suites] == [1, 1], "hooks of reports run once"


def test_what_a_clinician_wrote_stays_where_it_is(twins: Twins) -> None:
    for twin in twins:
        assert ("Case 1." in twin.output, "no letter at all" in twin.output) == (twin.shows_text, twin.shows_text)
        for text in (twin.output, twin.file("ci.xml"), twin.file("ci.html")):
            assert "\u202e" not in text
            assert twin.shows_text or "Case 1." not in text
            assert twin.shows_text or "Mrs Example" not in text, "an assertion's operands"


def test_an_attempt_is_written_down_once(twins: Twins) -> None:
    plain, spread = (
        [json.loads(line) for line in twin.file("medhelm-results/ledger.jsonl").splitlines()] for twin in twins
    )
    assert [entry.keys() for entry in spread] == [entry.keys() for entry in plain]
    assert [entry["facts"].get("gates") for entry in spread] == [entry["facts"].get("gates") for entry in plain]


# Repeats, other words and confidences, under another hash seed too

CALLS = """\
name: calls
subcategory: Care Coordination and Planning
access: public
data: calls.csv
columns: {id: call}
prompt: "{note} What is due?"
answer: {kind: label, column: due, choices: [visit, call, nothing, scan]}
keeps_gold: [surface, options, wording]
"""


def unsteady(body: dict[str, Any]) -> dict[str, Any]:
    """Right in three of four, by prompt and seed alone, whoever asks when; with the letters' log-probabilities."""
    text = str(body["messages"][-1]["content"])
    drawn = hashlib.sha256(f"{text}{body['seed']}".encode()).digest()
    found = re.search(r"^(\w)\. call$", text, re.MULTILINE)
    assert found
    letter = found[1] if drawn[0] % 4 else "A"
    answer = f"Answer: {letter}"
    return {"content": answer, "logprobs": {"content": tokens(answer, letter, 0.4 + drawn[1] / 500)}}


def test_other_words_repeats_and_confidences_are_the_same_in_every_process(tmp_path: Path) -> None:
    rows = [f"c{number},The patient said that case {number} has been worse.,call" for number in range(12)]
    boards = []
    with MockServer(unsteady) as server:
        for seed, extra in (("1", ()), ("2", ("-n", "2"))):
            folder = tmp_path / f"seed{seed}"
            folder.mkdir()
            (folder / "calls.medhelm.yaml").write_text(CALLS)
            (folder / "calls.csv").write_text("\n".join(["call,note,due", *rows, ""]))
            (folder / "medhelm.toml").write_text('[models."vllm/mock"]\nseed = 5\n')
            command = [
                sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *vllm(server), "--medhelm-repeats=2",
                "--medhelm-perturb=robustness", "--medhelm-perturb-limit=9", "--medhelm-confidence=logprobs",
                "--medhelm-html=none", *extra,
            ]  # fmt: skip
            environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(CHECKOUT)}
            ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert ended.returncode == 0, ended.stdout
            boards.append(json.dumps(leaderboard(folder)["results"]))
    assert boards[0] == boards[1], "the same bytes, the order of keys included"
    metrics = json.loads(boards[0])["cells"][0]["metrics"]
    assert {"flip_rate", "mean_drop", "drop_option_shuffle", "brier", "auroc"} <= metrics.keys()
    assert 0 < metrics["flip_rate"]["value"] < 1


# What a worker has to say

SCALARS = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.floats(allow_nan=False) | st.text(max_size=20)
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
EXAMPLE = Task(
    name="b", title="B", subcategory="Planning Treatments", access="public", kind="jury",
    files=(DataFile("b.json"),), load=lambda path: iter(()), main_metric="accuracy", licence="CC0-1.0", source="us",
)  # fmt: skip


@given(
    scores=st.dictionaries(st.text(max_size=8), st.floats(0, 1) | st.floats(0, 1).map(np.float64), max_size=4),
    texts=st.tuples(*[st.text(max_size=20)] * 6),
    verdicts=st.lists(st.dictionaries(st.text(max_size=8), PLAIN, max_size=4), max_size=2),
    slices=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=2),
    floor=st.none() | st.floats(0, 1),
)
def test_a_record_survives_the_journey(
    scores: dict[str, float], texts: tuple[str, ...], verdicts: list[dict[str, Any]], slices: dict[str, str],
    floor: float | None,
) -> None:  # fmt: skip
    name, answer, cluster, error, read, label = texts
    benchmark = Benchmark(
        EXAMPLE, lambda entry: entry.question, Source("given", Path(), (), {}), (), 0, {}, "", (), "code"
    )
    instance = Instance(name or "i", "?", answer, cluster=cluster, slices=slices, must_pass=floor)
    built = RecordBuilder(benchmark, instance, Model("m", "v", "m"), "accuracy", "s", error=error, read=read)
    built.label, built.verdicts, built.harm = (label, read), verdicts, {"severity": label}
    for metric, value in scores.items():
        built.add(metric, value, (0.0, 1.0))
    sent = built.record()
    report = pytest.TestReport("b::t", ("b", 0, "t"), {}, "passed", None, "call")
    report.medhelm = sent  # type: ignore[attr-defined]
    wire = execnet.dumps(report._to_json())
    arrived = pytest.TestReport._from_json(execnet.loads(wire))
    assert arrived.medhelm == sent  # type: ignore[attr-defined]


# Sharing work, limits and mishaps


def test_x_stops_soon(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(400)
    source = (pytester.path / "test_letters.py").read_text()
    (pytester.path / "test_letters.py").write_text(source + "    assert instance.id != 'q004'\n")

    def reply(body: dict[str, Any]) -> str | Fault:
        number = int(body["messages"][-1]["content"].split()[1].rstrip("."))
        return gold(body) if number < 5 else Fault("slow", delay=0.2)

    with MockServer(reply) as server:
        run(*vllm(server), f"--medhelm-data={data}", "--medhelm-concurrency=4", "-x", "-n", "2")
        assert len(server.requests) < 200, "all of them would take 20 s"
        assert server.in_flight_peak <= 4, "the limit is the endpoint's, not each worker's"


def test_each_is_refused(letters: Callable[..., Path], run: Any, server: MockServer) -> None:
    result = run(*vllm(server), f"--medhelm-data={letters(2)}", "-n", "2", "--dist=each")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --dist=each would ask every request once per worker*"])


@pytest.mark.parametrize("dist", ["worksteal", "loadscope"])
def test_other_distributions_work_on_demand(
    dist: str, letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    assert run(*vllm(server), f"--medhelm-data={letters(8)}", "-n", "2", f"--dist={dist}").ret == 0
    assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 8}
    assert len(server.requests) == 8


def killer(folder: Path, times: int, instance: str) -> None:
    """Make the test of an instance end its worker so many times."""
    (folder / "conftest.py").write_text(f"""
import os, pathlib, signal
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    mark = pathlib.Path({str(folder)!r}) / "killed"
    seen = len(mark.read_text()) if mark.exists() else 0
    if "{instance}" in item.nodeid and seen < {times}:
        mark.write_text("x" * (seen + 1))
        os.kill(os.getpid(), signal.SIGKILL)
""")


def test_the_item_of_a_killed_worker_is_run_again(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    killer(pytester.path, 1, "q003")
    options = (*vllm(server), f"--medhelm-data={letters(30)}", "-n", "2")
    result = run(*options)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*replacing crashed worker*", "*= 30 scored in *"])
    assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 30}
    # Twice is no accident, and a run without it is none that may be judged.
    (pytester.path / "killed").unlink()
    killer(pytester.path, 2, "q003")
    gate = "--medhelm-gate=letters >= 0.5"
    result = run(*options, gate, "--medhelm-suite=again")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*worker 'gw*' crashed while running *q003*", "*medhelm: 1 test has no result*"])
    assert " pass " not in result.stdout.str()
    result = run(*options, gate, "--medhelm-suite=again")
    assert result.ret == 0
    assert cell(leaderboard(pytester.path, "again"), "letters")["statuses"] == {"ok": 30}


def test_workers_that_are_not_replaced_leave_an_incomplete_run(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    killer(pytester.path, 9, "-q")
    result = run(*vllm(server), f"--medhelm-data={letters(30)}", "-n", "2", "--max-worker-restart=0")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*medhelm: * tests have no result*"])


def test_after_kill_9_no_model_and_no_judge_is_asked_again(run: Any, pytester: pytest.Pytester) -> None:
    data = talks(pytester.path, 40)

    def reply(body: dict[str, Any]) -> str:
        if body["model"] == "doctor":
            return f"An answer to {question_of(body)}"
        again = len(body["messages"]) > 2
        return rating(4) if again or body["model"] == "first" else "hm"

    with MockServer(reply, models=("doctor", "first", "second"), latency=0.03) as server:
        options = [*named(server, "first", "second"), data, "--medhelm-concurrency=4", "-n", "2"]
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options], cwd=pytester.path,
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: len(server.requests) >= 80)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        server.settle()
        assert run(*options).ret == 0
        in_flight = 2 * 4  # what was under way, and what was answered but not yet on disk
        assert sum(count - 1 for count in server.asked.values()) <= in_flight
        assert len(server.asked) == 40 * 4 == len(answered_on_disk(pytester.path))
    assert cell(leaderboard(pytester.path), "talks")["metrics"]["jury"]["value"] == 4.0


def test_a_budget_is_that_of_all_workers(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    (pytester.path / "medhelm.toml").write_text(
        '[models."vllm/mock"]\nprice = { input = 2, output = 10 }\nmax_tokens = 1000\n'
    )
    usage = {"prompt_tokens": 1000, "completion_tokens": 200}  # 0.004 each
    with MockServer(lambda body: {"content": gold(body), "usage": usage}, latency=0.01) as server:
        options = (*vllm(server), f"--medhelm-data={letters(25)}", "--medhelm-max-cost=0.05", "-n", "2")
        result = run(*options, "--medhelm-concurrency=4")
        asked = len(server.requests)
        assert 0 < asked <= 12, "0.05 pays for twelve"
        assert result.ret == pytest.ExitCode.INTERRUPTED


def test_a_dead_server_is_one_sentence(letters: Callable[..., Path], run: Any) -> None:
    result = run(
        "--medhelm-model=vllm/a", "--medhelm-base-url=http://127.0.0.1:9", f"--medhelm-data={letters(5)}", "-n2"
    )
    assert result.ret == 4
    assert "Traceback" not in result.stderr.str()
    result.stderr.fnmatch_lines(["ERROR: *127.0.0.1:9*"])


def test_nothing_selected_is_no_attempt(letters: Callable[..., Path], run: Any, server: MockServer) -> None:
    assert run(*vllm(server), f"--medhelm-data={letters(5)}", "-n2", "-k=nothing").ret == 5
    assert server.requests == []
    assert [entry["facts"]["ended"] for entry in entries()[1:]] == ["nothing asked"]


def test_repeats_and_other_words_are_shared(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    options = ("--medhelm-model=baseline/random", f"--medhelm-data={letters(6)}", "--medhelm-html=none")
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text().replace('row["question"],', 'row["question"] + " What is it that they have?",'))
    options = (*options, "--medhelm-perturb=mild_mix,extra_spaces", "--medhelm-repeats=2", "--medhelm-perturb-limit=4")
    found = []
    for suite, more in (("one", ()), ("two", ("-n2",))):
        assert run(*options, f"--medhelm-suite={suite}", *more).ret == 0
        found.append(leaderboard(pytester.path, suite)["results"])
    assert found[0]["cells"][0]["steadiness"]["variants"] > 0
    assert found[0] == found[1]


HIDING = """#!/bin/sh
exec unshare -rm sh -c 'mount -t tmpfs tmpfs "$0" && exec "$@"' {results} {python} "$@"
"""


def hiding(folder: Path) -> tuple[str, ...]:
    """Options for two workers from which the folder of results is hidden, as another host's is; skips without them."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs unshare, and the right to make a mount namespace")
    script = folder / "hiding"
    script.write_text(HIDING.format(results=folder / "medhelm-results", python=sys.executable))
    script.chmod(0o755)
    (folder / "medhelm-results").mkdir(exist_ok=True)
    return ("--dist=load", *(["--tx", f"popen//python={script}"] * 2))


def test_workers_that_do_not_see_the_disk_come_to_the_same(
    pytester: pytest.Pytester, run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = hiding(pytester.path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    data = talks(pytester.path, 12)

    def says(body: dict[str, Any]) -> str:
        return f"An answer to {question_of(body)}" if body["model"] == "doctor" else rating(4, 4, 5)

    with MockServer(says, models=("doctor", "mild", "stern"), latency=0.01) as server:
        asked = [*named(server, "mild", "stern"), data, "--medhelm-html=none"]
        assert run(*asked, *options).ret == 0
        sent = len(server.requests)
        assert sent == 36, "an answer and two verdicts each"
        assert run(*asked, *options).ret == 0
        assert len(server.requests) == sent, "nothing is asked again"
        assert run(*asked, "--medhelm-suite=plain").ret == 0
    hidden, plain = (records(pytester.path, suite) for suite in ("default", "plain"))
    assert leaderboard(pytester.path)["results"] == leaderboard(pytester.path, "plain")["results"]
    with closing(open_responses(pytester.path / "medhelm-results/default")) as store:
        for record in some(hidden):
            told = [
                store.exchange(key) for key in (record["request"], *(part["request"] for part in record["verdicts"]))
            ]
            assert all(exchange.payload and exchange.content for exchange in told)
            assert store.text(record["reference"])
    assert [record["scores"] for record in hidden] == [record["scores"] for record in plain]
    assert not list(tmp_path.glob("medhelm-worker-*")), "no text stays there"


def test_where_the_controller_is_killed_such_workers_leave_no_text(
    pytester: pytest.Pytester, letters: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = hiding(pytester.path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    data = f"--medhelm-data={letters(200)}"
    with MockServer(latency=0.1) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *vllm(server), data, *options,
             "--medhelm-concurrency=4"],
            cwd=pytester.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: len(server.requests) >= 40)
        assert len(list(tmp_path.glob("medhelm-worker-*"))) == 2
        process.kill()
        process.wait()
        until(lambda: not list(tmp_path.glob("medhelm-worker-*")))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"max_cost": 5}, "cannot keep --medhelm-max-cost together: use -n N"),
        ({"models": ["local/smollm2-135m"]}, "local/smollm2-135m runs on this machine and is not reached from there"),
        (None, "stored answers are scored where they are stored"),
    ],
)
def test_what_other_hosts_cannot_do_is_a_sentence(tmp_path: Path, given: dict[str, Any] | None, sentence: str) -> None:
    values = {"models": ["vllm/mock"], **(given or {})}
    settings = make_settings({key: Given(value, key) for key, value in values.items()}, tmp_path, config=ConfigFile())
    roster = Roster(tuple(resolve_model(name, settings, frozenset()) for name in settings.models), ())
    config: Any = SimpleNamespace(getoption=lambda name, default=None: {"tx": ["popen", "ssh=ward"]}.get(name, "load"))
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        check_distribution(config, settings, None if given is None else roster)


def test_episodes_are_the_same_and_no_step_is_asked_twice(
    sessions: Sessions, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ended = []
    with MockServer(oracle_reply) as server:
        for extra in ((), ("-n", "2")):
            folder = tmp_path_factory.mktemp("episodes")
            server.requests.clear()
            result = sessions.run_in(
                folder, str(CLINICAL_WORKFLOW), f"--rootdir={folder}", *vllm(server), "--medhelm-suite=default", *extra
            )
            assert result.ret == 0
            asked = Counter(json.dumps(body, sort_keys=True) for body in server.requests if not is_probe(body))
            ended.append((json.dumps(leaderboard(folder)["results"]), asked))
    assert ended[0] == ended[1]
    assert max(ended[0][1].values()) == 1
