"""From a fresh folder to a decision: what is asked, JUnit, the exit status, the ledger; whole or in four parts."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from tests.support.letters import gold
from tests.support.paths import BENCHMARKS
from tests.support.servers import answered_on_disk, until, vllm
from tests.support.suites import cell, leaderboard

LEDGER = Path("medhelm-results/ledger.jsonl")

WARD = """\
name: ward_round
subcategory: Care Coordination and Planning
data: ward_round.csv
columns: {id: stay, slices: [ward]}
prompt: |
  Number {stay}, {note}
  What is due?
answer:
  kind: label
  column: due
  choices: [visit, call, nothing]
"""
GATE = """
title = "Model for the ward round"
[evaluation]
shots = 0
[benchmarks.ward_round]
n = 60
[[rule]]
rule = "ward_round.exact_match.lower >= 0.70"
why = "below that the readers of the ward saw no use"
[[rule]]
rule = "ward_round.exact_match >= 0.75"
[[rule]]
rule = "*.request_error <= 0.01"
"""


@pytest.fixture
def quick(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run pytest in this process, where a process of its own shows nothing more."""
    return lambda *options: pytester.runpytest_inprocess("-p", "no:cacheprovider", *map(str, options))


def ward(folder: Path, count: int = 60) -> None:
    """The benchmark of a user: a YAML file, its table of invented notes, and a gate file."""
    choices = ("visit", "call", "nothing")
    rows = [f"{n},{'east' if n % 4 else 'west'},Gold {'ABC'[n % 3]}: note {n},{choices[n % 3]}" for n in range(count)]
    (folder / "ward_round.csv").write_text("\n".join(["stay,ward,note,due", *rows, ""]))
    (folder / "ward_round.medhelm.yaml").write_text(WARD)
    (folder / "gate.toml").write_text(GATE)


def skilled(body: dict[str, Any]) -> str:
    """The model `better` is right nine times of ten, `worse` five times."""
    number = int(re.search(r"Number (\d+),", str(body))[1])  # type: ignore[index]
    right = number % 10 != 0 if body["model"] == "better" else number % 2 == 0
    return gold(body) if right else "ABC"["BCA".index(gold(body))]


def at(server: MockServer, model: str) -> tuple[str, str]:
    """The options that name one model of a server."""
    return f"--medhelm-model=vllm/{model}", f"--medhelm-base-url={server.url}"


def rules_in_junit(path: Path) -> dict[str, bool]:
    """Whether each rule passed, as a CI system reads it."""
    cases = ElementTree.fromstring(path.read_text()).iter("testcase")
    return {
        str(case.get("name")): case.find("failure") is None
        for case in cases
        if "medhelm gate" in f"{case.get('classname')} {case.get('name')}"
    }


def passed(board: dict[str, Any]) -> list[bool]:
    return [gate["verdict"] == "pass" for gate in board["results"]["gates"]]


def finished(path: Path = LEDGER) -> list[dict[str, Any]]:
    """The ledger's entries of evaluations that came to an end; the ledger must be whole."""
    assert main(["ledger", "verify", str(path)]) == 0
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [entry["facts"] for entry in entries if entry["kind"] == "finished"]


def test_a_user_decides_between_two_models_on_an_own_benchmark(run: Any, pytester: pytest.Pytester) -> None:
    ward(pytester.path)
    assert main(["gate", "check", "gate.toml"]) == 0
    assert main(["gate", "lock", "gate.toml"]) == 0
    assert main(["gate", "lock", "gate.toml"]) == 0, "it is locked already"
    assert [json.loads(line)["kind"] for line in LEDGER.read_text().splitlines()] == ["lock"]
    with MockServer(skilled, models=("better", "worse")) as server:
        for model, status, right in (("better", 0, 0.9), ("worse", 1, 0.5)):
            options = (*at(server, model), f"--medhelm-suite={model}", f"--junitxml={model}.xml")
            result = run("--medhelm-gate=gate.toml", *options)
            board = leaderboard(pytester.path, model)
            assert cell(board, "ward_round")["metrics"]["exact_match"]["value"] == pytest.approx(right)
            assert result.ret == status
            assert all(passed(board)) is (status == 0)
            assert list(rules_in_junit(pytester.path / f"{model}.xml").values()) == passed(board)
            assert board["measurements"]["attempt"]["post_hoc"] is False
        assert passed(leaderboard(pytester.path, "worse")) == [False, False, True]
        assert [entry["ended"] for entry in finished()] == ["complete"] * 2
    assert run("--medhelm-gate=gate.toml", "--medhelm-model=baseline/majority").ret == 1


