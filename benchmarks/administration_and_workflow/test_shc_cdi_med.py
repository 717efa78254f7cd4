"""CDI-QA: is a condition or an event that the hospital means to code really supported by the record?

Asked: earlier notes of the stay and a question of clinical documentation integrity (CDI): whether a diagnosis,
its stage or an event is documented and supported.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of
"yes". MedHELM shows options that are the bare letters, and of rows with the same prompt only the last; here the
options have words and every row counts.

Questions about the same note share a cluster. The file (shc_cdi_med.csv: prompt, context, label) has no ids, so
an instance's id is a hash of its texts.

Source: Bedi et al. 2025, https://arxiv.org/abs/2505.23802 (test split)
"""

from __future__ import annotations

from pytest_medhelm import DataFile, Instance, Response, Task
from pytest_medhelm.datasets.labelled import labelled_csv
from pytest_medhelm.fixtures import Score
from pytest_medhelm.prompts import letter_prompt

CHOICES = ("yes", "no")

TASK = Task(
    name="shc_cdi_med",
    title="CDI-QA",
    subcategory="Care Coordination and Planning",
    access="private",
    kind="classification",
    files=(DataFile("shc_cdi_med.csv"),),
    load=labelled_csv(CHOICES),
    main_metric="exact_match",
    licence="private to Stanford Health Care; not released",
    source="https://arxiv.org/abs/2505.23802",
    attribution="Stanford Health Care (Bedi et al. 2025)",
    redistribution=False,
    third_party=False,
    obtain=(
        "it is private to Stanford Health Care, and there is no public release: to evaluate your own "
        "hospital's data, write a table with the columns prompt, context and label (A yes, B no)"
    ),
    chance=1 / 2,
    positive="yes",
)


def prompt(instance: Instance) -> str:
    """The notes, the question, and the answers as options."""
    return letter_prompt(
        "A specialist of clinical documentation integrity verifies what a hospital stay may be coded for. "
        "Answer the question from what the notes document; a finding that they do not support is a no.",
        instance,
        context="Notes",
    )


def test_shc_cdi_med(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
