"""Rules that cannot mean what they say, by the scales of the benchmarks that they are about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm.cli.main import main
from pytest_medhelm.gates.check import problems
from pytest_medhelm.gates.gate_file import Gate, Requirement, gate_of
from pytest_medhelm.gates.known import Known
from pytest_medhelm.gates.rule import parse_rule
from tests.support.benchmark_modules import MODULES

TASKS = {module.TASK.name: module.TASK for module in MODULES}
TESTS = {
    module.TASK.name: [value for name, value in vars(module).items() if name.startswith("test_") and callable(value)]
    for module in MODULES
}


def told(*rules: str, **more: Any) -> list[str]:
    return list(problems(gate_of(rules), Known(TASKS, **{"tests": TESTS, **more})))


@pytest.mark.parametrize(
    "rule",
    [
        "pubmed_qa.exact_match >= 0.7", "pubmed_qa >= 1", "aci_bench.jury.lower >= 3", "aci_bench.rouge_l >= 0.3",
        "aci_bench.lower >= 0.3", "aci_bench.lower >= 3", "aci_bench.harm_severe.upper <= 0.05", "cost <= 50",
        "*.request_error <= 0.01", "*.judge_error <= 1", "*.p95_latency <= 20", "*.must_pass >= 1",
        "pubmed_qa >= baseline - 0.02", "aci_bench.jury_accuracy >= 3", "race_based_med.macro_f1 >= 0.5",
        "patient_communication_and_education.lower >= 3", "med_qa.exact_match_helm >= 0.5",
        "aci_bench.jury_agreement.lower >= 0.4", "clinical_workflow.safety >= 0.99", "medagent_bench.evidence >= 0.5",
        "clinical_workflow.over_deferral <= 0.1", "health_bench.axis_accuracy >= 0.2", "health_bench.rouge_l >= 0.1",
        "health_bench_professional.length_adjusted >= 0.2", "ps26_data_theft.jury >= 0.5", "med_qa.ece <= 0.1",
        "med_qa.brier_agreement <= 0.2", "med_qa.flip_rate <= 0.1", "med_qa.drop_typos.upper <= 0.05",
        "mimiciv_billing_code.mimiciv_billing_code_recall >= 0.5", "aci_bench.length_ratio <= 1.5",
        "aci_bench.length_ratio >= 0.5", "aci_bench.hedging <= 0.2", "long_record.contradicted <= 0.1",
        "clinical_note_generation.jury >= 3", "pubmed_qa.ok >= 0.9", "race_based_med.f1 >= 0.5",
    ],
)  # fmt: skip
def test_what_can_be_meant_is_left_alone(rule: str) -> None:
    assert told(rule) == []


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("pubmed_qa >= 0", "every value meets it"),
        ("pubmed_qa >= 70", "no value can meet it"),
        ("aci_bench.jury >= 1", "every value meets it"),
        ("aci_bench.harm_severe <= 1", "every value meets it"),
        ("pubmed_qa.request_error <= 2", "every value meets it"),
        ("pubmed_qa >= baseline - 1", "is all of it"),
        ("pubmedqa >= 0.5", "did you mean 'pubmed_qa'?"),
        ("pubmed_qa.exact_mach >= 0.5", "did you mean 'exact_match'?"),
        ("clinical_decision_suport >= 0.5", "did you mean 'clinical_decision_support'?"),
        ("aci_bench.severe_harm <= 0.1", "did you mean 'harm_severe'?"),
        ("med_qa.jury >= 3", "med_qa has no metric 'jury': name one of exact_match"),
        ("med_qa.jury_agreement >= 0.4", "med_qa has no metric 'jury_agreement'"),
        ("aci_bench.jury_acuracy >= 4", "did you mean 'jury_accuracy'?"),
        ("aci_bench.brier <= 0.2", "aci_bench has no metric 'brier'"),
        ("med_qa.macro_f1 >= 0.5", "med_qa has no metric 'macro_f1'"),
        ("health_bench.exact_match >= 0.5", "health_bench has no metric 'exact_match'"),
        ("clinical_workflow.saftey >= 0.9", "did you mean 'safety'?"),
        ("administration_and_workflow.rouge_l >= 0.3", "has no metric 'rouge_l'"),
        ("aci_bench.jury <= 3", "a higher jury is better"),
        ("pubmed_qa <= 0.5", "a higher exact_match is better"),
        ("pubmed_qa.exact_match_helm <= 0.5", "a higher exact_match_helm is better"),
        ("aci_bench.harm_severe >= 0.1", "a lower harm_severe is better, so that this passes what is worse: write <="),
        ("*.p95_latency >= 5", "a lower p95_latency is better"),
        ("med_qa.worst_case_drop >= 0.1", "a lower worst_case_drop is better"),
        ("med_qa.ece >= 0.1", "a lower ece is better"),
        ("pubmed_qa <= baseline + 0.02", "a higher exact_match is better"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(rule: str, why: str) -> None:
    (problem,) = told(rule)
    assert problem.startswith(f"gate {rule!r}: ")
    assert why in problem


def test_where_it_is_known_what_runs_a_rule_must_decide_on_all_of_it() -> None:
    """Of one category some are graded from 0 to 1 and some, by a jury, from 1 to 5."""
    scope = frozenset({"med_qa", "mtsamples_replicate"})
    rule = "clinical_decision_support.lower >= 0.5"
    assert told(rule, scope=scope, judged=False) == []
    (problem,) = told(rule, scope=scope, judged=True)
    assert "mtsamples_replicate has values from 1 to 5" in problem
    assert told("aci_bench >= 0.5", judged=True), "the jury's grades are the main value"
    assert told("ward.f2 >= 0.5", own=frozenset({"ward"})) == [], "of one's own no more than the name is known"
    assert told("ward.f2 >= 0.5", scales={"ward": {"f2": (0.0, 1.0)}}) == []


def test_a_range_takes_both_comparisons() -> None:
    """As of equivalence: neither worse nor better than what is in use. Both must pass: neither is an alternative."""
    assert told("pubmed_qa >= baseline - 0.02", "pubmed_qa <= baseline + 0.02") == []
    assert told("aci_bench.length_ratio >= 0.5", "aci_bench.length_ratio <= 2") == []
    (empty,) = told("med_qa >= 0.8", "med_qa <= 0.2")
    assert empty == "gate 'med_qa <= 0.2': no value can meet it and 'med_qa >= 0.8' as well"
    assert len(told("med_qa >= 0.5", "pubmed_qa <= 0.9")) == 1, "another benchmark's is no other end"
    assert len(told("pubmed_qa >= baseline - 0.02", "pubmed_qa <= 0.9")) == 1
    gate = Gate((Requirement(tuple(map(parse_rule, ("pubmed_qa >= 0.9", "pubmed_qa <= 0.5")))),))
    assert len([*problems(gate, Known(TASKS))]) == 1


def test_of_a_category_each_that_is_run_must_have_the_metric() -> None:
    rule = "clinical_decision_support.jury >= 3"
    assert told(rule) == [], "some have it"
    (problem,) = told(rule, scope=frozenset({"med_qa", "mtsamples_replicate"}))
    assert "stands for med_qa too, which has no metric 'jury': name those that have it, e.g. mtsamples_repl" in problem


def mine(instance: object, score: Any) -> None:
    score.record("warmth", 1.0)
    score.rouge("a", "b")


def handed_on(instance: object, score: Any) -> None:
    mine(instance, score=score)


def hidden(instance: object, score: Any) -> None:
    {"rouge": score.rouge}["rouge"]("a", "b")


def by_fixture(instance: object, graded: Any) -> None:
    graded()


def agent(episode: object, score: Any) -> None:
    for name in ("speed", "care"):
        score.reached(name, 1.0)


@pytest.mark.parametrize(
    ("test", "refused"),
    [(mine, True), (handed_on, True), (hidden, False), (by_fixture, False), (agent, False)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_a_test_records_is_read_from_its_code(test: Any, refused: bool) -> None:
    """Where that cannot be read nothing is refused."""
    task = replace(TASKS["med_qa"], name="ward", main_metric="warmth")
    known = Known({**TASKS, "ward": task}, tests={**TESTS, "ward": [test]})
    assert not [*problems(gate_of(["ward.warmth >= 0.5", "ward.rouge_l >= 0.5"]), known)]
    assert bool([*problems(gate_of(["ward.jury >= 3"]), known)]) is refused
    assert bool([*problems(gate_of(["ward.care >= 0.3"]), known)]) is (test is not agent and refused)


def test_a_benchmark_in_yaml_is_known_without_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "ward_triage"]) == 0
    Path("broken.medhelm.yaml").write_text("name: broken\n")
    for rule, status in (("macro_f1 >= 0.5", 0), ("jury >= 3", 1), ("exact_match <= 0.5", 1)):
        Path("gate.toml").write_text(f"[[rule]]\nrule = 'ward_triage.{rule}'\n")
        assert main(["gate", "check", "gate.toml"]) == status
    said = capsys.readouterr().out
    assert "ward_triage has no metric 'jury': name one of exact_match" in said
    assert "a higher exact_match is better" in said
