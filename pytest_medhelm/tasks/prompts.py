"""Pieces of prompts that many benchmarks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_medhelm.tasks.task import Instance

Message = Mapping[str, str]
"""One chat message: {"role": "system" | "user" | "assistant", "content": text}."""


def lettered(choices: Sequence[str]) -> str:
    """The options, one per line: "A. first", "B. second", ..."""
    return "\n".join(f"{letter}. {text}" for letter, text in zip(ascii_uppercase, choices, strict=False))


def answer_letter(choices: Sequence[str]) -> str:
    """The closing instruction of a multiple-choice prompt."""
    letters = ascii_uppercase[: len(choices)]
    return f"Reply with the letter of the best option ({', '.join(letters[:-1])} or {letters[-1]}) and nothing else."


def letter_prompt(introduction: str, instance: Instance, *, context: str = "") -> str:
    """A multiple-choice prompt: what this is, the context if there is one, the question, the options, what to reply.

    ``context`` is the heading above the instance's context, e.g. "Clinical note".
    """
    above = f"{context}:\n{instance.context}\n\n" if instance.context and context else ""
    return (
        f"{introduction}\n\n{above}{instance.question}\n{lettered(instance.choices)}\n\n"
        f"{answer_letter(instance.choices)}"
    )
