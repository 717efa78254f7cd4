"""Whether an entry of a chart, or what an agent says, is what was wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_medhelm.agents.hospital.dosing import in_words, plain_quantity, same_times
from pytest_medhelm.agents.hospital.facts import Facts
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
    if name == "often":
        actual, as_needed = str(actual or ""), str(wanted).endswith("as needed")
        return same_times(in_words(actual), in_words(str(wanted))) and as_needed is actual.endswith("as needed")
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
    if re.fullmatch(r"\d+(\.\d+)?", wanted):
        return _has_number(text, wanted)
    # A word may have an ending.
    return re.search(rf"(?<!\w){re.escape(wanted)}", text, re.IGNORECASE) is not None


_UNIT = r"(?:\s?[^\s\d,.]{1,20}+){0,2}"
_DENIED = re.compile(r"(?:\bnot|n't)\s+(?:\w+\s+)?$")
_OR = r",?\s+or\s+(?:\w+\s+)?"
_GUESSED_BEFORE = re.compile(rf"\d{_UNIT}{_OR}$")
_GUESSED_AFTER = re.compile(rf"{_UNIT}(?:,\s*\d[\d.]*{_UNIT})*{_OR}\d")
_AROUND = 200
"""Characters before and after a number that are looked at."""


def _has_number(text: str, wanted: str) -> bool:
    """Whether a text says a number: 5.9 also as 5.90, not in 15.9, nor denied, nor as one of several guesses."""
    whole, _, decimals = wanted.partition(".")
    shown = f"{int(whole):,}".replace(",", ",?") if whole[0] != "0" else whole
    number = rf"(?<![\d.]){shown}{rf'[.]{decimals}0*' if decimals else '(?:[.]0+)?'}(?!\d|\.\d)"
    for hit in re.finditer(number, text):
        before = text[max(0, hit.start() - _AROUND) : hit.start()]
        if _DENIED.search(before) or _GUESSED_BEFORE.search(before):
            continue
        if not _GUESSED_AFTER.match(text[hit.end() : hit.end() + _AROUND]):
            return True
    return False


MOST_FIGURES = 12
"""Numbers, dates and ids that an answer may hold beside those of its task: a list of everything is no answer."""
_FIGURE = re.compile(r"\w*\d[\w.:-]*")


def is_a_list_of_everything(text: str, task: str) -> bool:
    """Whether a text holds so many figures that the right one is among them by chance."""
    return len({hit.rstrip(".:-") for hit in _FIGURE.findall(text)} - set(_FIGURE.findall(task))) > MOST_FIGURES
