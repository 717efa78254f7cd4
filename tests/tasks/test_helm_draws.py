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
from tests.support.real_data import real

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


def test_the_header_says_which_sample_lacks_its_validation_split(pytester: pytest.Pytester) -> None:
    data = real("med_qa").parent
    arguments = (
        "--medhelm-model=baseline/majority",
        f"--medhelm-data={data}",
        "--medhelm-limit=25",
        "-p",
        "no:randomly",
    )
    result = pytester.runpytest(med_qa.__file__, *arguments, "--medhelm-sampler=helm")
    result.stdout.fnmatch_lines(
        ["medhelm: instances: med_qa 8 of 1273", "medhelm: med_qa: *validation split is missing"]
    )
    plain = pytester.runpytest(med_qa.__file__, *arguments)
    plain.stdout.fnmatch_lines(["medhelm: instances: med_qa 25 of 1273"])
    plain.stdout.no_fnmatch_line("*validation split is missing*")
