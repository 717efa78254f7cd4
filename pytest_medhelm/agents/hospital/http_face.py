"""FHIR's REST interface as a function: a request and a state give an answer and the state after it.

The server adds sockets to it; a replay needs none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_medhelm.agents.hospital.codes import find
from pytest_medhelm.agents.hospital.elements import NewResource, Resource
from pytest_medhelm.agents.hospital.errors import FhirError
from pytest_medhelm.agents.hospital.operations import (
    create,
    delete,
    one_that_matches,
    read,
    require_version,
    transaction,
    update,
)
from pytest_medhelm.agents.hospital.rules import rules
from pytest_medhelm.agents.hospital.search import search
from pytest_medhelm.agents.hospital.state import Hospital
from pytest_medhelm.agents.hospital.when import stamp

MOST_BODY = 1_000_000
"""Bytes of a request's body."""
MEDIA_TYPE = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets."""

    state: Hospital
    status: int
    body: Any
    """As JSON; None for no body."""
    headers: Mapping[str, str] = field(default_factory=dict)


CONDITIONS = ("If-Match", "If-None-Exist")
"""Headers under whose condition something is written."""


def respond(
    state: Hospital, method: str, target: str, body: bytes | str, by: str, *, condition: str = "", base: str = ""
) -> Answer:
    """Answer one request. ``target``: path below the base URL with its query; ``base``: for absolute addresses.

    ``condition``: a header of CONDITIONS with its value. It raises nothing: whatever is sent gets an OperationOutcome.
    """
    try:
        response = _conditional(state, method, target, condition, base)
        return response or _routed(state, method, target, body, by, base)
    except FhirError as error:
        return Answer(state, error.status, error.outcome())
    except (RecursionError, ValueError):  # also too many parameters, half an IPv6 address
        return Answer(state, 400, FhirError(400, "structure", "the address or the body cannot be read").outcome())


def _routed(state: Hospital, method: str, target: str, body: bytes | str, by: str, base: str) -> Answer:
    parts = urlsplit(target)
    path = [unquote(part) for part in parts.path.split("/") if part]
    query = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=200)
    match method, path:
        case "GET", ["metadata"]:
            return Answer(state, 200, capability_statement(state))
        case "GET", ["ValueSet", "$expand"]:
            return Answer(state, 200, _expansion(dict(query).get("filter", "")))
        case "POST", []:
            after, bundle = transaction(state, _json(body), by)
            return Answer(after, 200, bundle)
        case "GET", [kind]:
            return Answer(state, 200, _absolute(search(state, kind, query), base))
        case "POST", [kind, "_search"]:
            text = (body.decode() if isinstance(body, bytes) else body).strip()
            form = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=200)
            return Answer(state, 200, _absolute(search(state, kind, [*query, *form]), base))
        case "GET", [kind, identifier]:
            return _one(state, 200, read(state, kind, identifier), base)
        case "POST", [kind]:
            resource = _json(body)
            if isinstance(resource, Mapping) and resource.get("resourceType") != kind:
                raise FhirError(400, "invalid", f"the address says {kind[:40]!r}, the resource another type")
            after, stored = create(state, resource, by)
            return _one(after, 201, stored, base)
        case "PUT", [kind, identifier]:
            after, stored = update(state, kind, identifier, _json(body), by)
            return _one(after, 200, stored, base)
        case "DELETE", [kind, identifier]:
            return Answer(delete(state, kind, identifier, by), 204, None)
    raise FhirError(404 if method == "GET" else 405, "not-supported", f"{method} is not there for {parts.path[:80]!r}")


def _conditional(state: Hospital, method: str, target: str, condition: str, base: str) -> Answer | None:
    """The answer where a condition keeps a request from being carried out. Raises FhirError."""
    name, _, value = condition.partition(": ")
    path = [unquote(part) for part in urlsplit(target).path.split("/") if part]
    if name == "If-Match" and method in ("PUT", "DELETE") and len(path) == 2:
        require_version(read(state, *path), value)
    if name == "If-None-Exist" and method == "POST" and len(path) == 1:
        known = one_that_matches(state, path[0], value)
        return None if known is None else _one(state, 200, known, base)
    return None


def _one(state: Hospital, status: int, resource: Resource, base: str) -> Answer:
    meta = resource.get("meta", {})
    headers = {"ETag": f'W/"{meta.get("versionId", "1")}"'}
    if status == 201:
        headers["Location"] = f"{base}/{resource['resourceType']}/{resource['id']}"
    return Answer(state, status, resource, headers)


def _absolute(bundle: NewResource, base: str) -> NewResource:
    for entry in bundle.get("entry", ()):
        entry["fullUrl"] = f"{base}/{entry['fullUrl']}"
    for link in bundle["link"]:
        link["url"] = f"{base}/{link['url']}"
    return bundle


def _json(body: bytes | str) -> Any:
    try:
        return json.loads(body, parse_constant=_refused)
    except (ValueError, UnicodeError):
        raise FhirError(400, "structure", "the body is no JSON") from None


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _expansion(words: str) -> NewResource:
    concepts = [{"system": system, "code": code, "display": name} for system, code, name in find(words)]
    return {
        "resourceType": "ValueSet",
        "status": "active",
        "expansion": {"timestamp": "2026-03-02", "contains": concepts},
    }


def capability_statement(state: Hospital) -> NewResource:
    """What the hospital can do, as FHIR says it."""
    kinds = {"token": "token", "reference": "reference", "date": "date", "string": "string", "quantity": "quantity"}
    resources = [
        {
            "type": kind,
            "interaction": [{"code": code} for code in ("read", "search-type", "create", "update", "delete")],
            "versioning": "versioned",
            "updateCreate": False,
            "searchParam": [{"name": name, "type": kinds[how]} for name, (how, _) in sorted(rule.search.items())],
            "searchInclude": [f"{kind}:{name}" for name, (how, _) in rule.search.items() if how == "reference"],
        }
        for kind, rule in rules().items()
    ]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": stamp(state.now)[:10],
        "kind": "instance",
        "software": {"name": "pytest-medhelm hospital"},
        "implementation": {"description": "An embedded hospital with invented patients"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {"mode": "server", "resource": resources, "interaction": [{"code": "transaction"}, {"code": "batch"}]}
        ],
    }
