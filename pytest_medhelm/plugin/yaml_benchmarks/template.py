"""A prompt with {column} placeholders; {{ and }} are braces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_medhelm.util.document import Position, Value

CHOICES = "choices"
"""The placeholder that stands for the options and not for a column."""

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed prompt."""

    pieces: tuple[tuple[str, str], ...]
    """(text, placeholder behind it), the last one without a placeholder."""
    columns: Mapping[str, Position]
    """The columns it uses, with the place of their first use."""
    shows_choices: bool
    """It says itself where the options go."""

    def render(self, columns: Mapping[str, str], choices: str = "") -> str:
        """The prompt with its placeholders filled in."""
        values = {**columns, CHOICES: choices}
        return "".join(f"{text}{values[name] if name else ''}" for text, name in self.pieces).strip()


def parse_template(value: Value, *, has_choices: bool) -> Template:
    """Parse a prompt. Raises OwnError naming line and column of the brace that is wrong."""
    text = value.text()
    pieces: list[tuple[str, str]] = []
    columns: dict[str, Position] = {}
    shows_choices = False
    literal, position = "", 0
    for piece in _PIECE.finditer(text):
        literal += text[position : piece.start()]
        position = piece.end()
        token, name = piece[0], (piece[1] or "").strip()
        if token in ("{{", "}}"):
            literal += token[0]
            continue
        where = value.place_of(token, piece.start())
        if piece[1] is None:
            raise where.error(f"a lone {token}; write {token * 2} for the character itself, {{column}} for a column")
        if not name:
            raise where.error("a placeholder without a name; write the column's name between { and }")
        pieces.append((literal, name))
        literal = ""
        if name == CHOICES and has_choices:
            shows_choices = True
        else:
            columns.setdefault(name, where)
    pieces.append((literal + text[position:], ""))
    if not columns:
        raise value.error("the prompt names no column, so every question would be the same; add e.g. {question}")
    return Template(tuple(pieces), columns, shows_choices)
