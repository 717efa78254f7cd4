"""Baselines: fixed, and as weak as they claim to be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm.models.baselines import lexical_answer, random_answer
from pytest_medhelm.tasks.task import Instance
from tests.support.paths import BENCHMARKS
from tests.support.suites import cell, leaderboard

CASE = Instance(
    "1", "Which drug lowers uric acid?", "B", context="Allopurinol was given against gout.",
    choices=("insulin", "allopurinol", "aspirin"),
)  # fmt: skip


def test_lexical_takes_the_option_that_the_text_names() -> None:
    assert lexical_answer([], CASE, None) == "B"


def test_lexical_takes_lead_sentences_where_answers_are_free() -> None:
    case = Instance("1", "", "", context="One. Two! Three? Four.")
    assert lexical_answer([], case, None) == "One. Two! Three?"


def test_random_is_the_same_each_time_and_spread_over_the_options() -> None:
    cases = [Instance(str(number), f"Question {number}?", "A", choices=("a", "b", "c", "d")) for number in range(400)]
    drawn = [random_answer([], case, None) for case in cases]
    assert drawn == [random_answer([], case, None) for case in cases]
    counts = [drawn.count(letter) for letter in "ABCD"]
    # 100 expected each; the standard deviation is 8.7.
    assert all(60 < count < 140 for count in counts)


def test_majority_reaches_the_share_of_the_most_frequent_answer(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    run("--medhelm-model=baseline/majority", f"--medhelm-data={letters(9)}")
    assert cell(leaderboard(pytester.path), "letters")["metrics"]["exact_match"]["value"] == pytest.approx(
        3 / 9, abs=1e-6
    )


def test_majority_on_real_pubmedqa_is_its_share_of_yes(run: Any, pytester: pytest.Pytester, real_data: Path) -> None:
    run(
        BENCHMARKS / "medical_research_assistance/test_pubmed_qa.py",
        "--medhelm-model=baseline/majority",
        f"--medhelm-data={real_data}",
    )
    found = cell(leaderboard(pytester.path), "pubmed_qa")
    assert found["n"] == 1000
    assert found["metrics"]["exact_match"]["value"] == 0.552
    assert not found["sample"]


def test_majority_on_real_medec_is_its_share_of_correct_texts(
    run: Any, pytester: pytest.Pytester, real_data: Path
) -> None:
    module = BENCHMARKS / "clinical_decision_support/test_medec.py"
    run(module, "--medhelm-model=baseline/majority", f"--medhelm-data={real_data}")
    summary = cell(leaderboard(pytester.path), "medec")["metrics"]
    assert summary["medec_error_flag_accuracy"]["value"] == pytest.approx(286 / 597, abs=1e-6)
    assert summary["recall"]["value"] == 0.0, "it finds no error"
