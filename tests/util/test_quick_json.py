"""JSON of our own files: what is written is read again as Python's own would."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_medhelm.util import quick_json

TEXTS = st.text(st.characters(categories=("L", "N", "P", "Z", "C")), max_size=6)
"""Half characters among them."""
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.booleans())
def test_what_is_written_is_what_python_writes_and_reads(value: Any, ordered: bool) -> None:
    text = quick_json.dumps(value, sort_keys=ordered)
    assert json.loads(text) == value
    if min(_whole(value), default=0) >= -(2**63):
        assert quick_json.loads(text) == value
    if ordered and isinstance(value, dict):
        assert list(json.loads(text)) == sorted(value)


def _whole(value: Any) -> list[int]:
    if isinstance(value, int):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [number for each in inner for number in _whole(each)]


@pytest.mark.parametrize("text", ["{", "", "[1,]", "nothing", '{"a": 1} {"b": 2}'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (json's own says where)
        quick_json.loads(text)


def test_what_orjson_refuses_python_reads() -> None:
    assert quick_json.loads('{"a": "\\ud800", "b": Infinity}') == {"a": "\ud800", "b": float("inf")}
    with pytest.raises(TypeError):
        quick_json.dumps({"a": {1}})
