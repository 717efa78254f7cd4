"""ADHD-MedEffects: does the note show that side effects of a child's ADHD medicine were monitored?

Asked: the note of a visit or call of a child with ADHD (6 to 11 years old) and the question of the file, with what
counts: that the clinician asked for present side effects, or recorded some or their absence. What is planned, or told
to the family beforehand, does not count.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "yes".

Source: Bannett et al. 2025, https://doi.org/10.1542/peds.2024-067223 (as used in MedHELM, test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import stanford_table

CHOICES = ("yes", "no")

TASK = stanford_table(
    "shc_sei_med",
    "ADHD-MedEffects",
    "Providing Clinical Knowledge Support",
    CHOICES,
    positive="yes",
    source="https://doi.org/10.1542/peds.2024-067223",
    authors="Bannett et al. 2025",
    size=915,
)


def prompt(instance: Instance) -> str:
    """The clinical note, the question, and the answers as options."""
    return letter_prompt(
        "The note below is from the care of a child with attention deficit hyperactivity disorder (ADHD). "
        "Side effects were monitored if the clinician asked about effects of a medicine that the child takes "
        "now, or recorded that there are some or none. It is not monitoring when possible effects are only "
        "explained, or watching for them is only planned.",
        instance,
        context="Clinical note",
    )


def test_shc_sei_med(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
