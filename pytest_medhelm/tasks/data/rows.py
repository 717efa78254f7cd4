"""A record of an upstream file: its values by column, read with an error that names file and row, and an id for it.

No message quotes the content of a file: it may be a patient's record.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, TypeVar

from pytest_medhelm.util.errors import DataError

T = TypeVar("T")

EMPTY = frozenset(("", "NaN", "nan"))
"""Cells that hold nothing; the latter two are what pandas writes for it."""


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One record of a file."""

    file: str
    """Name of the file, without its folder."""
    number: int
    """From 1; in tables the header is not counted."""
    values: Mapping[str, Any]
    key: str = ""
    """The record's own name where the file is one JSON object of records."""

    def take(self, column: str, kind: type[T]) -> T:
        """The value of a column, which must be there and be of this kind (else DataError)."""
        if column not in self.values:
            alike = next((name for name in self.values if _folded(name) == _folded(column)), None)
            # a name that differs in spaces and capitals alone shows nothing of the content
            reason = "so this is not the file that is expected" if alike is None else f"it is written {alike!r} there"
            raise self.error(f"the column {column!r} is missing, {reason}")
        value = self.values[column]
        if not isinstance(value, kind):
            held = type(value).__name__
            raise self.error(f"the column {column!r} holds a {held} instead of a {kind.__name__}")
        return value

    def text(self, column: str) -> str:
        """The text of a column, without spaces around it. DataError when it is missing, empty or no text."""
        value = self.values.get(column)
        # Nearly all are texts, and there are tens of thousands of them.
        if isinstance(value, str) and (text := value.strip()) not in EMPTY:
            return text
        if value is not None or column not in self.values:
            self.take(column, str)
        raise self.error(f"the column {column!r} is empty")

    def texts(self, *columns: str) -> tuple[str, ...]:
        """As ``text`` of some columns, e.g. the options of a question."""
        return tuple(self.text(column) for column in columns)

    def cell(self, column: str) -> str:
        """As ``text`` for a column that must be there and whose cell may be empty."""
        return self.take(column, str).strip()

    def cells(self, *columns: str) -> tuple[str, ...]:
        """As ``cell`` of some columns."""
        return tuple(self.cell(column) for column in columns)

    def optional(self, column: str) -> str:
        """As ``text`` for a column that may be missing or empty: an empty cell or null gives the empty text."""
        return "" if self.values.get(column, "") in (None, "") else self.cell(column)

    def letter(self, column: str, *, of: int, first: int | None = None) -> str:
        """The letter, from A on, of the right one of ``of`` options (at most 26).

        The column holds this letter, in capitals or not; where ``first`` is given it holds the option's number, which
        counts from there, as a number or as text. DataError when it holds anything else.
        """
        if first is None:
            letter = self.text(column).upper()
            if len(letter) == 1 and letter in ascii_uppercase[:of]:
                return letter
            raise self.error(f"the column {column!r} is not a letter from A to {ascii_uppercase[of - 1]}")
        number = str(self.take(column, object)).strip()
        numbers = [str(number) for number in range(first, first + of)]
        if number not in numbers:
            raise self.error(f"the column {column!r} is not a number from {numbers[0]} to {numbers[-1]}")
        return ascii_uppercase[numbers.index(number)]

    def letter_of(self, column: str, choices: Sequence[str]) -> str:
        """The letter, from A on, of the choice whose words the column holds. DataError when it holds no choice."""
        text = self.text(column)
        if text not in choices:
            raise self.error(f"the column {column!r} is not one of {', '.join(choices)}")
        return ascii_uppercase[choices.index(text)]

    def error(self, problem: str) -> DataError:
        """The error to raise about this row; ``problem`` must not quote the row's content."""
        return DataError(f"{self.file}, row {self.number}: {problem}")


def is_empty(text: str) -> bool:
    """Whether a cell holds nothing: no character but blanks, or the NaN with which pandas writes that."""
    return text.strip() in EMPTY


def digest(*texts: str) -> str:
    """12 hexadecimal digits of the SHA-256 of some texts: a name for them that does not show them."""
    return hashlib.sha256("\x1f".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def content_id(seen: Counter[str], *texts: str) -> str:
    """An id for a record that has none of its own: the digest of its texts.

    It depends on the content only, so reordering the file changes nothing. Records with the very same texts
    get "-2", "-3", ... appended; ``seen`` counts them and belongs to one reading of one file.
    """
    name = digest(*texts)
    seen[name] += 1
    return name if seen[name] == 1 else f"{name}-{seen[name]}"


def _folded(column: str) -> str:
    return column.strip().casefold()
