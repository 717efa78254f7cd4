"""A record as suite.sqlite gives it back: of the types that all who compute with it take for granted."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from operator import itemgetter
from types import NoneType
from typing import Any, cast

from pytest_medhelm.scoring.record import Record
from pytest_medhelm.util import quick_json

_KINDS: Mapping[str, tuple[type, ...]] = {
    "scores": (dict,),
    "scales": (dict,),
    "slices": (dict,),
    "absent": (dict,),
    "usage": (dict,),
    "verdicts": (list,),
    "latency": (int, float),
    "main_metric": (str,),
    "public_id": (str,),
}
_NUMBERS = frozenset({int, float, bool, NoneType})
_values = itemgetter(*_KINDS)
_USUAL = frozenset(product(*_KINDS.values()))
"""The types of ``_values`` of a whole record."""


def read_record(text: str) -> Record:
    """A stored record. Raises ValueError, in words for the user, when it is damaged."""
    record: Any = quick_json.loads(text)
    if not isinstance(record, dict):
        raise ValueError("a record is no object")
    try:
        is_usual = tuple(map(type, _values(record))) in _USUAL
    except KeyError:  # written by an earlier version
        is_usual = False
    if not is_usual:
        _refuse_others(record)
    for name in ("scores", "usage"):
        if not _NUMBERS.issuperset(map(type, record.get(name, {}).values())):
            raise ValueError(f"{name} of a record are no numbers")
    return cast(Record, record)


def _refuse_others(record: Mapping[str, object]) -> None:
    """Raise ValueError for a value of another type."""
    for name, kinds in _KINDS.items():
        if name in record and not isinstance(record[name], kinds):
            raise ValueError(f"{name} of a record is no {kinds[-1].__name__}")
