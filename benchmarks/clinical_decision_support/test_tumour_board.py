"""The tumour board: a plan for an invented patient whose disease, other illnesses and wishes pull in different ways.

Asked: one of 24 cases (breast, colorectal, lung, prostate, haematology, paediatric) with pathology, imaging, other
illnesses and wishes, and a note under six headings.
Read: the note by its headings; without a stage and a recommendation it is unparsed.
Scored: by rules, a third each for the right stage, an indicated treatment, and the contraindicated treatment named as
not recommended; 0 where that treatment is recommended. When judges are named, by weighted criteria (jury): stage,
treatment with its reason, missing information, referral, goals of care, and a never-event with negative points.

This project's own benchmark, not one of MedHELM: it stands outside of win rates and category averages. The cases and
their criteria were written for it, follow no single guideline, and are not reviewed by clinicians: they show whether a
model weighs what a case says, and are no advice for patients.

Source: this repository, docs/tumour-board.md
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_medhelm import DataFile, Instance, Jury, PointsCriterion, Response, Score, Task, read_json

from ..shared.tumour_board import HEADINGS, check, oracle, sections

TEXTS = (
    "id", "area", "case", "stage", "stage_pattern", "indicated", "indicated_pattern", "contraindicated",
    "contraindicated_pattern",
)  # fmt: skip


def load(path: Path) -> Iterator[Instance]:
    """One instance for each case."""
    for row in read_json(path):
        case = {name: row.text(name) for name in TEXTS} | {"allowed_pattern": row.optional("allowed_pattern")}
        criteria = tuple(
            PointsCriterion(entry["criterion"], entry["points"], tuple(entry["tags"]))
            for entry in row.take("criteria", list)
        )
        by_axis = {entry.tags[0].partition(":")[2]: entry.text for entry in criteria}
        yield Instance(
            id=case["id"],
            question="Write the board's note.",
            answer=oracle(case, by_axis),
            context=case["case"],
            slices={"area": case["area"]},
            fields=case,
            criteria=criteria,
        )


TASK = Task(
    name="tumour_board",
    title="The tumour board",
    subcategory="Planning Treatments",
    access="public",
    kind="generation",
    files=(DataFile("cases.json"),),
    load=load,
    main_metric="board_score",
    records=("stage", "indicated", "contraindicated", "never_event"),
    rubric="points",
    licence="Apache-2.0",
    source="this repository, docs/tumour-board.md",
    attribution="pytest-medhelm",
    redistribution=True,
    may_use_hosted_api=True,
    category_assigned_here=True,
    outside_medhelm=True,
    version=3,
    folder=Path(__file__).parent.parent / "samples" / "tumour_board",
)


def prompt(instance: Instance) -> str:
    """The case, and the headings."""
    listed = "\n".join(f"{heading}: ..." for heading in HEADINGS)
    return (
        f"A case is presented to the tumour board.\n\n{instance.context}\n\n{instance.question} Use these headings, "
        f"each on a line of its own, and keep it short:\n{listed}\nUnder the second write what you recommend, under "
        "the third what must not be given to this patient and why."
    )


def test_tumour_board(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    jury.grade(response)
    note = response.read(sections)
    found = check(instance.fields, note) if note else None
    parts = (found.stage, found.indicated, found.contraindicated) if found else (False, False, False)
    never_event = found is not None and found.never_event
    score.record("board_score", 0.0 if never_event else sum(parts) / len(parts))
    for name, value in zip(("stage", "indicated", "contraindicated"), parts, strict=True):
        score.record(name, float(value))
    if found:
        score.record("never_event", float(never_event), (1.0, 0.0))
    else:
        score.not_applicable("never_event")
