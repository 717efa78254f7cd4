"""ADHD-Behavior: does the note recommend parent training in behaviour management for a young child with ADHD?

Asked: the note of a primary-care visit of a child with ADHD (4 to 6 years old) and the question of the file. Parent
training is the first treatment at this age; a note that names other therapies only, or school measures, does not
recommend it.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "yes".

Source: Pillai et al. 2024, https://doi.org/10.1093/jamia/ocae001 (as used in MedHELM, test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import stanford_table

CHOICES = ("yes", "no")

TASK = stanford_table(
    "shc_ptbm_med",
    "ADHD-Behavior",
    "Providing Clinical Knowledge Support",
    CHOICES,
    positive="yes",
    source="https://doi.org/10.1093/jamia/ocae001",
    authors="Pillai et al. 2024",
    size=423,
)


def prompt(instance: Instance) -> str:
    """The clinical note, the question, and the answers as options."""
    return letter_prompt(
        "The note below is from a primary-care visit of a young child with attention deficit hyperactivity "
        "disorder (ADHD). Parent training in behaviour management is the recommended first treatment at this "
        "age: a programme in which parents learn to guide the child's behaviour. Play or speech therapy, "
        "advice to the school and medicines are something else.",
        instance,
        context="Clinical note",
    )


def test_shc_ptbm_med(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
