"""Whether a resource may be written: types, required elements, codes, references, and what may follow its status."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Any

from pytest_medhelm.agents.hospital.codes import problem_with
from pytest_medhelm.agents.hospital.elements import Resource, codings, reference_of
from pytest_medhelm.agents.hospital.errors import FhirError
from pytest_medhelm.agents.hospital.rules import FieldRule, Rule, rules
from pytest_medhelm.agents.hospital.when import span_of

MOST_NUMBER = 10**15
MOST_ISSUES = 8
"""Faults that are told at once."""
_TEXT = {
    "id": re.compile(r"[A-Za-z0-9.-]{1,64}"),
    "code": re.compile(r"\S+( \S+)*"),
    "date": re.compile(r"\d{4}(-\d\d(-\d\d)?)?"),
    "dateTime": re.compile(r"\d{4}.*"),
    "instant": re.compile(r"\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)"),
    "string": re.compile(r"(?s).+"),
    "uri": re.compile(r"\S+"),
}
_DATES = ("date", "dateTime", "instant")
_PARTS: Mapping[str, str] = {
    "CodeableConcept": "coding text id extension",
    "Coding": "system version code display userSelected id extension",
    "Quantity": "value comparator unit system code id extension",
    "Period": "start end id extension",
    "Reference": "reference type identifier display id extension",
    "Identifier": "use type system value period assigner id extension",
    "HumanName": "use text family given prefix suffix period id extension",
    "Annotation": "authorReference authorString time text id extension",
}
"""What complex types may hold; the others are any object."""


def check(resource: Any, before: Resource | None, exists: Callable[[str], bool]) -> Rule:
    """The rule of a resource that may be written. ``before``: what it replaces; ``exists`` knows ``Type/id``.

    Raises FhirError with what is wrong and what would be right.
    """
    if not isinstance(resource, Mapping):
        raise FhirError(400, "structure", "a resource is a JSON object with a resourceType")
    require_legible(resource)
    rule = rule_of(resource.get("resourceType"))
    issues = list(_issues(resource, rule, exists))
    if before is not None:
        issues += _transition(str(before.get("status", "")), str(resource.get("status", "")), rule)
    if issues:
        more = [f"and {len(issues) - MOST_ISSUES} more"] if len(issues) > MOST_ISSUES else []
        raise FhirError(422, "invalid", issues[:MOST_ISSUES] + more)
    return rule


def require_legible(value: Any) -> None:
    """Raise FhirError for what JSON in UTF-8 cannot say again: half a character, or a number that is none."""
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, Mapping):
            parts += [*part, *part.values()]
        elif isinstance(part, list):
            parts += part
        elif isinstance(part, str) and not part.isascii() and part.encode("utf-8", "replace").decode() != part:
            raise FhirError(400, "structure", "a text holds half a character (a lone surrogate), which is no Unicode")
        elif isinstance(part, float) and not isfinite(part):
            raise FhirError(400, "structure", f"{part} is no number that JSON knows")


def rule_of(kind: Any) -> Rule:
    """The rule of a resource type. Raises FhirError."""
    if not isinstance(kind, str) or kind not in rules():
        near = get_close_matches(str(kind), rules(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(rules())}"
        raise FhirError(404, "not-supported", f"there is no resource type {str(kind)[:60]!r} here: {hint}")
    return rules()[kind]


def _issues(resource: Resource, rule: Rule, exists: Callable[[str], bool]) -> Iterator[str]:
    kind = resource["resourceType"]
    for name, value in resource.items():
        if name == "resourceType" or name.startswith("_"):
            continue
        field = rule.fields.get(name)
        if field is None:
            near = get_close_matches(name, rule.fields, n=1)
            yield f"{kind} has no element {name[:60]!r}" + (f": did you mean {near[0]!r}?" if near else "")
        elif field.many and not isinstance(value, list):
            yield f"{kind}.{name} is a list: write [...]"
        else:
            for item in value if field.many else [value]:
                yield from _value(f"{kind}.{name}", item, field, exists)
    for field in rule.fields.values():
        if field.required and resource.get(field.name) in (None, [], "", {}):
            yield f"{kind}.{field.name} is required ({_wanted(field)})"
    if rule.one_of and not any(resource.get(name) for name in rule.one_of):
        yield f"{kind} needs {' or '.join(rule.one_of)}"


def _value(where: str, value: Any, field: FieldRule, exists: Callable[[str], bool]) -> Iterator[str]:
    if field.type in _TEXT:
        yield from _text(where, value, field)
    elif field.type == "boolean":
        if not isinstance(value, bool):
            yield f"{where} is true or false"
    elif field.type == "integer":
        if isinstance(value, bool) or not isinstance(value, int):
            yield f"{where} is a whole number"
    elif not isinstance(value, Mapping):
        yield f"{where} is a JSON object of type {field.type}"
    else:
        yield from _object(where, value, field, exists)


def _text(where: str, value: Any, field: FieldRule) -> Iterator[str]:
    if not isinstance(value, str) or not _TEXT[field.type].fullmatch(value):
        yield f"{where} is no {field.type} ({_wanted(field)})"
    elif field.type in _DATES and span_of(value) is None:
        yield f"{where}: {value[:40]!r} is no date such as 2026-03-02 or 2026-03-02T08:30:00+00:00"
    elif field.allowed and value not in field.allowed:
        yield f"{where}: {value[:40]!r} is not one of {', '.join(field.allowed)}"


def _object(where: str, value: Resource, field: FieldRule, exists: Callable[[str], bool]) -> Iterator[str]:
    allowed = _PARTS.get(field.type, "").split()
    if allowed and (other := next((name for name in value if name not in allowed and not name.startswith("_")), None)):
        yield f"{where} ({field.type}) has no {str(other)[:40]!r}: it may hold {', '.join(allowed)}"
    if field.type == "Reference":
        yield from _reference(where, value, field.allowed, exists)
    elif field.type == "Quantity":
        yield from _number(where, value.get("value"))
    elif field.type in ("CodeableConcept", "Coding"):
        yield from _coded(where, value)
    else:
        yield from _inner(where, value, exists)


def _number(where: str, number: Any) -> Iterator[str]:
    if isinstance(number, bool) or not isinstance(number, int | float):
        yield f"{where}.value is a number"
    elif not -MOST_NUMBER < number < MOST_NUMBER:  # nor is it NaN
        yield f"{where}.value is a number that can be measured"


def _coded(where: str, value: Resource) -> Iterator[str]:
    coded = list(codings(value))
    if not coded and not isinstance(value.get("text"), str):
        yield f"{where} needs a coding (system and code) or a text"
    for coding in coded:
        system, code = coding.get("system", ""), coding.get("code", "")
        if not isinstance(system, str) or not isinstance(code, str) or not code:
            yield f"{where}: a coding has a system and a code"
        elif problem := problem_with(system, code):
            yield f"{where}: {problem[:300]}"


def _inner(where: str, value: Any, exists: Callable[[str], bool], depth: int = 8) -> Iterator[str]:
    """References, codings and quantities inside of what has no rule of its own."""
    if depth and isinstance(value, list):
        for element in value:
            yield from _inner(where, element, exists, depth - 1)
    elif depth and isinstance(value, Mapping):
        if isinstance(value.get("reference"), str):
            yield from _reference(where, value, (), exists)
        if isinstance(value.get("coding"), list):
            yield from _coded(where, value)
        for name, element in value.items():
            if isinstance(element, Mapping) and name.lower().endswith("quantity"):
                yield from _number(f"{where}.{name}", element.get("value"))
            if isinstance(element, list | Mapping):
                yield from _inner(f"{where}.{name}", element, exists, depth - 1)


def _reference(where: str, value: Resource, types: tuple[str, ...], exists: Callable[[str], bool]) -> Iterator[str]:
    text = value.get("reference")
    if not isinstance(text, str):
        if not value.get("identifier") and not value.get("display"):
            yield f'{where} needs a reference, e.g. {{"reference": "{(types or ("Patient",))[0]}/ID"}}'
        return
    target = reference_of(text)
    if types and target.partition("/")[0] not in types:
        yield f'{where}: {text[:80]!r} is no reference to {" or ".join(types)}, e.g. "{types[0]}/ID"'
    elif not target or not exists(target):
        yield f"{where}: there is no {text[:80]!r}"


def _transition(before: str, after: str, rule: Rule) -> Iterator[str]:
    follows = (rule.transitions or {}).get(before)
    if follows is not None and after != before and after not in follows.split():
        may = f"it may become {', '.join(follows.split())}" if follows else "it stays as it is"
        yield f"status cannot go from {before} to {after!r}: {may}"


def _wanted(field: FieldRule) -> str:
    if field.allowed and field.type == "code":
        return f"one of {', '.join(field.allowed)}"
    examples = {
        "date": "e.g. 2026-03-02",
        "dateTime": "e.g. 2026-03-02T08:30:00+00:00",
        "instant": "e.g. 2026-03-02T08:30:00Z",
    }
    return examples.get(field.type, f"{field.type}{', a list' if field.many else ''}")
