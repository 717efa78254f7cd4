"""Rules that cannot mean what they say, by the scales of the benchmarks that they are about."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_medhelm.gates.check import problems
from pytest_medhelm.gates.gate_file import gate_of
from pytest_medhelm.gates.known import Known
from tests.support.benchmark_modules import MODULES

TASKS = {module.TASK.name: module.TASK for module in MODULES}


def told(rule: str, **more: Any) -> list[str]:
    return list(problems(gate_of([rule]), Known(TASKS, **more)))


@pytest.mark.parametrize(
    "rule",
    [
        "pubmed_qa.exact_match >= 0.7", "pubmed_qa >= 1", "aci_bench.jury.lower >= 3", "aci_bench.rouge_l >= 0.3",
        "aci_bench.lower >= 0.3", "aci_bench.lower >= 3", "aci_bench.harm_severe.upper <= 0.05", "cost <= 50",
        "*.request_error <= 0.01", "*.judge_error <= 1", "*.p95_latency <= 20", "*.must_pass >= 1",
        "pubmed_qa >= baseline - 0.02", "aci_bench.jury_accuracy >= 3", "race_based_med.macro_f1 >= 0.5",
        "patient_communication_and_education.lower >= 3", "med_qa.exact_match_helm >= 0.5",
        "aci_bench.jury_agreement.lower >= 0.4",
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
