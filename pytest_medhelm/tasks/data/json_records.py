"""The records of a JSON text, one after the other: of a file of tens of thousands of notes one at a time is held."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_SPACE = re.compile(r"[ \t\n\r]*")
_CLOSING = {"[": "]", "{": "}"}


def _no_number(name: str) -> None:
    """NaN and Infinity, which JSON does not have, are what is not there."""


DECODER = json.JSONDecoder(parse_constant=_no_number)


def records_of(text: str, field: str = "") -> Iterator[tuple[str, object]]:
    """The entries of a list, without keys, or of an object, with theirs.

    ``field``: they stand in this field of the object that the text is. Raises json.JSONDecodeError at once for a text
    that is cut off, else where what is no JSON, or a key for the second time, is reached; LookupError without the
    field, TypeError where there is neither a list nor an object, and what json.loads raises for numbers too long and
    nesting too deep.
    """
    document = _Document(text)
    document.require_end()
    if field:
        yield from _of_field(document, field)
    else:
        yield from document.entries()
    document.require("")


def _of_field(document: _Document, field: str) -> Iterator[tuple[str, object]]:
    found = False
    for key in document.each_key():
        if key == field:
            found = True
            yield from document.entries()
        else:
            document.value()
    if not found:
        raise LookupError(field)


class _Document:
    """A JSON text that is read from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def value(self) -> object:
        """Read the next value, whatever it is."""
        self._look()
        value, self._at = DECODER.raw_decode(self._text, self._at)
        return value

    def entries(self) -> Iterator[tuple[str, object]]:
        """Read the next value, a list or an object: its keys and values."""
        return ((key, self.value()) for key in self.each_key())

    def each_key(self) -> Iterator[str]:
        """As ``entries``, for whoever reads each value himself, before the next key; a list's keys are empty."""
        opening = self._look()
        if opening not in _CLOSING:
            self.value()
            raise TypeError("neither a list nor an object")
        closing = _CLOSING[opening]
        self.require(opening)
        seen: set[str] = set()
        if self._look() != closing:
            yield self._key(opening, seen)
            while self._look() != closing:
                self.require(",")
                yield self._key(opening, seen)
        self.require(closing)

    def require_end(self) -> None:
        """What opens at the beginning is closed at the end: whoever reads the first records alone learns it too."""
        closing = _CLOSING.get(self._look(), "")
        end = len(self._text.rstrip(" \t\n\r"))
        if not self._text.endswith(closing, 0, end):
            raise json.JSONDecodeError(f"Expecting {closing!r}", self._text, end)

    def require(self, mark: str) -> None:
        """Pass over a mark, or be at the end."""
        if self._look() != mark:
            raise json.JSONDecodeError(f"Expecting {mark!r}" if mark else "Extra data", self._text, self._at)
        self._at += len(mark)

    def _key(self, opening: str, seen: set[str]) -> str:
        if opening == "[":
            return ""
        if self._look() != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", self._text, self._at)
        start, key = self._at, str(self.value())
        if key in seen:
            raise json.JSONDecodeError("a key stands there twice", self._text, start)
        seen.add(key)
        self.require(":")
        return key

    def _look(self) -> str:
        """The next character that is no white space; empty at the end."""
        space = _SPACE.match(self._text, self._at)
        assert space is not None  # It may be empty.
        self._at = space.end()
        return self._text[self._at : self._at + 1]
