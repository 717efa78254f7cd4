"""Data for the scripts of a page: as files beside it, which a page opened from disk may load, or within it."""

from __future__ import annotations

from typing import Any

from pytest_medhelm.util import quick_json


def as_json(value: Any) -> str:
    """JSON that may stand in a script element and in a script: no ``<``, no line separator of JavaScript's own."""
    text = quick_json.dumps(value, sort_keys=True)
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    # A lone surrogate (broken model output) has no UTF-8.
    return text.encode("utf-8", "replace").decode()


def as_script(key: str, value: Any) -> str:
    """A script that hands the data to the page. As a string that is parsed: an object literal takes twice as long, and
    gives "__proto__" a meaning."""
    text = as_json(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"medhelm.take('{key}','{text}');\n"
