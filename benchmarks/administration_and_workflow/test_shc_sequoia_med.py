"""ClinicReferral: does the patient meet a criterion for referral to a specialty clinic (at Stanford: the Sequoia
clinic)?

Asked: the palliative-care note and one question on a criterion or on the referral itself. The clinic's criteria must
stand in the question or the note: the model does not know them.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "yes".

Source: Bedi et al. 2025, https://arxiv.org/abs/2505.23802 (test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import stanford_table

CHOICES = ("yes", "no")

TASK = stanford_table(
    "shc_sequoia_med",
    "ClinicReferral",
    "Organizing Workflow Processes",
    CHOICES,
    positive="yes",
    question="question",
    size=327,
    quick=True,
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
