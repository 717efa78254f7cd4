"""A prompt with {column} placeholders; {{ and }} are braces."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    behind: tuple[tuple[str, str], ...] | None
    """What follows the options, where the prompt says itself where they go; ``pieces`` stand before them."""

    @property
    def ending(self) -> str:
        """What the author says behind the options, where no cell stands there: how to reply."""
        return self._behind({}) if self.behind and not any(name for _, name in self.behind) else ""

    def question(self, columns: Mapping[str, str]) -> str:
        """The prompt with its placeholders filled in, up to the options."""
        return _filled(self.pieces, columns).strip()

    def context(self, columns: Mapping[str, str]) -> str:
        """The same behind the options, where a cell stands there; empty else."""
        return self._behind(columns) if self.behind and not self.ending else ""

    def _behind(self, columns: Mapping[str, str]) -> str:
        return _filled(self.behind or (), columns).strip()

    def with_options(self, question: str, options: str, context: str) -> str:
        """The whole prompt: the options stand where its author placed them."""
        if self.behind is None:
            return f"{question}\n{options}"
        before, after = self.pieces[-1][0], self.behind[0][0]
        gaps = before[len(before.rstrip()) :], after[: len(after) - len(after.lstrip())]
        return f"{question}{gaps[0]}{options}{gaps[1]}{context or self.ending}".strip()


def _filled(pieces: Sequence[tuple[str, str]], columns: Mapping[str, str]) -> str:
    return "".join(f"{text}{columns[name] if name else ''}" for text, name in pieces)


def parse_template(value: Value, *, has_choices: bool) -> Template:
    """Parse a prompt. Raises OwnError naming line and column of the brace that is wrong."""
    text = value.text()
    pieces: list[tuple[str, str]] = []
    columns: dict[str, Position] = {}
    before: tuple[tuple[str, str], ...] | None = None
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
        if name != CHOICES or not has_choices:
            pieces.append((literal, name))
            columns.setdefault(name, where)
        elif before is None:
            before, pieces = (*pieces, (literal, "")), []
        else:
            raise where.error("the options go to one place; delete this {choices}")
        literal = ""
    pieces.append((literal + text[position:], ""))
    if not columns:
        raise value.error("the prompt names no column, so every question would be the same; add e.g. {question}")
    if before is None:
        return Template(tuple(pieces), columns, None)
    return Template(before, columns, tuple(pieces))
