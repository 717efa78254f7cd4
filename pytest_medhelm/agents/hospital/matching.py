"""Whether a value in a resource matches what a search asks for: tokens, references, dates, strings, quantities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from pytest_medhelm.agents.hospital.elements import codings, reference_of, text_of_concept
from pytest_medhelm.agents.hospital.errors import FhirError
from pytest_medhelm.agents.hospital.when import span_of

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


def matches(how: str, value: Any, wanted: str, modifier: str) -> bool:
    """Whether a value matches one option of a search value. Raises FhirError for one that means nothing."""
    match how:
        case "token":
            return _is_token(value, wanted, modifier)
        case "reference":
            return (
                reference_of(value) == wanted
                or reference_of(value).partition("/")[2] == wanted
                or reference_of(value) == reference_of(wanted)
            )
        case "date":
            return _is_date(value, wanted)
        case "string":
            return _is_string(value, wanted, modifier)
        case _:
            return _is_quantity(value, wanted)


def _is_token(value: Any, wanted: str, modifier: str) -> bool:
    if modifier == "text":
        return wanted.lower() in text_of_concept(value).lower()
    system, bar, code = wanted.rpartition("|")
    if isinstance(value, bool):
        return str(value).lower() == code
    if isinstance(value, str):
        return value == code
    if isinstance(value, dict) and "value" in value:  # Identifier, ContactPoint
        return value["value"] == code and (not bar or value.get("system", "") == system)
    coded = list(codings(value))
    if bar and not code:
        return any(coding.get("system") == system for coding in coded)
    return any(coding.get("code") == code and (not bar or coding.get("system", "") == system) for coding in coded)


def _is_string(value: Any, wanted: str, modifier: str) -> bool:
    words = [text.lower() for text in _texts(value)]
    wanted = wanted.lower().strip()
    if modifier == "exact":
        return wanted in words
    if modifier == "contains":
        return any(wanted in text for text in words)
    whole = " ".join(words)
    return any(text.startswith(wanted) for text in words) or all(
        any(part.startswith(word) for part in whole.split()) for word in wanted.split()
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in ("use", "system", "period"):
                yield from _texts(item)


def _is_date(value: Any, wanted: str) -> bool:
    prefix = wanted[:2] if wanted[:2] in PREFIXES else "eq"
    # A plus sign that is not escaped arrives as a blank.
    span = span_of(wanted.removeprefix(prefix).replace(" ", "+"))
    if span is None:
        raise FhirError(
            400, "invalid", f"{wanted[:40]!r} is no date: write e.g. ge2026-03-02 or lt2026-03-02T08:30:00Z"
        )
    has = _period(value)
    return has is not None and _compare(prefix, has, span)


def _period(value: Any) -> tuple[dt.datetime, dt.datetime] | None:
    if isinstance(value, str):
        return span_of(value)
    if not isinstance(value, dict):
        return None
    start, end = span_of(value.get("start", "1000")), span_of(value.get("end", "9000"))
    return (start[0], end[1]) if start and end else None


def _compare(prefix: str, has: tuple[Any, Any], wanted: tuple[Any, Any]) -> bool:
    """As R4 compares a search value with a range (http://hl7.org/fhir/R4/search.html#prefix)."""
    match prefix:
        case "ne":
            return not (wanted[0] <= has[0] and has[1] <= wanted[1])
        case "gt":
            return bool(has[1] > wanted[1])
        case "lt":
            return bool(has[0] < wanted[0])
        case "ge":
            return bool(has[1] > wanted[1] or wanted[0] <= has[0])
        case "le":
            return bool(has[0] < wanted[0] or has[1] <= wanted[1])
        case "sa":
            return bool(has[0] >= wanted[1])
        case "eb":
            return bool(has[1] <= wanted[0])
        case "ap":
            return bool(has[0] < wanted[1] and wanted[0] < has[1])
        case _:
            return bool(wanted[0] <= has[0] and has[1] <= wanted[1])


def _is_quantity(value: Any, wanted: str) -> bool:
    number, _, rest = wanted.partition("|")
    prefix = number[:2] if number[:2] in PREFIXES else "eq"
    try:
        limit = float(number.removeprefix(prefix))
    except ValueError:
        raise FhirError(400, "invalid", f"{wanted[:40]!r} is no quantity: write e.g. gt5.5") from None
    unit = rest.rpartition("|")[2]
    if not isinstance(value, dict) or (unit and unit not in (value.get("code"), value.get("unit"))):
        return False
    has = value.get("value")
    if isinstance(has, bool) or not isinstance(has, int | float):
        return False
    return (
        _compare({"sa": "gt", "eb": "lt", "ap": "eq"}.get(prefix, prefix), (has, has), (limit, limit))
        if prefix != "eq"
        else has == limit
    )