def test_in_four_parts_it_is_the_same_decision(run: Any, pytester: pytest.Pytester) -> None:
    ward(pytester.path)
    with MockServer(skilled, models=("better", "worse")) as server:
        models = (*at(server, "better"), "--medhelm-model=vllm/worse")
        whole = run(*models, "--medhelm-gate=gate.toml")
        for part in range(1, 5):
            options = (*models, f"--medhelm-shard={part}/4", f"--medhelm-suite=part-{part}")
            assert run(*options).ret == 0
        assert len(server.requests) == 2 * 120
    parts = [f"medhelm-results/part-{part}" for part in (2, 4, 1, 3)]
    status = main(["merge", *parts, "--to=medhelm-results/whole", "--gate=gate.toml"])
    one, four = (leaderboard(pytester.path, suite) for suite in ("default", "whole"))
    assert json.dumps(four["results"], sort_keys=True) == json.dumps(one["results"], sort_keys=True)
    assert status == whole.ret == 1, "one of the two models does not pass"
    assert passed(four) == passed(one)
    assert sorted(passed(four)) == [False, False, True, True, True, True]
    assert main(["gate", "apply", "medhelm-results/whole", "gate.toml", "--model=vllm/better"]) == 0
    assert finished()[-1]["verdicts"] == {"pass": 3}


def test_what_is_not_the_evaluation_set_is_not_evaluated(quick: Any, pytester: pytest.Pytester) -> None:
    ward(pytester.path)
    with MockServer(skilled, models=("better",)) as server:
        options = (*at(server, "better"), "--medhelm-gate=gate.toml")
        assert quick(*options, "--medhelm-limit=10", "--junitxml=ci.xml").ret == 1
        gates = leaderboard(pytester.path)["results"]["gates"]
        assert {gate["verdict"] for gate in gates} == {"not evaluated"}
        assert set(rules_in_junit(pytester.path / "ci.xml").values()) == {False}
        assert quick(*options, "--medhelm-shard=1/2", "--medhelm-suite=half").ret == 1
        assert quick(*options, "-k", "ward_round", "--medhelm-suite=whole").ret == 0


def test_real_data_decides(run: Any, pytester: pytest.Pytester, real_data: Path) -> None:
    """PubMedQA: yes is right in 55 % of all, maybe in 11 % (Jin et al. 2019)."""
    module = BENCHMARKS / "medical_research_assistance/test_pubmed_qa.py"
    data = f"--medhelm-data={real_data}"
    Path("gate.toml").write_text('[benchmarks.pubmed_qa]\nn = 200\n[[rule]]\nrule = "pubmed_qa.exact_match >= 0.40"\n')
    with MockServer(lambda body: "A" if body["model"] == "better" else "C", models=("better", "worse")) as server:
        common = ("--medhelm-gate=gate.toml",)
        real = (module, data, "--medhelm-limit=200", *common)
        assert run(*real, *at(server, "better"), "--junitxml=better.xml").ret == 0
        assert list(rules_in_junit(pytester.path / "better.xml").values()) == [True]
        assert run(*real, *at(server, "worse"), "--medhelm-suite=worse", "--junitxml=worse.xml").ret == 1
        assert list(rules_in_junit(pytester.path / "worse.xml").values()) == [False]


def test_sample_data_passes_no_gate(quick: Any, pytester: pytest.Pytester) -> None:
    module = BENCHMARKS / "medical_research_assistance/test_pubmed_qa.py"
    with MockServer(lambda body: "A", models=("better",)) as server:
        sample = quick(module, "--medhelm-gate=pubmed_qa >= 0.01", *at(server, "better"), "--medhelm-suite=sample")
    assert sample.ret == 1
    (gate,) = leaderboard(pytester.path, "sample")["results"]["gates"]
    assert gate["verdict"] == "not evaluated"
    assert "sample" in gate["sentence"]
    assert main(["gate", "apply", "medhelm-results/sample", "pubmed_qa >= 0.01"]) == 1
    assert main(["gate", "new", "own.toml", "--suite=medhelm-results/sample"]) == 1, "and no gate file comes of it"


