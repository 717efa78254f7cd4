"""Right of Access: must a patient's request for their own records be granted, or on which kind of ground may it be
denied?

Asked: a synthetic case and a question under the HIPAA right of access (45 CFR 164.524). Without review a request may
be denied e.g. for psychotherapy notes, information compiled for a lawsuit, or what others gave in confidence; with a
right to review when a professional judges that access would endanger the patient or another person.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "access must
be granted".

The law is that of the United States; an answer is no legal advice.

Source: MedHELM 0.8.0 (scenario synt_right_of_access), https://github.com/stanford-crfm/helm (test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import synthetic_table

CHOICES = (
    "access must be granted",
    "access may be denied without review",
    "access may be denied on a ground that can be reviewed",
)

TASK = synthetic_table("synt_right_of_access", "Right of Access", CHOICES, positive=CHOICES[0])


def prompt(instance: Instance) -> str:
    """The case, the question, and the answers as options."""
    return letter_prompt(
        "Decide under the HIPAA right of access (45 CFR 164.524) what a clinic does with a request for health "
        "records. Some grounds for a denial are not open to review, e.g. psychotherapy notes or information "
        "compiled for a lawsuit; a professional's judgement that access would endanger somebody is.",
        instance,
        context="Case",
    )


def test_synt_right_of_access(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
