"""FHIR searches: parameters, chaining, sorting, paging, includes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from pytest_medhelm.agents.hospital.elements import (
    NewResource,
    Resource,
    reference_of,
    text_of_concept,
    values_at,
)
from pytest_medhelm.agents.hospital.errors import FhirError
from pytest_medhelm.agents.hospital.matching import matches
from pytest_medhelm.agents.hospital.rules import Rule, rules
from pytest_medhelm.agents.hospital.state import Hospital
from pytest_medhelm.agents.hospital.validate import rule_of
from pytest_medhelm.agents.hospital.when import span_of

PAGE, MOST_PAGE = 50, 200
MOST_CONDITIONS = 40
MOST_SORT_KEYS = 5
MOST_COMPARISONS = 50_000
"""Of values with resources in one search: an episode may not hold up the others."""
MODIFIERS = {"token": ("not", "text"), "string": ("exact", "contains")}
"""By the kind of a parameter, besides missing, and of a reference a resource type."""
Parameters = Sequence[tuple[str, str]]
_PATIENT = ("patient", "subject", "beneficiary")
_ONE_ID = re.compile(r"(Patient/)?[A-Za-z0-9.-]{1,64}")
_TO = {"patient": "Patient", "subject": "Patient", "beneficiary": "Patient"}


def search(state: Hospital, kind: str, parameters: Parameters) -> NewResource:
    """A Bundle of what is found. Raises FhirError for parameters that mean nothing, naming those that do."""
    rule = rule_of(kind)
    if len(parameters) > MOST_CONDITIONS:
        raise FhirError(400, "too-costly", f"a search has at most {MOST_CONDITIONS} parameters")
    asked = [(name, value) for name, value in parameters if not _is_control(name)]
    for name, value in asked:
        _require_meaning(kind, rule, name, value)
    controls = {name: value for name, value in parameters if _is_control(name)}
    candidates, conditions = _candidates(state, kind, rule, asked)
    hits = list(candidates)
    if len(hits) * sum(value.count(",") for _, value in conditions) > MOST_COMPARISONS:
        raise FhirError(400, "too-costly", "too many values behind commas: name a patient, or fewer of them at once")
    for name, value in conditions:
        hits = [resource for resource in hits if _matches(state, kind, rule, resource, name, value)]
    if "_sort" in controls:
        hits = _sorted(hits, rule, kind, controls["_sort"])
    offset, count = _whole(controls, "_offset", 0), min(MOST_PAGE, _whole(controls, "_count", PAGE))
    page = hits[offset : offset + count] if controls.get("_summary") != "count" else []
    included = _included(state, kind, page, [value for name, value in parameters if name == "_include"], rule)
    bundle: NewResource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(hits),
        "entry": [_entry(resource, "match") for resource in page]
        + [_entry(resource, "include") for resource in included],
        "link": [{"relation": "self", "url": _link(kind, parameters)}],
    }
    if page and offset + count < len(hits):
        rest = [(name, value) for name, value in parameters if name not in ("_offset", "_count")]
        bundle["link"].append(
            {"relation": "next", "url": _link(kind, [*rest, ("_count", str(count)), ("_offset", str(offset + count))])}
        )
    if not bundle["entry"]:
        del bundle["entry"]
    return bundle


def _is_control(name: str) -> bool:
    return name in ("_count", "_offset", "_sort", "_include", "_format", "_summary", "_total", "_elements", "_pretty")


def _whole(controls: dict[str, str], name: str, default: int) -> int:
    text = controls.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise FhirError(400, "invalid", f"{name}={text[:20]!r} is no whole number")
    return int(text)


def _entry(resource: Resource, mode: str) -> NewResource:
    return {"fullUrl": f"{resource['resourceType']}/{resource['id']}", "resource": resource, "search": {"mode": mode}}


def _link(kind: str, parameters: Parameters) -> str:
    return f"{kind}?{urlencode(list(parameters), safe=':|,/')}"


def _candidates(
    state: Hospital, kind: str, rule: Rule, conditions: Parameters
) -> tuple[Iterable[Resource], Parameters]:
    """All of a type, or of one chart, and the conditions that are left: most searches name a patient."""
    for index, (name, value) in enumerate(conditions):
        others = [*conditions[:index], *conditions[index + 1 :]]
        if name in _PATIENT and name in rule.search and _ONE_ID.fullmatch(value):
            return state.all(kind, value.removeprefix("Patient/")), others
        if name == "_id" and _ONE_ID.fullmatch(value):
            resource = state.get((kind, value))
            return [resource] if resource is not None else [], others
    return state.all(kind), conditions


def _require_meaning(kind: str, rule: Rule, name: str, value: str) -> None:
    """Raise FhirError for a parameter that would find nothing because it means nothing."""
    plain, _, chained = name.partition(".")
    plain, _, modifier = plain.partition(":")
    if plain not in rule.search:
        raise FhirError(
            400, "not-supported", f"{kind} cannot be searched by {plain[:60]!r}: use {', '.join(sorted(rule.search))}"
        )
    how = rule.search[plain][0]
    known = ("missing", *MODIFIERS.get(how, ()), *(rules() if how == "reference" else ()))
    if modifier and modifier not in known:
        raise FhirError(400, "not-supported", f"{plain} has no modifier {modifier[:60]!r}: use {', '.join(known)}")
    if modifier == "missing" and value not in ("true", "false"):
        raise FhirError(400, "invalid", f"{plain}:missing is true or false")
    if chained and how != "reference":
        raise FhirError(400, "not-supported", f"{plain} of {kind} is no reference, so that nothing follows a dot")
    target = _TO.get(plain, modifier)
    if chained and target in rules():
        _require_meaning(target, rules()[target], chained, value)


def _matches(state: Hospital, kind: str, rule: Rule, resource: Resource, name: str, value: str) -> bool:
    name, dot, chained = name.partition(".")
    name, _, modifier = name.partition(":")
    how, paths = rule.search[name]
    values = [element for path in paths for element in values_at(resource, path)]
    if modifier == "missing":
        return bool(values) != (value == "true")
    if dot:
        return any(_chained(state, element, _TO.get(name, modifier), chained, value) for element in values)
    if modifier == "not":
        return not any(matches(how, element, option, "") for element in values for option in value.split(","))
    return any(matches(how, element, option, modifier) for option in value.split(",") for element in values)


def _chained(state: Hospital, value: Any, kind: str, name: str, wanted: str) -> bool:
    """Whether what a reference leads to matches, e.g. ``patient.name=smith``."""
    target_kind, _, identifier = reference_of(value).partition("/")
    target = state.get((target_kind, identifier))
    if target is None or (kind and kind != target_kind):
        return False
    return _matches(state, target_kind, rule_of(target_kind), target, name, wanted)


def _sorted(resources: list[Resource], rule: Rule, kind: str, wanted: str) -> list[Resource]:
    if wanted.count(",") >= MOST_SORT_KEYS:
        raise FhirError(400, "too-costly", f"a search is sorted by at most {MOST_SORT_KEYS} parameters")
    for name in reversed(wanted.split(",")):
        plain = name.lstrip("-")
        if plain not in rule.search:
            raise FhirError(
                400, "not-supported", f"{kind} cannot be sorted by {plain[:60]!r}: use {', '.join(sorted(rule.search))}"
            )
        paths = rule.search[plain][1]

        def key(resource: Resource, paths: tuple[str, ...] = paths) -> tuple[bool, str]:
            first = next((value for path in paths for value in values_at(resource, path)), None)
            if isinstance(first, dict):
                first = (
                    first.get("start")
                    or first.get("value")
                    or text_of_concept(first)
                    or json.dumps(first, sort_keys=True)
                )
            span = span_of(first) if isinstance(first, str) else None
            return first is None, span[0].isoformat() if span else str(first).lower()

        resources = sorted(resources, key=key, reverse=name.startswith("-"))
    return resources


def _included(
    state: Hospital, kind: str, page: Sequence[Resource], wanted: Sequence[str], rule: Rule
) -> list[Resource]:
    seen = {(resource["resourceType"], "/", resource["id"]) for resource in page}
    included: list[Resource] = []
    for include in wanted:
        source, name, to = [*include.split(":"), "", ""][:3]
        if source != kind or name not in rule.search or rule.search[name][0] != "reference":
            names = sorted(key for key, (how, _) in rule.search.items() if how == "reference")
            raise FhirError(
                400,
                "not-supported",
                f"_include={include[:60]!r}: write {kind}:NAME, where NAME is one of {', '.join(names)}",
            )
        for resource in page:
            for path in rule.search[name][1]:
                for value in values_at(resource, path):
                    target_kind, _, identifier = key = reference_of(value).partition("/")
                    target = state.get((target_kind, identifier))
                    if target is not None and key not in seen and to in ("", target_kind):
                        seen.add(key)
                        included.append(target)
    return included
