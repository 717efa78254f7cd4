"""CLEAR: does the note say that the patient has a history of a condition, that there is none, or neither?

Asked: the note, and whether the patient has a history of the condition; 13 conditions and social circumstances.
Read: the letter of the option.
Scored: exact match with the human label, by condition; the value is the unweighted mean over all 13, and is
missing when a condition is. Likewise macro and micro F1, and precision, recall and F1 of "has a history".
Each condition is capped at 100 instances, as on the MedHELM leaderboard.

The data is a folder with one workbook a condition (homelessness.xlsx, ...: text, result_human). The label 1 means
a history, 0 none, 2 uncertain. Rows with an empty text or label are left out and counted. The same note, under
whatever condition, is one cluster. There are no ids, so an instance's id is a hash of condition, note and label.

Source: Lopez et al. 2025, https://doi.org/10.1038/s41746-024-01377-1 (human labels, as used in MedHELM)
"""

from collections import Counter
from pathlib import Path

from pytest_medhelm import DataError, DataFolder, Excluded, Instance, Instances, Response, Score, Task
from pytest_medhelm import content_id, digest, files_in, letter_prompt, read_xlsx

CHOICES = ("has a history", "has no history", "uncertain")
LETTER = {"1": "A", "0": "B", "2": "C"}
CONDITIONS = (
    "alcohol_dependence", "attention_deficit_hyperactivity_disorder", "bipolar_disorder", "chronic_pain",
    "homelessness", "liver_disease", "major_depression", "personality_disorder", "post_traumatic_stress_disorder",
    "substance_use_disorder", "suicidal_behavior", "tobacco_dependence", "unemployment",
)  # fmt: skip


def load(folder: Path) -> Instances:
    """One instance for each labelled row of each condition's workbook."""
    seen: Counter[str] = Counter()
    for path in files_in(folder, "*.xlsx"):
        condition = path.name.removesuffix(".xlsx")
        if condition not in CONDITIONS:
            raise DataError(f"{path.name} is not called like one of the 13 conditions, e.g. homelessness.xlsx")
        for row in read_xlsx(path):
            text, label = row.cells("text", "result_human")
            if not text or not label:
                yield Excluded("no text or no label")
                continue
            # Excel keeps whole numbers as "1.0" where a column has gaps
            letter = LETTER.get(label.removesuffix(".0"))
            if letter is None:
                raise row.error("result_human is not one of 0, 1, 2")
            yield Instance(
                id=content_id(seen, condition, text, letter),
                question=f"Does the note say that the patient has a history of {condition.replace('_', ' ')}?",
                answer=letter,
                context=text,
                choices=CHOICES,
                cluster=digest(text),
                slices={"condition": condition, "label": CHOICES["ABC".index(letter)]},
            )


TASK = Task(
    name="clear",
    title="CLEAR",
    subcategory="Supporting Diagnostic Decisions",
    access="private",
    kind="classification",
    files=(DataFolder(".", "*.xlsx"),),
    load=load,
    main_metric="exact_match",
    licence="private to Stanford Health Care; not released",
    source="https://doi.org/10.1038/s41746-024-01377-1",
    attribution="Stanford Health Care (Lopez et al. 2025)",
    redistribution=False,
    may_use_hosted_api=False,
    how_to_obtain=(
        "it is private to Stanford Health Care, and there is no public release: to evaluate your own hospital's "
        "data, write a workbook for each condition (homelessness.xlsx, ...) with the columns text and "
        "result_human (1 has a history, 0 has none, 2 uncertain)"
    ),
    chance=1 / 3,
    sub_tasks_by="condition",
    sub_tasks=CONDITIONS,
    cap=100,
    positive="has a history",
)


def prompt(instance: Instance) -> str:
    """The note, the question about the condition, and the answers as options."""
    return letter_prompt(
        "Read a patient's note. A history counts whether it is present or past. Choose uncertain when the note "
        "leaves it open, for example where it is only suspected.",
        instance,
        context="Clinical note",
    )


def test_clear(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
