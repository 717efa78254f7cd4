"""JSON of our own files, by orjson; what that refuses and Python takes is left to Python.

Of two kinds alone the two differ: NaN, which no file of ours holds, is written as null, and whole numbers of more than
64 bits are read as floats.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def dumps(value: object, *, sort_keys: bool = False) -> str:
    """One line without spaces. Raises TypeError for what JSON cannot hold."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort_keys else None).decode()
    except TypeError:  # Half a character, a number of more than 64 bits, a key that is no text.
        return json.dumps(value, sort_keys=sort_keys, ensure_ascii=False, separators=(",", ":"))


def loads(text: str) -> Any:
    """As json.loads; a number without a name in JSON, such as NaN, is read too. Raises ValueError."""
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)
