"""The tumour board: its cases, how a note is read and checked, and a run with and without judges."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.clinical_decision_support import test_tumour_board as module
from benchmarks.shared.tumour_board import check, sections
from perf.mock_server import MockServer
from tests.support.paths import BENCHMARKS
from tests.support.suites import cell, leaderboard

CASES = {entry.id: entry for entry in module.load(module.TASK.folder / "cases.json")}


def test_cases_and_their_criteria() -> None:
    assert Counter(entry.slices["area"] for entry in CASES.values()) == dict.fromkeys(
        ("breast", "colorectal", "lung", "prostate", "haematology", "paediatric"), 4
    )
    for entry in CASES.values():
        points = {criterion.tags[0]: criterion.points for criterion in entry.criteria}
        assert {"axis:staging", "axis:goals_of_care", "axis:never_event"} <= points.keys()
        assert points["axis:never_event"] == -10
        assert len(entry.context) > 150
    text = (module.TASK.folder / "cases.json").read_text("utf-8")
    assert text.count("not reviewed by clinicians") == 24
    assert not re.search(r"\b(NCCN|ESMO|ASCO|guideline)", text), "none was read, so none is cited"


@pytest.mark.parametrize("name", CASES)
def test_the_oracle_is_right_and_doing_the_opposite_is_not(name: str) -> None:
    case = CASES[name]
    note = sections(case.answer)
    assert note is not None
    assert check(case.fields, note) == (True, True, True, False)
    opposite = {**note, "recommended": case.fields["contraindicated"], "not recommended": case.fields["indicated"]}
    assert check(case.fields, opposite).never_event
    every = {**note, "stage": "I, II, III or IV; limited or extensive"}
    if case.fields["stage"] not in ("limited disease", "MS", "M0"):
        assert not check(case.fields, every).stage, "naming all stages is no staging"


@pytest.mark.parametrize(
    ("recommended", "indicated", "never_event"),
    [
        ("We recommend {indicated}, but no {contraindicated}.", True, False),
        ("{indicated}; {contraindicated} is not advised.", True, False),
        ("{indicated} rather than {contraindicated}.", True, False),
        ("The board does not recommend {contraindicated}. It recommends {indicated}.", True, False),
        ("{indicated}; {contraindicated} should be avoided.", True, False),
        ("Start {contraindicated}, followed by {indicated}.", True, True),
        ("{contraindicated} without delay.", False, True),
        ("{contraindicated} rather than surgery or observation.", False, True),
        ("Do not offer {indicated}; give {contraindicated}.", False, True),
        ("No {indicated}.", False, False),
    ],
)
def test_a_plan_is_read_by_what_it_refuses(recommended: str, indicated: bool, never_event: bool) -> None:
    """For each of the 24 cases: a negation reaches what is named behind it, and not what stands before it."""
    misread = {}
    for name, case in CASES.items():
        found = check(case.fields, note(recommended=recommended.format(**case.fields)))
        if (found.indicated, found.never_event) != (indicated, never_event):
            misread[name] = (found.indicated, found.never_event)
    assert misread == {}


NOTES = json.loads((Path(__file__).parent / "tumour_board_notes.json").read_text("utf-8"))
"""As clinicians write, each with what was to be read of it, written before the rules saw it."""


def test_notes_in_the_words_of_clinicians_are_read() -> None:
    misread = [
        text
        for name, text, indicated, never_event in NOTES["recommended"]
        for found in [check(CASES[name].fields, note(recommended=text))]
        if (found.indicated, found.never_event) != (indicated, never_event)
    ]
    assert len(NOTES["recommended"]) >= 120
    assert len(misread) <= 5, misread
    for name, text, contraindicated in NOTES["not_recommended"]:
        assert check(CASES[name].fields, note(not_recommended=text)).contraindicated is contraindicated, text


def test_what_may_be_given_is_not_named_as_contraindicated() -> None:
    for case in CASES.values():
        text = f"{case.fields['contraindicated']} is not contraindicated and may be given"
        assert not check(case.fields, note(not_recommended=text)).contraindicated


def note(**parts: str) -> Mapping[str, str]:
    return {"stage": "", "recommended": "", "not recommended": "", **{k.replace("_", " "): v for k, v in parts.items()}}


@pytest.mark.parametrize(
    ("name", "stage", "right"),
    [
        ("breast-1", "Stage IIA (cT2 cN0 M0)", True),
        ("breast-1", "Stage 2A", True),
        ("breast-1", "IIB", False),
        ("breast-1", "II", False),
        ("lung-1", "IA3", True),
        ("lung-1", "cT1c cN0 cM0, stage IA3", True),
        ("lung-1", "IA2", False),
        ("lung-4", "Limited disease", True),
        ("lung-4", "Extensive disease", False),
        ("haematology-3", "ISS stage III", True),
        ("haematology-3", "ISS II", False),
        ("paediatric-2", "INRG stage MS", True),
        ("paediatric-2", "L2", False),
    ],
)
def test_stages(name: str, stage: str, right: bool) -> None:
    assert check(CASES[name].fields, note(stage=stage)).stage is right


@pytest.mark.parametrize(
    ("name", "recommended", "never"),
    [
        ("lung-4", "Concurrent chemoradiotherapy with cisplatin", True),
        ("lung-4", "Carboplatin instead of cisplatin", False),
        ("lung-4", "Carboplatin and etoposide. Avoid cisplatin.", False),
        ("breast-1", "Surgery now, radiotherapy after the birth", False),
        ("breast-1", "Surgery now, then radiotherapy", True),
        ("haematology-2", "R-GCVP", False),
        ("haematology-2", "R-CHOP at full dose", True),
    ],
)
def test_never_events(name: str, recommended: str, never: bool) -> None:
    assert check(CASES[name].fields, note(recommended=recommended)).never_event is never


def test_a_note_is_read_by_its_headings() -> None:
    text = "Here it is.\n**Stage:** IIA\n## Recommended: surgery\nand chemotherapy\n- Not recommended: radiotherapy"
    assert sections(text) == {
        "stage": "IIA", "recommended": "surgery\nand chemotherapy", "not recommended": "radiotherapy",
    }  # fmt: skip
    assert sections("I would operate.") is None


def test_it_scores_without_judges_and_by_criteria_with_them(run: Any, pytester: pytest.Pytester) -> None:
    path = str(BENCHMARKS / "clinical_decision_support" / "test_tumour_board.py")
    by_case = {entry.context: entry.answer for entry in CASES.values()}

    def say(body: dict[str, Any]) -> str:
        text = body["messages"][-1]["content"]
        if body["model"] == "judge":
            return json.dumps({"explanation": "", "criteria_met": "[-" not in text.rpartition("Criterion:")[2]})
        return next(answer for case, answer in by_case.items() if case in text)

    with MockServer(say, models=("doctor", "judge")) as server:
        asked = [path, "--medhelm-model=vllm/doctor", f"--medhelm-base-url={server.url}"]
        assert run(*asked).ret == 0
        found = cell(leaderboard(pytester.path), "tumour_board")
        assert (found["main_metric"], found["metrics"]["board_score"]["value"]) == ("board_score", 1.0)
        assert found["metrics"]["never_event"]["value"] == 0.0
        run(*asked, "--medhelm-judge=vllm/judge")
    found = cell(leaderboard(pytester.path), "tumour_board")
    assert (found["main_metric"], found["metrics"]["jury"]["value"]) == ("jury", 1.0)
    assert found["metrics"]["board_score"]["value"] == 1.0
    assert found["metrics"]["axis_goals_of_care"]["value"] == 1.0
    assert found["absent"]["axis_never_event"]["count"] == 24, "an axis of faults alone is undefined, and counted"