# The exit status, as docs/ci.md lists it


def test_exit_status_of_a_session(letters: Callable[..., Path], quick: Any) -> None:
    data = f"--medhelm-data={letters(10)}"
    broken = {"Case 3."}

    def reply(body: dict[str, Any]) -> str | Fault:
        return Fault("status", 400) if any(case in str(body) for case in broken) else gold(body)

    with MockServer(reply) as server:
        options = (*vllm(server), data)
        assert quick(*options).ret == 1, "an instance without an answer"
        broken.clear()
        assert quick(*options).ret == 0, "no rule, everything answered"
        assert quick(*options, "--medhelm-gate=letters >= 0.6").ret == 0, "the rule passes"
        assert quick(*options, "--medhelm-gate=letters.lower >= 0.9").ret == 1, "inconclusive"
        assert quick(*options, "--medhelm-gate=med_qa >= 0.1").ret == 1, "not evaluated"
        assert quick(*options, "--medhelm-gate=other >= 0.1").ret == 4, "a name that nothing has"
        assert quick(*options, "--medhelm-gate=letters >").ret == 4, "no rule"
        assert quick(*options, "--medhelm-limit=few").ret == 4, "a wrong option"
        assert quick(*options, "--no-such-option").ret == 4
        assert quick(*options, "nowhere/").ret == 4, "a folder that is not there"
        assert quick(*options, "-k", "nothing").ret == 5
        nothing = (*options, "-k", "nothing", "--medhelm-gate=letters >= 0.6")
        assert quick(*nothing).ret == 5, "stored results pass, but nothing was run"
        assert quick(*nothing, "--medhelm-suite=empty").ret == 1, "not evaluated"
        Path("data/letters/letters.json").unlink()
        assert quick(*options).ret == 5, "skipped: the data is not there, and nothing was evaluated"
        assert quick(*options, "--medhelm-gate=letters >= 0.6", "--medhelm-suite=new").ret == 1
        Path("test_broken.py").write_text("import no_such_module")
        assert quick(*options).ret == 2, "a module that cannot be imported"
        Path("conftest.py").write_text("def pytest_collection_finish(session):\n    raise RuntimeError\n")
        assert quick("test_letters.py", *options).ret == 3, "an error inside a plugin"


def test_wrong_answers_change_nothing_but_with_strict(letters: Callable[..., Path], quick: Any) -> None:
    with MockServer(lambda body: "A") as server:
        options = (*vllm(server), f"--medhelm-data={letters(4)}")
        assert quick(*options).ret == 0
        assert quick(*options, "--medhelm-strict").ret == 1


def test_interrupted_is_2(letters: Callable[..., Path], pytester: pytest.Pytester) -> None:
    data = letters(6)
    with MockServer(lambda body: Fault("hang") if "Case 5." in str(body) else gold(body)) as server:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *vllm(server), f"--medhelm-data={data}"]
        process = subprocess.Popen(
            [*command, "--medhelm-gate=letters >= 0.01"], cwd=pytester.path, stdout=subprocess.PIPE, text=True
        )
        until(lambda: len(server.requests) == 6 and len(answered_on_disk(pytester.path)) == 5)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 2


def test_exit_status_of_the_command(
    letters: Callable[..., Path], quick: Any, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(*vllm(server), f"--medhelm-data={letters(10)}")
    suite = "medhelm-results/default"
    assert main(["report", suite]) == 0
    assert main(["gate", "apply", suite, "letters >= 0.6"]) == 0
    assert main(["gate", "apply", suite, "letters.lower >= 0.9"]) == 1
    assert main(["gate", "apply", "nowhere", "letters >= 0.6"]) == 1
    assert main(["merge", suite, "--to=medhelm-results/new", "--gate=letters.lower >= 0.9"]) == 1
    assert main(["no-such-command"]) == 2
    for wrong in (["gate"], ["merge", suite]):
        assert main(wrong) == 2

    def interrupted(name: str) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_medhelm.cli.main.import_module", interrupted)
    assert main(["report", suite]) == 130
