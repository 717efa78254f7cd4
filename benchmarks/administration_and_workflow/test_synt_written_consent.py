"""Written Consent: may records of a substance use disorder programme be disclosed without, or with this, written
consent?

Asked: a synthetic case and a question under 42 CFR Part 2, which guards records of federally assisted programmes more
strictly than HIPAA does: disclosure needs the patient's valid written consent or an exception, such as a medical
emergency, an audit, or a court order under its subpart E.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "permitted".

The law is that of the United States; an answer is no legal advice.

Source: MedHELM 0.8.0 (scenario synt_written_consent), https://github.com/stanford-crfm/helm (test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import synthetic_table

CHOICES = ("permitted", "not permitted")

TASK = synthetic_table("synt_written_consent", "Written Consent", CHOICES, positive=CHOICES[0])


def prompt(instance: Instance) -> str:
    """The case, the question, and the answers as options."""
    return letter_prompt(
        "Decide under 42 CFR Part 2 whether a record of a federally assisted programme for substance use "
        "disorders may be disclosed. It needs the patient's valid written consent, or an exception such as a "
        "medical emergency; a subpoena alone is none.",
        instance,
        context="Case",
    )


def test_synt_written_consent(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
