"""The same question put in another way: the order of its parts, other instructions, a sentence that says nothing."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from pytest_medhelm.tasks.perturbations.perturbation import Perturbation
from pytest_medhelm.tasks.task import Excluded, Instance

IRRELEVANT = (
    "The conversation took place in a quiet room on the ground floor.",
    "A relative was waiting outside during the conversation.",
    "The appointment had been moved because of a public holiday.",
    "The letter was written on the same afternoon.",
    "Parking near the building was difficult that morning.",
    "The waiting room had recently been painted.",
    "An interpreter was offered and politely declined.",
    "The notes were typed by a secretary and filed as usual.",
)
"""True of any patient: they hold no finding, number, time span or negation."""


def question_first(instance: Instance, seed: int) -> Instance | Excluded:
    """The question stands before the text that it is about."""
    if not instance.context.strip():
        return Excluded("it has no text besides the question")
    return replace(instance, question=f"{instance.question}\n\n{instance.context}", context="")


def paraphrase(instance: Instance, seed: int) -> Instance | Excluded:
    """The benchmark's own other wording of its prompt (``Task.paraphrase``)."""
    return replace(instance, form="paraphrase")


def irrelevant_sentence(instance: Instance, seed: int) -> Instance | Excluded:
    """A plausible sentence that does not matter, before the text (or the question, where there is no text)."""
    sentence = IRRELEVANT[Random(seed).randrange(len(IRRELEVANT))]
    if instance.context.strip():
        return replace(instance, context=f"{sentence}\n{instance.context}")
    return replace(instance, question=f"{sentence} {instance.question}")


PERTURBATIONS = (
    Perturbation("question_first", question_first, "the question before the text", "wording"),
    Perturbation("paraphrase", paraphrase, "other instructions of the same meaning", "wording"),
    Perturbation(
        "irrelevant_sentence", irrelevant_sentence, "a sentence added that does not matter", "wording", ("en",)
    ),
)
