"""Family Disclosure: may the clinic tell this to a relative or friend who is involved in the patient's care?

Asked: a synthetic case and a question under the HIPAA Privacy Rule (45 CFR 164.510(b)): what is relevant to a person's
part in the care may be told if the patient agrees or, given the chance, does not object; to a patient who is not there
or cannot decide, if it is in the patient's best interest.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "permitted".

The law is that of the United States; an answer is no legal advice.

Source: MedHELM 0.8.0 (scenario synt_family_disclosure), https://github.com/stanford-crfm/helm (test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import synthetic_table

CHOICES = ("permitted", "not permitted")

TASK = synthetic_table("synt_family_disclosure", "Family Disclosure", CHOICES, positive=CHOICES[0])


def prompt(instance: Instance) -> str:
    """The case, the question, and the answers as options."""
    return letter_prompt(
        "Decide under the HIPAA Privacy Rule whether a clinic may disclose health information to a relative, "
        "friend or other person involved in a patient's care or in paying for it (45 CFR 164.510(b)). The "
        "patient's own wish and what that person needs to know for the care both count.",
        instance,
        context="Case",
    )


def test_synt_family_disclosure(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
