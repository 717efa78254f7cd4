"""ENT-Referral: does the note support, speak against, or not mention what a referral to ear, nose and throat surgery
needs?

Asked: the patient's note and one question that the department asks of a referral.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "yes".

Rows with an empty label are left out and counted, as in MedHELM.

Source: Bedi et al. 2025, https://arxiv.org/abs/2505.23802 (test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import stanford_table

CHOICES = ("yes", "no", "not mentioned")

TASK = stanford_table(
    "shc_ent_med",
    "ENT-Referral",
    "Care Coordination and Planning",
    CHOICES,
    positive="yes",
    may_lack_label=True,
    quick=True,
)


def prompt(instance: Instance) -> str:
    """The clinical note, the question, and the answers as options."""
    return letter_prompt(
        "The ear, nose and throat department checks a referral against the patient's note. Answer yes or no "
        "only if the note says so, or says what settles it; otherwise it is not mentioned.",
        instance,
        context="Clinical note",
    )


def test_shc_ent_med(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
