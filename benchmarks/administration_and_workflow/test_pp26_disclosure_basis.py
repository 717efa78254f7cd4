"""DisclosureBasis: is a disclosure of health information permitted, not permitted, or not to be decided from what is
known?

Asked: the scenario and its question, under HIPAA (45 CFR Parts 160 and 164), 42 CFR Part 2 and state law. A:
permitted, or access must be granted; B: not permitted, or access may be denied; C: it turns on a fact that is not
stated.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1.

Source: Pacific AI 2026, https://github.com/PacificAI/medhelm (scenario pp26_disclosure_basis, test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import privacy_worksheet

CHOICES = (
    "permitted, or access must be granted",
    "not permitted, or access may be denied",
    "it turns on a fact that is not stated",
)

TASK = privacy_worksheet(
    "pp26_disclosure_basis",
    "DisclosureBasis",
    "Organizing Workflow Processes",
    CHOICES,
    context="scenario",
    quick=True,
)


def prompt(instance: Instance) -> str:
    """The scenario, the question, and the answers as options."""
    return letter_prompt(
        "Decide whether the disclosure of health information is permitted under the law of the United States: "
        "HIPAA (45 CFR Parts 160 and 164), 42 CFR Part 2 for records of substance use treatment, and state "
        "law where it applies.",
        instance,
        context="Scenario",
    )


def test_pp26_disclosure_basis(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
