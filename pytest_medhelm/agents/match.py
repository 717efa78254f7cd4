"""Whether an entry of a chart, or what an agent says, is what was wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_medhelm.agents.hospital.facts import Facts, plain_quantity
from pytest_medhelm.agents.hospital.values import quantity
from pytest_medhelm.agents.hospital.when import span_of
from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.json_types import JsonObject

_QUANTITIES = ("dose", "value")


def matches(actual: Facts, wanted: JsonObject) -> bool:
    """Whether an entry has all that is wanted.

    A wanted value is a text, a list of texts of which one will do, ``{from: 20 mg, to: 40 mg}``, or for a text that
    must hold words ``~aspirin|ASA`` (one of them; several with ``&``).
    """
    return all(_fits(name, actual.get(name), value) for name, value in wanted.items())


def _fits(name: str, actual: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(_fits(name, actual, item) for item in wanted)
    if isinstance(wanted, Mapping):
        low, high = (_limit(name, wanted[end]) for end in ("from", "to"))
        if name in _QUANTITIES:
            return isinstance(actual, tuple) and actual[1] == low[1] and low[0] <= actual[0] <= high[0]
        span = span_of(str(actual))
        return span is not None and low[0] <= span[0] <= high[1]
    if isinstance(wanted, str) and wanted.startswith("~"):
        return says(
            ["\n".join(map(str, actual)) if isinstance(actual, list) else str(actual or "")], wanted[1:].split("&")
        )
    if name in _QUANTITIES and isinstance(actual, tuple):
        number, unit = _quantity(wanted)
        return abs(actual[0] - number) < 1e-6 and (not unit or actual[1] == unit)
    if name in ("start", "due", "when"):
        has, want = span_of(str(actual)), span_of(str(wanted))
        return has is not None and want is not None and want[0] <= has[0] < want[1]
    if isinstance(actual, list):
        return any(_fits(name, item, wanted) for item in actual)
    return str(actual).lower() == str(wanted).lower()


def _limit(name: str, text: Any) -> Any:
    if name in _QUANTITIES:
        return _quantity(text)
    span = span_of(str(text))
    if span is None:
        raise DataError(f"{text!r} is no date")
    return span


def _quantity(text: Any) -> tuple[float, str]:
    amount = plain_quantity(quantity(text))
    assert amount is not None
    return amount


def says(texts: Sequence[str], groups: Sequence[Any]) -> bool:
    """Whether the texts say one of the alternatives (``a|b``) of each group, as whole words or numbers."""
    whole = " \n ".join(texts)
    return all(any(_has(whole, option.strip()) for option in str(group).split("|")) for group in groups)


def _has(text: str, wanted: str) -> bool:
    # 5.9 is not in 15.9 or 5.95; a word may have an ending.
    if re.fullmatch(r"[\d.,]+", wanted):
        return re.search(rf"(?<![\d.]){re.escape(wanted)}(?!\d|\.\d)", text) is not None
    return re.search(rf"(?<!\w){re.escape(wanted)}", text, re.IGNORECASE) is not None
