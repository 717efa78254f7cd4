"""MIMIC-IV-BHC: write the brief hospital course from the rest of a discharge note.

Asked: the discharge note without its hospital course.
Read: the whole answer as text.
Scored: overlap with the hospital course as the physician wrote it (ROUGE); and, when judges are named, a jury that
rates accuracy, completeness and clarity from 1 to 5 with that text at hand.

The file is called test.jsonl here: one JSON object a line with the fields "input" and "target". A line of which one is
empty is left out, as on the MedHELM leaderboard, which evaluates 100 notes; which ones is not published, so the number
is comparable only with a file of one's own. An instance's id is a hash of its texts.

Source: Aali et al. 2025, https://physionet.org/content/labelled-notes-hospital-course/
"""

from collections import Counter
from pathlib import Path

from pytest_medhelm import DataFile, Excluded, Instance, Instances, Jury, Response, Score, content_id, read_jsonl

from ..shared.templates import physionet_text, score_text


def load(path: Path) -> Instances:
    """One instance for each line of test.jsonl."""
    seen: Counter[str] = Counter()
    for row in read_jsonl(path):
        note, course = row.cells("input", "target")
        if not note or not course:
            yield Excluded("an empty note or an empty hospital course")
            continue
        question = "Write the brief hospital course of this admission."
        yield Instance(id=content_id(seen, note, course), question=question, answer=course, context=note)


TASK = physionet_text(
    name="mimic_bhc",
    title="MIMIC-IV-BHC",
    subcategory="Documenting Patient Visits",
    files=(DataFile("test.jsonl"),),
    load=load,
    source="https://physionet.org/content/labelled-notes-hospital-course/",
    attribution="Aali et al. 2025; Johnson et al. 2023 (MIMIC-IV)",
    how_to_obtain="sign the data use agreement of labelled-notes-hospital-course on PhysioNet and write the notes of a "
    'test split into test.jsonl, one {"input": ..., "target": ...} a line',
    size=100,
)


def prompt(instance: Instance) -> str:
    """The note, and the hospital course asked for."""
    return (
        "Here is a discharge note without its hospital course.\n\n"
        f"{instance.context}\n\n"
        f"{instance.question} Say what brought the patient in, what was found and done, and how it went, problem by "
        "problem. Use only what the note says."
    )


def test_mimic_bhc(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_text(instance, response, score, jury, source=instance.context)
