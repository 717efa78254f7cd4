"""PrivacyDetection: does a drafted reply to a parent give away what an adolescent patient told in confidence?

Asked: the message, drafted by a language model from the patient's notes, and the question of the file.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of
"yes". MedHELM shows options that are the bare letters, and of rows with the same prompt only the last; here the
options have words and every row counts.

Questions about the same message share a cluster. The file (shc_privacy_med.csv: prompt, context, label) has no
ids, so an instance's id is a hash of its texts.

Source: Tse et al. 2025, https://doi.org/10.1001/jamapediatrics.2024.4438 (as used in MedHELM, test split)
"""

from __future__ import annotations

from pytest_medhelm import DataFile, Instance, Response, Task
from pytest_medhelm.datasets.labelled import labelled_csv
from pytest_medhelm.fixtures import Score
from pytest_medhelm.prompts import letter_prompt

CHOICES = ("yes", "no")

TASK = Task(
    name="shc_privacy_med",
    title="PrivacyDetection",
    subcategory="Patient-Provider Messaging",
    access="private",
    kind="classification",
    files=(DataFile("shc_privacy_med.csv"),),
    load=labelled_csv(CHOICES),
    main_metric="exact_match",
    licence="private to Stanford Health Care; not released",
    source="https://doi.org/10.1001/jamapediatrics.2024.4438",
    attribution="Stanford Health Care (Tse et al. 2025)",
    redistribution=False,
    third_party=False,
    obtain=(
        "it is private to Stanford Health Care, and there is no public release: to evaluate your own "
        "hospital's data, write a table with the columns prompt, context and label (A yes, B no)"
    ),
    size=300,
    chance=1 / 2,
    positive="yes",
)


def prompt(instance: Instance) -> str:
    """The drafted message, the question, and the answers as options."""
    return letter_prompt(
        "The message below was drafted as a reply to the parent of an adolescent, who reads it through the "
        "portal. It gives something away if it names or clearly implies the patient's own sexual or "
        "reproductive health, substance use, mental health or trouble at home.",
        instance,
        context="Drafted message",
    )


def test_shc_privacy_med(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
