"""BMT-Status: what a registry asks about a patient after a bone marrow transplant: did it happen, yes or no?

Asked: the patient's note after the transplant and one question, e.g. whether the patient relapsed, engrafted, or has
graft-versus-host disease.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "yes".

Source: Bedi et al. 2025, https://arxiv.org/abs/2505.23802 (test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import stanford_table

CHOICES = ("yes", "no")

TASK = stanford_table("shc_bmt_med", "BMT-Status", "Recording Research Processes", CHOICES, positive="yes", size=220)


def prompt(instance: Instance) -> str:
    """The clinical note, the question, and the answers as options."""
    return letter_prompt(
        "A transplant registry abstracts the record of a patient after a bone marrow (haematopoietic stem "
        "cell) transplant. Answer its question from what the note states.",
        instance,
        context="Clinical note",
    )


def test_shc_bmt_med(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
