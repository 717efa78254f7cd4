"""HospiceReferral: does the palliative-care note support a referral to hospice?

Asked: the consultation note and the question of the file, mostly whether the patient is eligible for hospice.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "yes".

Source: Bedi et al. 2025, https://arxiv.org/abs/2505.23802 (test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import stanford_table

CHOICES = ("yes", "no")

TASK = stanford_table("shc_gip_med", "HospiceReferral", "Scheduling Resources and Staff", CHOICES, positive="yes")


def prompt(instance: Instance) -> str:
    """The palliative-care note, the question, and the answers as options."""
    return letter_prompt(
        "The note below is from a palliative-care consultation. Hospice is for patients whose illness, in its "
        "expected course, leaves about six months or less to live, and who have chosen comfort over treatment "
        "that aims at cure.",
        instance,
        context="Palliative-care note",
    )


def test_shc_gip_med(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
