"""ProxySender: was the portal message written by the patient, or by somebody else for the patient?

Asked: the message and the question of the file. A proxy is a parent, partner or carer who writes, also from the
patient's own account; the wording alone tells it.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "a proxy".

The question must not give A, B and C another meaning than the three above.

Source: Tse et al. 2025, https://doi.org/10.1001/jamapediatrics.2024.4438 (as used in MedHELM, test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import stanford_table

CHOICES = ("the patient", "a proxy", "unclear")

TASK = stanford_table(
    "shc_proxy_med",
    "ProxySender",
    "Patient-Provider Messaging",
    CHOICES,
    positive="a proxy",
    source="https://doi.org/10.1001/jamapediatrics.2024.4438",
    authors="Tse et al. 2025",
    size=300,
)


def prompt(instance: Instance) -> str:
    """The message, the question, and the answers as options."""
    return letter_prompt(
        "A clinic received the message below through the patient portal, from the patient's account. Judge "
        "from its wording who wrote it: the patient, a proxy (a parent, partner or carer who writes for the "
        "patient), or unclear when nothing tells them apart.",
        instance,
        context="Message",
    )


def test_shc_proxy_med(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
