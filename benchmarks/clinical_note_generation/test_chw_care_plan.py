"""NoteExtract: draw the complaint and its history from a health worker's free note into named fields.

Asked: the note, and ten fields to fill; "Not mentioned" where the note is silent.
Read: the whole answer as text.
Scored: when judges are named, a jury rates accuracy, structure and clarity from 1 to 5; it sees the note and no
reference, since the dataset has none. Take its grades as the result. ROUGE compares the answer with the note
itself, as MedHELM does: it tells how much of the wording is kept, so that a mere copy scores high (see
baseline/lexical). Beside it "fields" is the share of the ten fields that have a line with a text of their own.

Rows without a note are left out. The file has no ids, so an instance's id is a hash of the note.

Source: private data of the MedHELM group (Bedi et al. 2025, https://arxiv.org/abs/2505.23802)
"""

import re
from collections import Counter
from pathlib import Path

from pytest_medhelm import DataFile, Excluded, Instance, Instances, Jury, Response, Score, content_id, read_csv

from ..shared.templates import private_text

FIELDS = (
    "Chief complaint",
    "Onset",
    "What provokes it",
    "What relieves it",
    "Quality",
    "Region and radiation",
    "Severity",
    "Course over time",
    "Associated symptoms",
    "Past history and treatment so far",
)


def load(path: Path) -> Instances:
    """One instance for each row of chw_care_plan.csv that has a note."""
    seen: Counter[str] = Counter()
    for row in read_csv(path):
        note = row.cell("MO Note")
        if not note:
            yield Excluded("no note")
            continue
        yield Instance(
            id=content_id(seen, note),
            question="Fill these fields from the note: " + "; ".join(FIELDS) + ".",
            answer="",
            context=note,
        )


TASK = private_text(
    name="chw_care_plan",
    title="NoteExtract",
    subcategory="Documenting Care Plans",
    files=(DataFile("chw_care_plan.csv"),),
    load=load,
    rubric="accuracy_structure_clarity",
    records=("fields",),
    how_to_obtain="private to the MedHELM group; no public release. Evaluate your own data: write chw_care_plan.csv "
    "with the column 'MO Note'",
    size=487,
    quick=True,
)


def prompt(instance: Instance) -> str:
    """The note, and one line per field."""
    lines = "\n".join(f"{field}:" for field in FIELDS)
    return (
        "Here is a health worker's note about a patient. Fill every field below from it, one line each, in the order "
        'given. Write "Not mentioned" where the note says nothing; add nothing of your own.\n\n'
        f"Note:\n{instance.context}\n\nFields:\n{lines}"
    )


def filled(answer: str) -> float:
    """Share of the fields, from 0 to 1, that begin a line of the answer and are followed by a text on that line."""
    lines = (rf"^[\s#>*_\-\d.)]*{re.escape(field)}[*_ ]*:[*_ ]*[^\s*_]" for field in FIELDS)
    return sum(bool(re.search(line, answer, re.MULTILINE | re.IGNORECASE)) for line in lines) / len(FIELDS)


def test_chw_care_plan(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score.overlap(response.text, instance.context, instance.context)
    score.style(response.text, audience="clinician")
    score.record("fields", filled(response.text))
    jury.rate(response, instance.answer)
