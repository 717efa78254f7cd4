"""Finds JSON in what a model wrote."""

from __future__ import annotations

import json
from math import isfinite
from typing import NoReturn

from pytest_medhelm.util.patterns import compiled

_OPENER = r"[{\[]"
# Possessive, and with an optional closing quote, so that no stretch of text is scanned twice. A raw line
# break cannot stand in a JSON string: there a stray quote in prose ends, too.
_TOKEN = r'"(?:[^"\\\n]++|\\.)*+"?|[{}\[\]]'
_INFO_WORD = r"\A[\w+.-]*+\s"
_WORK_FACTOR = 10


def read_json(text: str) -> object | None:
    """The JSON value that a text holds, or None.

    Tried in this order: the whole text, the first fenced block that parses, the first balanced ``{...}`` or
    ``[...]`` that parses. NaN, Infinity and numbers too large for a float are refused. A text whose value
    is ``null`` gives None as well.
    """
    whole, value = _parse(text.strip())
    if whole:
        return value
    for block in text.split("```")[1::2]:
        for candidate in (block, compiled(_INFO_WORD).sub("", block, count=1)):
            parsed, value = _parse(candidate.strip())
            if parsed:
                return value
    return _first_embedded(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise ValueError(f"{digits} is too large")
    return value


def without_conflicts(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object; a key that is given twice with different values has said nothing, and is None."""
    values: dict[str, object] = {}
    for key, value in pairs:
        values[key] = value if values.get(key, value) == value else None
    return values


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=without_conflicts)


def _parse(text: str) -> tuple[bool, object | None]:
    try:
        return True, _DECODER.decode(text)
    except (ValueError, RecursionError):
        return False, None


def _first_embedded(text: str) -> object | None:
    """Parse the balanced stretches from left to right, the outer one before those inside it.

    Brackets within brackets that are no JSON would be read again at every level: the search ends when the
    attempts have read ten times the length of the text.
    """
    work = _WORK_FACTOR * len(text)
    for start, end in sorted(_balanced(text)):
        parsed, value = _parse(text[start:end])
        work -= end - start
        if parsed:
            return value
        if work < 0:
            break
    return None


def _balanced(text: str) -> list[tuple[int, int]]:
    """Start and end of every bracket pair, ignoring brackets inside quoted strings and unmatched ones."""
    pairs: list[tuple[int, int]] = []
    stack: list[int] = []
    waiting = {"{": 0, "[": 0}
    position = 0
    while token := compiled(_TOKEN if stack else _OPENER).search(text, position):
        position = token.end()
        mark = token[0]
        if mark in waiting:
            stack.append(token.start())
            waiting[mark] += 1
        elif mark in ("}", "]"):
            partner = "{" if mark == "}" else "["
            while waiting[partner]:
                start = stack.pop()
                waiting[text[start]] -= 1
                if text[start] == partner:
                    pairs.append((start, position))
                    break
    return pairs
