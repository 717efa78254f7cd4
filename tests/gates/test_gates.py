"""Gates: rules, verdicts, exit status, and how they are reported. Plain and with -n 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import Fault, MockServer
from pytest_medhelm.gates.gate_file import gate_of
from pytest_medhelm.gates.judge import Evidence, judge
from pytest_medhelm.results.leaderboard.aggregate import Columns, make_cell
from tests.support.letters import gold
from tests.support.paths import BENCHMARKS
from tests.support.servers import vllm
from tests.support.suites import leaderboard


def cell_of(right: int, wrong: int, missing: int = 0, size: int | None = None, origin: str = "given") -> Any:
    """A cell of right-or-wrong answers, as the aggregation makes it."""
    statuses = ["ok"] * (right + wrong) + ["request_error"] * missing
    names = [f"i{number}" for number in range(len(statuses))]
    columns = Columns(
        eval_set_hash="e", size=size or len(names), main_metric="exact_match", ids=names, statuses=statuses,
        clusters=names, sub_tasks=[""] * len(names),
        scores={"exact_match": [1.0] * right + [0.0] * wrong + [None] * missing} if right + wrong else {},
        scales={"exact_match": [0.0, 1.0]},
    )  # fmt: skip
    return make_cell("b", "m", columns, {"sub_tasks": [], "data": {"origin": origin}})


@pytest.mark.parametrize(
    ("rule", "cell", "verdict"),
    [
        ("b.exact_match >= 0.70", cell_of(70, 30), "pass"),
        ("b >= 0.70", cell_of(70, 30), "pass"),
        ("b.exact_match >= 0.71", cell_of(70, 30), "fail"),
        ("b.exact_match <= 0.70", cell_of(70, 30), "pass"),
        # 70 of 100: Wilson 95 % is 0.604 to 0.781.
        ("b.exact_match.lower >= 0.60", cell_of(70, 30), "pass"),
        ("b.exact_match.lower >= 0.65", cell_of(70, 30), "inconclusive"),
        ("b.lower >= 0.79", cell_of(70, 30), "fail"),
        # 90 right of 95 answered, 5 without an answer: 0.947, bounds 0.90 to 0.95.
        ("b.exact_match >= 0.90", cell_of(90, 5, 5), "pass"),
        ("b.exact_match >= 0.92", cell_of(90, 5, 5), "inconclusive"),
        ("b.exact_match >= 0.96", cell_of(90, 5, 5), "fail"),
        ("b.request_error <= 0.05", cell_of(90, 5, 5), "pass"),
        ("*.request_error <= 0.01", cell_of(90, 5, 5), "fail"),
        ("b.exact_match >= 0.70", cell_of(70, 30, origin="sample"), "not evaluated"),
        ("b.exact_match >= 0.70", cell_of(70, 30, size=200), "not evaluated"),
        ("b.rouge_l >= 0.70", cell_of(70, 30), "not evaluated"),
        ("c.exact_match >= 0.70", cell_of(70, 30), "not evaluated"),
        ("b.exact_match >= 0.70", cell_of(0, 0, 10), "not evaluated"),
    ],
)
def test_verdicts(rule: str, cell: Any, verdict: str) -> None:
    (result,) = judge(gate_of([rule]), Evidence([cell], selected={"b"}), ["m"])
    assert result.verdict == verdict
    assert result.sentence().startswith(f"{verdict}: {rule}: m on ")


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 20), st.floats(0, 1))
def test_one_more_right_answer_never_turns_a_pass_around(right: int, wrong: int, missing: int, bar: float) -> None:
    rule = gate_of([f"b >= {bar:.3f}"])
    (before,) = judge(rule, Evidence([cell_of(right, wrong + 1, missing)]), ["m"])
    (after,) = judge(rule, Evidence([cell_of(right + 1, wrong, missing)]), ["m"])
    assert not (before.verdict == "pass" and after.verdict != "pass")


def test_a_gate_decides_the_exit_status_and_is_reported(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(100)
    with MockServer(lambda body: "A" if "Case 1." in str(body) else gold(body)) as server:
        options = (*vllm(server), f"--medhelm-data={data}")
        good = run(*options, "--medhelm-gate=letters.exact_match >= 0.95", "--junitxml=good.xml")
        assert good.ret == 0
        good.stdout.fnmatch_lines(
            [
                "gate pass: letters.exact_match >= 0.95: vllm/mock on letters has 0.990 (one-sided 97.5 % bounds *",
                "*1 passed*",
            ]
        )
        bad = run(*options, "--medhelm-gate=letters.exact_match >= 0.995", "--junitxml=bad.xml")
    assert bad.ret == 1
    assert "[101%]" not in bad.stdout.str()
    (gate,) = leaderboard(pytester.path)["results"]["gates"]
    assert gate["verdict"] == "fail"
    bad.stdout.fnmatch_lines([f"gate {gate['sentence']}", "*1 failed, 100 scored*"])
    cases = ElementTree.parse(pytester.path / "bad.xml").getroot().iter("testcase")
    failed = [case for case in cases if case.find("failure") is not None]
    assert [case.get("classname") for case in failed] == ["medhelm gate"]
    failure = failed[0].find("failure")
    assert failure is not None
    assert failure.text == gate["sentence"]
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert gate["sentence"].replace(">", "&gt;") in page


def test_a_failed_gate_is_no_last_failed_test(letters: Callable[..., Path], pytester: pytest.Pytester) -> None:
    with MockServer(lambda body: "A") as server:
        pytester.runpytest_subprocess(*vllm(server), f"--medhelm-data={letters(4)}", "--medhelm-gate=letters >= 0.9")
    assert not (pytester.path / ".pytest_cache/v/cache/lastfailed").exists()


def test_with_a_rule_on_request_errors_the_rule_decides(letters: Callable[..., Path], run: Any) -> None:
    def reply(body: dict[str, Any]) -> str | Fault:
        return Fault("status", 400) if "Case 7." in body["messages"][-1]["content"] else gold(body)

    data = letters(50)
    with MockServer(reply) as server:
        options = (*vllm(server), f"--medhelm-data={data}")
        tolerant = run(*options, "--medhelm-gate=*.request_error <= 0.05")
        assert tolerant.ret == 0
        tolerant.stdout.fnmatch_lines(["*1 passed, 49 scored, 1 unmeasured*"])
        assert run(*options, "--medhelm-gate=*.request_error <= 0.01").ret == 1
        assert run(*options).ret == 1, "without a rule an unanswered request is an error"


def test_an_unmeasured_never_event_fails_whatever_the_rule(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(10)
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text().replace('"four"))', '"four"), must_pass=1.0)'))
    with MockServer(lambda body: Fault("status", 400) if "Case 7." in str(body) else gold(body)) as server:
        result = run(*vllm(server), f"--medhelm-data={data}", "--medhelm-gate=*.request_error <= 0.5")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*1 error*"])


def test_sample_data_passes_no_gate(run: Any) -> None:
    result = run(
        BENCHMARKS / "medical_research_assistance/test_pubmed_qa.py", "--medhelm-model=baseline/majority",
        "--medhelm-gate=pubmed_qa.exact_match >= 0.01",
    )  # fmt: skip
    assert result.ret == 1
    result.stdout.fnmatch_lines(["gate not evaluated: pubmed_qa.exact_match >= 0.01: * it ran on sample data; *"])


def test_a_gate_of_the_config_file_and_a_resumed_run(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    (pytester.path / "medhelm.toml").write_text('[run]\ngates = ["letters >= 0.9"]\n')
    options = (*vllm(server), f"--medhelm-data={letters(20)}")
    partial = run(*options, "-k", "q00")
    assert partial.ret == 1
    partial.stdout.fnmatch_lines(["gate not evaluated: letters >= 0.9: *only 10 of 20 instances have records"])
    assert run(*options, "-k", "q01").ret == 0, "the suite's records complete the evaluation set"


def test_candidates_are_gated_and_baselines_are_not(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    result = run(
        *vllm(server),
        "--medhelm-model=baseline/random",
        f"--medhelm-data={letters(20)}",
        "--medhelm-gate=letters >= 0.9",
    )
    assert result.ret == 0
    assert [gate["model"] for gate in leaderboard(pytester.path)["results"]["gates"]] == ["vllm/mock"]
    assert json.dumps(leaderboard(pytester.path)["results"]["gates"])


def test_a_rule_on_another_benchmark_excuses_nothing(letters: Callable[..., Path], run: Any) -> None:
    with MockServer(lambda body: Fault("status", 400) if "Case 7." in str(body) else gold(body)) as server:
        result = run(*vllm(server), f"--medhelm-data={letters(10)}", "--medhelm-gate=med_qa.request_error <= 0.5")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*1 error*"])
