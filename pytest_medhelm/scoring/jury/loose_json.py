"""JSON as judges write it: with single quotes, a trailing comma, raw line breaks, a fraction for a score.

Only what has one meaning is mended; anything else stays unread. The text is gone through once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from pytest_medhelm.scoring.answers.json_text import without_conflicts
from pytest_medhelm.util.patterns import compiled

_MAX_OBJECTS = 50
_OUTSIDE = r"[^\"']+"
_FRACTION = r"(?<![\w.\"])([0-9]{1,3}(?:\.[0-9]{1,3})?)\s?/\s?([0-9]{1,3})(?![\w.])"
# A quote ends a string where what follows can follow one: an apostrophe does not.
_ENDS = r"\s*(?:[,:}\]]|\Z)"
_WORDS = {"True": "true", "False": "false", "None": "null"}


def read_object(text: str) -> Mapping[str, object] | None:
    """The first object in a text that is JSON once mended, or None."""
    start = text.find("{")
    for _ in range(_MAX_OBJECTS):
        if start < 0:
            return None
        try:
            value = json.loads(_mended(text, start), object_pairs_hook=without_conflicts, strict=False)
            return value if isinstance(value, dict) else None
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
    return None


def _mended(text: str, start: int) -> str:
    """The balanced object that opens at a position, as JSON. Raises ValueError where there is none."""
    parts: list[str] = []
    depth = 0
    for piece, quoted in _pieces(text, start):
        if quoted:
            parts.append(piece)
            continue
        stop = None
        for offset, char in enumerate(piece):
            depth += (char in "{[") - (char in "}]")
            if depth == 0:
                stop = offset + 1
                break
        parts.append(_as_json(piece if stop is None else piece[:stop]))
        if stop is not None:
            return _without_trailing_commas(parts)
    raise ValueError("no balanced object")


def _pieces(text: str, position: int) -> Iterator[tuple[str, bool]]:
    """Stretches outside strings as they stand, and strings in double quotes."""
    while position < len(text):
        outside = compiled(_OUTSIDE).match(text, position)
        if outside:
            position = outside.end()
            yield outside[0], False
            continue
        quote = text[position]
        end = _string_end(text, position + 1, quote)
        inside = text[position + 1 : end]
        if quote == "'":
            inside = inside.replace("\\'", "'").replace('"', '\\"')
        position = end + 1
        yield f'"{inside}"', True


def _string_end(text: str, position: int, quote: str) -> int:
    while True:
        position = text.find(quote, position)
        if position < 0:
            raise ValueError("a string is not closed")
        escaped = text[position - 1] == "\\" and text[position - 2] != "\\"
        if not escaped and (quote == '"' or compiled(_ENDS).match(text, position + 1)):
            return position
        position += 1


def _as_json(outside: str) -> str:
    outside = compiled(_FRACTION).sub(r'"\1/\2"', outside)
    return compiled(r"\b(?:True|False|None)\b").sub(lambda matched: _WORDS[matched[0]], outside)


def _without_trailing_commas(parts: list[str]) -> str:
    """Commas before a closing bracket fall away; strings are their own parts and are not looked into."""
    for number, part in enumerate(parts):
        if not part.startswith('"') or number == 0:
            parts[number] = re.sub(r",(\s*[}\]])", r"\1", part)
    return "".join(parts)
