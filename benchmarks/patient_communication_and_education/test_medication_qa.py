"""MedicationQA: answer a question that a consumer asked about a medicine.

Asked: the question as it was typed, misspellings included.
Read: the whole answer as text.
Scored: overlap with the reference answer, a passage of a trusted site (ROUGE); and, when judges are named, a
jury that rates accuracy, completeness and clarity from 1 to 5 with the reference at hand. ROUGE says how far
the wording agrees, not whether advice is safe: read the jury's grades for that.

A row whose answer is empty or "n/a" has no reference and is left out (one of the 690, as on the MedHELM
leaderboard). Where the dataset's authors looked for an answer and wrote "No answers" or "Unanswerable" (12
rows), the row stays and the slice "reference" sets it apart. The same question with several answers is one
cluster. The file has no ids, so an instance's id is a hash of question and answer.

Source: Ben Abacha et al. 2019, https://github.com/abachaa/Medication_QA_MedInfo2019
"""

import re
from collections import Counter
from pathlib import Path

from pytest_medhelm import DataFile, Excluded, Instance, Instances, Jury, Response, Score, content_id, digest, read_xlsx

from ..shared.templates import score_text, text_task

NO_ANSWER = ("", "n/a")
NONE_FOUND = ("no answers", "unanswerable")


def load(path: Path) -> Instances:
    """One instance for each row of the sheet DrugQA that has an answer."""
    seen: Counter[str] = Counter()
    for row in read_xlsx(path, sheet="DrugQA"):
        question, answer = row.text("Question"), row.cell("Answer")
        if answer.lower() in NO_ANSWER:
            yield Excluded("no answer")
            continue
        yield Instance(
            id=content_id(seen, question, answer),
            question=question,
            answer=answer,
            cluster=digest(*re.findall(r"\w+", question.lower())),
            slices={
                "question_type": row.text("Question Type"),
                "reference": "none found" if answer.lower() in NONE_FOUND else "given",
            },
        )


TASK = text_task(
    name="medication_qa",
    title="MedicationQA",
    subcategory="Providing Patient Education Resources",
    files=(
        DataFile(
            "MedInfo2019-QA-Medications.xlsx",
            "4f13d0e3b195bd6a5d72a1872f9118cb5f69fd02c370001695330cfc9e3b5832",
            "https://raw.githubusercontent.com/abachaa/Medication_QA_MedInfo2019/8756adc5f4bb/"
            "MedInfo2019-QA-Medications.xlsx",
        ),
    ),
    load=load,
    licence="none stated upstream",
    source="https://github.com/abachaa/Medication_QA_MedInfo2019",
    attribution="Asma Ben Abacha and others, 2019",
    size=689,
    quick=True,
)


def prompt(instance: Instance) -> str:
    """The consumer's question alone."""
    return (
        "Someone without medical training asks the question below about a medicine. Answer it correctly and "
        "completely, in plain words and not more than a few short paragraphs.\n\n"
        f"Question: {instance.question}"
    )


def test_medication_qa(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_text(instance, response, score, jury, audience="patient")
