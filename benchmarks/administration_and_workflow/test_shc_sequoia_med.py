"""ClinicReferral: does the patient meet a criterion for referral to a specialty clinic (at Stanford: the Sequoia
clinic)?

Asked: the palliative-care note and one question on a criterion or on the referral itself. The clinic's criteria
must stand in the question or the note: the model does not know them.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of
"yes". MedHELM shows options that are the bare letters, and a running number before each prompt to keep equal
ones apart; here the options have words and no number is needed.

Questions about the same note share a cluster. The file (shc_sequoia_med.csv: question, context, label) has no
ids, so an instance's id is a hash of its texts.

Source: Bedi et al. 2025, https://arxiv.org/abs/2505.23802 (test split)
"""

from __future__ import annotations

from pytest_medhelm import DataFile, Instance, Response, Task
from pytest_medhelm.datasets.labelled import labelled_csv
from pytest_medhelm.fixtures import Score
from pytest_medhelm.prompts import letter_prompt

CHOICES = ("yes", "no")

TASK = Task(
    name="shc_sequoia_med",
    title="ClinicReferral",
    subcategory="Organizing Workflow Processes",
    access="private",
    kind="classification",
    files=(DataFile("shc_sequoia_med.csv"),),
    load=labelled_csv(CHOICES, question="question"),
    main_metric="exact_match",
    licence="private to Stanford Health Care; not released",
    source="https://arxiv.org/abs/2505.23802",
    attribution="Stanford Health Care (Bedi et al. 2025)",
    redistribution=False,
    third_party=False,
    obtain=(
        "it is private to Stanford Health Care, and there is no public release: to evaluate your own "
        "hospital's data, write a table with the columns question, context and label (A yes, B no)"
    ),
    size=327,
    chance=1 / 2,
    positive="yes",
)


def prompt(instance: Instance) -> str:
    """The clinical note, the question, and the answers as options."""
    return letter_prompt(
        "A clinic checks from a patient's note whether a referral to it is in order. Answer the question from "
        "what the note states.",
        instance,
        context="Clinical note",
    )


def test_shc_sequoia_med(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
