"""MedConfInfo: does an adolescent's note hold confidential matters that a parent should not see without the patient's
consent?

Asked: the note, or a part of it, of an adolescent's visit and the question of the file.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "yes".

Source: Rabbani et al. 2024, https://jamanetwork.com/journals/jamapediatrics/fullarticle/2814109 (as used in MedHELM,
test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import stanford_table

CHOICES = ("yes", "no")

TASK = stanford_table(
    "shc_conf_med",
    "MedConfInfo",
    "Patient-Provider Messaging",
    CHOICES,
    positive="yes",
    source="https://jamanetwork.com/journals/jamapediatrics/fullarticle/2814109",
    authors="Rabbani et al. 2024",
)


def prompt(instance: Instance) -> str:
    """The clinical note, the question, and the answers as options."""
    return letter_prompt(
        "The note below is from an adolescent's visit. Parents with access to the portal could read it. What "
        "adolescents may keep to themselves is their own sexual and reproductive health, substance use, "
        "mental health and safety at home.",
        instance,
        context="Clinical note",
    )


def test_shc_conf_med(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
