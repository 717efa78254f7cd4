"""AdolescentPrivacy: does an adolescent's note hold something of a named confidential kind that must be withheld from
the parent's portal?

Asked: the note and a question that names the kind (sexual and reproductive health, substance use, mental health,
family safety). A routine screening without a finding is not withheld, nor is what concerns other people. A: something
to withhold; B: nothing.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "something
to withhold".

Source: Pacific AI 2026, https://github.com/PacificAI/medhelm (scenario pp26_adolescent_privacy, test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import privacy_worksheet

CHOICES = ("the note holds something of that kind to withhold", "the note holds nothing of that kind to withhold")

TASK = privacy_worksheet(
    "pp26_adolescent_privacy",
    "AdolescentPrivacy",
    "Patient-Provider Messaging",
    CHOICES,
    context="note",
    positive=CHOICES[0],
)


def prompt(instance: Instance) -> str:
    """The clinical note, the question, and the answers as options."""
    return letter_prompt(
        "A progress note of an adolescent is to be released to a parent through the portal. Decide whether it "
        "holds the patient's own confidential information of the kind that the question names: sexual and "
        "reproductive health, substance use, mental health or family safety. Routine screening or advice "
        "without a finding is not withheld; what concerns other people is not the patient's own.",
        instance,
        context="Clinical note",
    )


def test_pp26_adolescent_privacy(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
