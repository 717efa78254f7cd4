"""CDI-QA: is a condition or an event that the hospital means to code really supported by the record?

Asked: earlier notes of the stay and a question of clinical documentation integrity (CDI): whether a diagnosis, its
stage or an event is documented and supported.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "yes".

Source: Bedi et al. 2025, https://arxiv.org/abs/2505.23802 (test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import stanford_table

CHOICES = ("yes", "no")

TASK = stanford_table("shc_cdi_med", "CDI-QA", "Care Coordination and Planning", CHOICES, positive="yes")


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
