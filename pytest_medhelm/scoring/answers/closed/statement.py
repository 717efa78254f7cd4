"""One thing that a text says about options, and how much it settles."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from pytest_medhelm.scoring.answers.closed import options


class Strength(IntEnum):
    """How much a statement settles; a correction counts for more than any that came before it."""

    CITED = 0
    """Mentioned with its own text, nothing more."""
    WEAK = 1
    """Called fitting, or affirmed among verdicts on options."""
    PHRASE = 2
    """Called the answer in prose."""
    FORM = 3
    """A labelled line, a machine form, or a letter as the last paragraph."""


class Statement(NamedTuple):
    """One thing said about options, in the order of the text."""

    position: int
    options: tuple[int, ...]
    """Numbers of the options that are named together, from 0; -1 for a letter beside another option's text."""
    strength: Strength
    read_as: str
    denied: bool = False
    corrects: bool = False
    retracts: bool = False
    """What was said before is taken back."""
    declared: bool = False
    """ "X is correct": two such sentences about different options contradict each other."""
    said: int = -1
    """The option that was named, where several have equal texts."""


def read_as(symbol: str, otherwise: str) -> str:
    """How an option was named: a citation where its own text stands there, unless a form holds it."""
    cited = options.is_text(symbol) or options.is_cited(symbol)
    return "citation" if cited and otherwise != "form" else otherwise
