"""Text in a CSV file: what a spreadsheet would run is put in words, and what cannot be seen is shown."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# OWASP, CSV Injection: = + - @, tab and carriage return; the full-width forms are read as the same in some locales. A
# semicolon or tab begins a new cell where the file is opened with another delimiter than the comma.
_FORMULA = re.compile(r"(\A|[;\t])([\s\u200b\ufeff\"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
_BEGINNING = re.compile(r"\A(?=[\t\r\n])")
_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Categories of Unicode that cannot be seen, and act on terminals, on the direction of text or on lines."""


@lru_cache(32)  # a record's texts stand in each of its rows
def without_formula(text: str) -> str:
    """Text as a cell of CSV.

    Line ends become ``\\n``; other signs that cannot be seen are written as their code (``\\x1b``); an apostrophe
    stands before what a spreadsheet would take for a formula. A plain number, ``-0.5``, stays as it is.
    """
    if _NUMBER.fullmatch(text):
        return text
    led = "'" if _BEGINNING.match(text) else ""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    guarded = led + _FORMULA.sub(r"\1'\2", lines)
    if guarded.replace("\n", "").replace("\t", "").isprintable():
        return guarded
    return "".join(sign if sign in "\n\t" or not _hidden(sign) else _code(sign) for sign in guarded)


def _hidden(sign: str) -> bool:
    return not sign.isprintable() and unicodedata.category(sign) in _SHOWN


def _code(sign: str) -> str:
    return sign.encode("unicode_escape").decode()
