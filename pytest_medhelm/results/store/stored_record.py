"""A record as suite.sqlite gives it back: of the types that all who compute with it take for granted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import NoneType
from typing import Any, cast

from pytest_medhelm.scoring.record import Record

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


def read_record(text: str) -> Record:
    """A stored record. Raises ValueError, in words for the user, when it is damaged."""
    record: Any = json.loads(text)
    if not isinstance(record, dict):
        raise ValueError("a record is no object")
    for name, kinds in _KINDS.items():
        if name in record and not isinstance(record[name], kinds):
            raise ValueError(f"{name} of a record is no {kinds[-1].__name__}")
    for name in ("scores", "usage"):
        if not _NUMBERS.issuperset(map(type, record.get(name, {}).values())):
            raise ValueError(f"{name} of a record are no numbers")
    return cast(Record, record)
