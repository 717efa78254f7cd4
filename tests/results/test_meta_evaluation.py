"""HealthBench's meta-evaluation: a grader's verdicts against the labels of physicians."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.results.agreement.meta_evaluation import (
    Labelled,
    macro_f1,
    meta_evaluate,
    read_grades,
    read_labelled,
)
from pytest_medhelm.util.errors import DataError
from tests.support.paths import CHECKOUT

SAMPLE = CHECKOUT / "docs" / "meta-evaluation-sample.jsonl"


def labelled(name: str, category: str, *labels: bool) -> Labelled:
    return Labelled(name, "r", f"cluster:{category}", labels)


def test_the_worked_example_of_the_original() -> None:
    """openai/simple-evals, healthbench_meta_eval_test: precision 2/4 and 1/2, recall 2/3 and 1/3."""
    examples = [
        labelled("a", "hedging_x", True, True, False),
        labelled("b", "hedging_x", True, False),
        labelled("c", "global_health_y", False),
    ]
    found = meta_evaluate(examples, {("a", "r"): True, ("b", "r"): False, ("c", "r"): True})
    positive = 2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)
    negative = 2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3)
    assert found.grader[""].macro_f1 == pytest.approx((positive + negative) / 2)
    assert found.grader[""].pairs == 6
    assert set(found.grader) == {"", "hedging", "global_health"}
    # Among themselves: of a six ordered pairs, two of which agree; of b two, which do not.
    assert found.physicians[""].pairs == 8
    assert found.physicians[""].macro_f1 == pytest.approx((2 * 2 / (2 * 2 + 3 + 3) + 0) / 2)


def test_a_class_that_never_occurs_has_no_f1() -> None:
    assert macro_f1((3, 0, 0, 0)) is None
    assert macro_f1((3, 0, 0, 2)) == 1.0
    assert macro_f1((0, 1, 1, 0)) == 0.0


def test_missing_verdicts_are_left_out_on_both_sides() -> None:
    examples = read_labelled(SAMPLE)
    half = {entry.key: sum(entry.labels) * 2 > len(entry.labels) for entry in examples[:4]}
    found = meta_evaluate(examples, half)
    assert (found.examples, found.missing) == (4, 2)
    assert "context_seeking" not in found.grader
    with pytest.raises(DataError, match="no verdict is about"):
        meta_evaluate(examples, {("other", "r"): True})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"binary_labels": []}, "row 1: the column 'binary_labels' holds something else than true and false"),
        ({"binary_labels": ["yes"]}, "row 1: the column 'binary_labels' holds something else than true and false"),
        ({"anonymized_physician_ids": ["p1"]}, "row 1: it has another number of labels than of physicians"),
        ({"completion_id": ""}, "row 1: the column 'completion_id' is empty"),
    ],
)
def test_a_malformed_row_is_a_sentence(change: dict[str, Any], told: str, tmp_path: Path) -> None:
    row = json.loads(SAMPLE.read_text().splitlines()[0]) | change
    (tmp_path / "meta.jsonl").write_text(json.dumps(row))
    with pytest.raises(DataError, match=told):
        read_labelled(tmp_path / "meta.jsonl")
    two = [json.dumps({"completion_id": "a", "rubric": "r", "criteria_met": met}) for met in (True, False)]
    (tmp_path / "grades.jsonl").write_text("\n".join(two))
    with pytest.raises(DataError, match="it says otherwise than an earlier row"):
        read_grades(tmp_path / "grades.jsonl")


def test_the_command_has_a_judge_grade_and_takes_its_verdicts_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def judge(body: dict[str, Any]) -> str:
        answer = body["messages"][1]["content"]
        if "who knows" in answer:
            return "hm"
        return json.dumps(
            {"explanation": "", "criteria_met": any(word in answer for word in ("ambulance", "Which", "No,"))}
        )

    out, results = tmp_path / "found.json", tmp_path / "results"
    with MockServer(judge, models=("judge",)) as server:
        command = [
            "jury-agreement", f"--meta-evaluation={SAMPLE}", "--judge=judge", f"--base-url={server.url}",
            f"--results={results}", f"--json={out}",
        ]  # fmt: skip
        assert main(command) == 0
        assert len(server.requests) == 6 + 1, "what cannot be read is asked once more"
        main(command)
        assert len(server.requests) == 7, "and nothing twice"
    said = capsys.readouterr().out
    assert "5 answers and criteria" in said
    assert "1 more have no verdict of the grader" in said
    live = json.loads(out.read_text())
    grades = tmp_path / "grades.jsonl"
    grades.write_text(
        "\n".join(
            json.dumps({"completion_id": entry.completion_id, "rubric": entry.rubric, "criteria_met": met})
            for entry, met in zip(read_labelled(SAMPLE), (True, False, None, True, True, False), strict=True)
            if met is not None
        )
    )
    assert main(["jury-agreement", f"--meta-evaluation={SAMPLE}", f"--grades={grades}", f"--json={out}"]) == 0
    assert json.loads(out.read_text()) == live
