"""ProxyLeak: would a parent with proxy access learn something confidential from a clinician's portal message to an
adolescent?

Asked: the message and its question. Confidential is what the patient may keep from parents: their own sexual and
reproductive health, substance use, mental health and safety at home. A: yes; B: no.
Read: the letter of the option.
Scored: exact match with the label; over the whole set macro and micro F1, and precision, recall and F1 of "yes, ...".

Source: Pacific AI 2026, https://github.com/PacificAI/medhelm (scenario pp26_proxy_leak, test split)
"""

from pytest_medhelm import Instance, Response, Score, letter_prompt

from ..shared.templates import privacy_worksheet

CHOICES = ("yes, a parent would learn something confidential", "no, a parent would learn nothing confidential")

TASK = privacy_worksheet(
    "pp26_proxy_leak",
    "ProxyLeak",
    "Patient-Provider Messaging",
    CHOICES,
    context="message",
    positive=CHOICES[0],
)


def prompt(instance: Instance) -> str:
    """The portal message, the question, and the answers as options."""
    return letter_prompt(
        "A clinician's message to an adolescent can also be read by a parent with proxy access. Decide "
        "whether the parent would learn something about the patient's own sexual or reproductive health, "
        "substance use, mental health or safety at home that the patient may keep confidential. A hint that "
        "only one such matter explains is enough.",
        instance,
        context="Portal message",
    )


def test_pp26_proxy_leak(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
