"""Pieces of prompts that many benchmarks share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING

from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.settings import PromptForm

if TYPE_CHECKING:
    from pytest_medhelm.tasks.task import Instance

Message = Mapping[str, str]
"""One chat message: {"role": "system" | "user" | "assistant", "content": text}."""


def lettered(choices: Sequence[str]) -> str:
    """The options, one per line: "A. first", "B. second", ..."""
    return "\n".join(f"{letter}. {text}" for letter, text in zip(ascii_uppercase, choices, strict=False))


OPTION_NAMES = {"options 1": "123456789", "options a": ascii_lowercase}
"""Other names of options than capital letters, by the form of an instance that asks for them."""


def renamed(text: str, choices: Sequence[str], names: str) -> str:
    """A prompt whose options have other names than A, B, C. Raises DataError where it shows none by ``lettered``."""
    shown, letters = lettered(choices), ascii_uppercase[: len(choices)]
    if shown not in text:
        raise DataError("the prompt does not show its options by lettered(choices): they cannot be named otherwise")
    before, _, after = text.rpartition(shown)
    other = "\n".join(f"{name}. {choice}" for name, choice in zip(names, choices, strict=False))
    for join, last in ((", ", ", "), (", ", " or ")):
        listed = join.join(letters[:-1]) + last + letters[-1]
        after = after.replace(listed, join.join(names[: len(letters) - 1]) + last + names[len(letters) - 1])
    if names[0].isdigit():
        after = after.replace("the letter of", "the number of")
    return f"{before}{other}{after}"


def with_letters(text: str, form: str) -> str:
    """An answer to options that have numbers, with the letters by which it is read."""
    if form != "options 1":
        return text
    if text.strip(" \n.()*").isdigit() and len(text.strip(" \n.()*")) == 1:
        return _letter(text.strip(" \n.()*"))
    return _NUMBERED.sub(lambda matched: matched[1] + _letter(matched[2]), text)


def _letter(number: str) -> str:
    return ascii_uppercase[int(number) - 1] if number != "0" else number


_NUMBERED = re.compile(r"(\b(?:answer|option|choice)\b(?: is)?[^\w\n]{0,6})([1-9])(?![\w%]|[.,]\d| ?/)", re.IGNORECASE)
"""A number where the name of an option stands."""

# By language: the label of the last line, and the sentence that asks for it.
_ANSWER_LINE = {
    "en": ("Answer", "End your reply with one line of this form, where X is the letter of the best option ({}): {}"),
    "es": ("Respuesta", "Termine con una sola línea de esta forma, donde X es la letra de la mejor opción ({}): {}"),
    "pt": ("Resposta", "Termine com uma única linha desta forma, em que X é a letra da melhor opção ({}): {}"),
    "de": (
        "Antwort",
        "Schließen Sie mit einer Zeile dieser Form, wobei X der Buchstabe der besten Option ist ({}): {}",
    ),
    "fr": (
        "Réponse",
        "Terminez par une seule ligne de cette forme, où X est la lettre de la meilleure option ({}) : {}",
    ),
    "it": (
        "Risposta",
        "Concludi con una sola riga di questa forma, dove X è la lettera dell'opzione migliore ({}): {}",
    ),
    "zh": ("答案", "请在最后单独用一行按此格式作答，其中X为最佳选项的字母（{}）：{}"),
}

# As MedHELM asks, which does so in English but for the Brazilian examination.
_LETTER_ONLY = {
    "en": "Reply with the letter of the best option ({} or {}) and nothing else.",
    "pt": "Responda com a letra da melhor alternativa ({} ou {}) e nada mais.",
}

# By language: the label of the line below it, and the sentence that asks for it.
_CONFIDENCE_LINE = {
    "en": (
        "Confidence",
        "Below it write one more line of this form, where N is the probability in percent, 0 to 100, that this letter "
        "is right: {}",
    ),
    "es": (
        "Confianza",
        "Debajo escriba una línea más de esta forma, donde N es la probabilidad en porcentaje, de 0 a 100, de que esa "
        "letra sea correcta: {}",
    ),
    "pt": (
        "Confiança",
        "Abaixo escreva mais uma linha desta forma, em que N é a probabilidade em percentagem, de 0 a 100, de que essa "
        "letra esteja certa: {}",
    ),
    "de": (
        "Sicherheit",
        "Schreiben Sie darunter noch eine Zeile dieser Form, wobei N die Wahrscheinlichkeit in Prozent, 0 bis 100, "
        "ist, dass dieser Buchstabe richtig ist: {}",
    ),
    "fr": (
        "Confiance",
        "En dessous, écrivez encore une ligne de cette forme, où N est la probabilité en pour cent, de 0 à 100, que "
        "cette lettre soit juste : {}",
    ),
    "it": (
        "Fiducia",
        "Sotto scrivi un'altra riga di questa forma, dove N è la probabilità in percentuale, da 0 a 100, che questa "
        "lettera sia giusta: {}",
    ),
    "zh": ("置信度", "再在下面单独写一行，按此格式，其中N为该字母正确的概率（百分比，0到100）：{}"),
}
CONFIDENCE_LABELS = tuple(label for label, _ in _CONFIDENCE_LINE.values())
"""What the line with a stated confidence begins with, in any language."""


def confidence_line(language: str) -> str:
    """The sentence that asks for a stated confidence, below the line with the answer."""
    label, sentence = _CONFIDENCE_LINE.get(_primary(language), _CONFIDENCE_LINE["en"])
    return sentence.format(f"{label}: N")


def answer_letter(choices: Sequence[str]) -> str:
    """The closing instruction of a multiple-choice prompt: a last line "Answer: X".

    A session puts it into the benchmark's language, or into MedHELM's wording (``in_form``).
    """
    return _answer_line(len(choices), "en")


def in_form(text: str, choices: Sequence[str], form: PromptForm, language: str) -> str:
    """A prompt that ends with ``answer_letter``, asking in another form or language; any other stays as it is."""
    closing = answer_letter(choices)
    if not text.endswith(closing):
        return text
    return text.removesuffix(closing) + (
        _letter_only(choices, language) if form == "helm" else _answer_line(len(choices), language)
    )


def solved(answer: str, form: PromptForm, language: str) -> str:
    """The answer of a solved example, in the form in which it is asked for."""
    return answer if form == "helm" else f"{_labels(language)[0]}: {answer}"


def _labels(language: str) -> tuple[str, str]:
    return _ANSWER_LINE.get(_primary(language), _ANSWER_LINE["en"])


def _primary(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]


@cache
def _answer_line(choices: int, language: str) -> str:
    label, sentence = _labels(language)
    return sentence.format(", ".join(ascii_uppercase[:choices]), f"{label}: X")


def _letter_only(choices: Sequence[str], language: str) -> str:
    letters = ascii_uppercase[: len(choices)]
    sentence = _LETTER_ONLY.get(_primary(language), _LETTER_ONLY["en"])
    return sentence.format(", ".join(letters[:-1]), letters[-1])


def letter_prompt(introduction: str, instance: Instance, *, context: str = "") -> str:
    """A multiple-choice prompt: what this is, the context if there is one, the question, the options, what to reply.

    ``context`` is the heading above the instance's context, e.g. "Clinical note".
    """
    above = f"{context}:\n{instance.context}\n\n" if instance.context and context else ""
    return (
        f"{introduction}\n\n{above}{instance.question}\n{lettered(instance.choices)}\n\n"
        f"{answer_letter(instance.choices)}"
    )
