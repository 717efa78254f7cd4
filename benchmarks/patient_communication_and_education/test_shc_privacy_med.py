"""PrivacyDetection: does a drafted reply to a parent give away what an adolescent patient told in confidence?

Asked: the message, drafted by a language model from the patient's notes, and the question of the file.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "yes".

Source: Tse et al. 2025, https://doi.org/10.1001/jamapediatrics.2024.4438 (as used in MedHELM, test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import stanford_table

CHOICES = ("yes", "no")

TASK = stanford_table(
    "shc_privacy_med",
    "PrivacyDetection",
    "Patient-Provider Messaging",
    CHOICES,
    positive="yes",
    source="https://doi.org/10.1001/jamapediatrics.2024.4438",
    authors="Tse et al. 2025",
    size=300,
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
