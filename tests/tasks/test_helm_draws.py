"""--medhelm-sampler=helm draws what MedHELM 0.8.0 drew (tests/support/helm_draws.py made the lists)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.clinical_decision_support import test_med_qa as med_qa
from benchmarks.clinical_decision_support import test_mmlu_clinical_afr as mmlu
from pytest_medhelm.tasks.data.compressed import CompressedInstance
from pytest_medhelm.tasks.data.sampling import helm_positions, sample
from pytest_medhelm.tasks.task import Instance, Task
from tests.support.helm_draws import CASES
from tests.support.paths import CHECKOUT

DRAWS: dict[str, Any] = json.loads((CHECKOUT / "tests/tasks/helm_draws.json").read_text("utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_positions_are_those_of_medhelm(name: str) -> None:
    validation, count, limit, drawn = DRAWS[name]
    assert (validation, count, limit) == CASES[name]
    assert sorted(helm_positions(count, limit, validation)) == drawn


def drawn_ids(task: Task, group: dict[str, str], name: str) -> list[str]:
    _, count, limit, _ = DRAWS[name]
    given = [CompressedInstance(Instance(str(n), "?", "A", slices=group), task) for n in range(count)]
    kept = sample(given, limit, name=task.name, sampler="helm", validation=task.helm_validation)
    return [instance.id for instance in kept]


def test_med_qa_reports_the_drawn_instances_of_the_test_split() -> None:
    """MedHELM draws 1,000 from both splits; 503 of them are of the test split."""
    assert drawn_ids(med_qa.TASK, {}, "med_qa") == [str(n) for n in DRAWS["med_qa"][3]]
    assert len(DRAWS["med_qa"][3]) == 503


@pytest.mark.parametrize("subject", ["clinical knowledge", "college medicine", "virology"])
def test_mmlu_in_african_languages_counts_the_validation_split_of_its_subject(subject: str) -> None:
    name = f"mmlu_clinical_afr {subject.replace(' ', '_')}"
    for language in ("Zulu", "Afrikaans"):
        found = drawn_ids(mmlu.TASK, {"run": f"{subject} {language}"}, name)
        assert found == [str(n) for n in DRAWS[name][3]]
