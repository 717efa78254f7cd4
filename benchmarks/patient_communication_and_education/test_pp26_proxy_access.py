"""ProxyAccess: somebody asks through the portal for a patient's information: what does the clinic do?

Asked: the message with what is known of the account, and the question; the rules are 45 CFR 164.502(g) and 164.522 and
the states' laws on minors' consent. A: send it to the sender; B: do not, give it to the patient or decline; C: verify
first who the sender is or may act for; D: a fact that decides it is not recorded.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1.

Source: Pacific AI 2026, https://github.com/PacificAI/medhelm (scenario pp26_proxy_access, test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import privacy_worksheet

CHOICES = (
    "send what is asked for to this sender",
    "do not send it to this sender; give it to the patient or decline",
    "verify the sender's identity or authority before any reply",
    "it cannot be decided, since a fact that decides it is not recorded",
)

TASK = privacy_worksheet(
    "pp26_proxy_access", "ProxyAccess", "Patient-Provider Messaging", CHOICES, context="message", quick=True
)


def prompt(instance: Instance) -> str:
    """The account and message, the question, and the answers as options."""
    return letter_prompt(
        "A clinic decides how to answer a request that reached it through the patient portal. Its policy "
        "follows 45 CFR 164.502(g) (personal representatives), 164.522 (restrictions that the patient asked "
        "for) and the state's law on what minors consent to themselves.",
        instance,
        context="Account and message",
    )


def test_pp26_proxy_access(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
