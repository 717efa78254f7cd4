"""PatientInstruct: write the instructions that a patient takes home after a procedure.

Asked: diagnosis, procedure, the history and physical note, and the operative note.
Read: the whole answer as text.
Scored: overlap with the instructions that the patient was given (ROUGE); and, when judges are named, a jury that
rates accuracy, completeness and clarity from 1 to 5 with those at hand.

Rows whose QC is not TRUE, or of which one of the five texts is empty, are left out, as on the MedHELM leaderboard.
The file has no ids, so an instance's id is a hash of its texts; equal records are one cluster.

Source: Stanford's research data repository STARR, private (Bedi et al. 2025, https://arxiv.org/abs/2505.23802)
"""

from collections import Counter
from pathlib import Path

from pytest_medhelm import DataFile, Excluded, Instance, Instances, Jury, Response, Score, content_id, read_csv

from ..shared.templates import private_text, score_text

SHOWN = {
    "Diagnosis": "Diagnosis",
    "ActualProcedure": "Procedure",
    "HistoryPhysicalNoteText": "History and physical note",
    "OperativeNoteText": "Operative note",
}
REFERENCE = "DischargeInstructionNoteText"


def load(path: Path) -> Instances:
    """One instance for each checked and complete row of starr_patient_instructions.csv."""
    seen: Counter[str] = Counter()
    for row in read_csv(path):
        texts = {column: row.cell(column) for column in (*SHOWN, REFERENCE)}
        if row.cell("QC").upper() != "TRUE":
            yield Excluded("QC is not TRUE")
            continue
        if not all(texts.values()):
            yield Excluded("one of the five texts is empty")
            continue
        yield Instance(
            id=content_id(seen, *texts.values()),
            question="Write the instructions that this patient takes home after the procedure.",
            answer=texts[REFERENCE],
            context="\n\n".join(f"{heading}:\n{texts[column]}" for column, heading in SHOWN.items()),
        )


TASK = private_text(
    name="starr_patient_instructions",
    title="PatientInstruct",
    subcategory="Delivering Personalized Care Instructions",
    files=(DataFile("starr_patient_instructions.csv"),),
    load=load,
    how_to_obtain="private to Stanford; no public release. Evaluate your own data: write "
    "starr_patient_instructions.csv with the columns QC, Diagnosis, ActualProcedure, HistoryPhysicalNoteText, "
    "OperativeNoteText and DischargeInstructionNoteText",
    size=361,
)


def prompt(instance: Instance) -> str:
    """What the chart says, and whom the answer is for."""
    return (
        "A patient goes home after the procedure described here.\n\n"
        f"{instance.context}\n\n"
        f"{instance.question} Address the patient in plain words: care of the wound, medicines, activity, diet, when "
        "to call or come back at once, and follow-up, as far as they apply. Fit it to this patient."
    )


def test_starr_patient_instructions(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score_text(instance, response, score, jury, source=instance.context, audience="patient")
