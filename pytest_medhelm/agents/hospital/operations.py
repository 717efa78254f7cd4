"""FHIR's interactions as functions of a state: each returns the state after it and what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pytest_medhelm.agents.hospital.elements import NewResource, Resource, reference_of
from pytest_medhelm.agents.hospital.errors import FhirError
from pytest_medhelm.agents.hospital.search import search
from pytest_medhelm.agents.hospital.state import Hospital, Key
from pytest_medhelm.agents.hospital.validate import check, rule_of
from pytest_medhelm.agents.hospital.when import stamp

MOST_ENTRIES = 50
"""Of one transaction."""
MOST_SEARCHES = 5


def read(state: Hospital, kind: str, identifier: str) -> Resource:
    """A resource. Raises FhirError when there is none."""
    rule_of(kind)
    resource = state.get((kind, identifier))
    if resource is None:
        gone = (kind, identifier) in state.overlay
        raise FhirError(
            410 if gone else 404, "deleted" if gone else "not-found", f"there is no {kind}/{identifier[:64]}"
        )
    return resource


def create(state: Hospital, resource: Any, by: str) -> tuple[Hospital, Resource]:
    """A new resource, with an id of the hospital's choice. Raises FhirError."""
    check(resource, None, state.exists)
    kind = resource["resourceType"]
    identifier = state.new_id(kind)
    stored = _stamped({**resource, "id": identifier}, state, 1)
    return state.with_change((kind, identifier), stored, by), stored


def update(state: Hospital, kind: str, identifier: str, resource: Any, by: str) -> tuple[Hospital, Resource]:
    """A resource replaced by another version of itself. Raises FhirError."""
    before = read(state, kind, identifier)
    if (
        not isinstance(resource, Mapping)
        or resource.get("resourceType") != kind
        or resource.get("id", identifier) != identifier
    ):
        raise FhirError(400, "invalid", f"the resource must have resourceType {kind!r} and id {identifier[:64]!r}")
    check(resource, before, state.exists)
    version = int(str(before.get("meta", {}).get("versionId", "1")))
    stored = _stamped({**resource, "id": identifier}, state, version + 1)
    return state.with_change((kind, identifier), stored, by), stored


def delete(state: Hospital, kind: str, identifier: str, by: str) -> Hospital:
    """A resource removed. Raises FhirError."""
    read(state, kind, identifier)
    return state.with_change((kind, identifier), None, by)


def require_version(resource: Resource, wanted: str) -> None:
    """Raise FhirError where a resource has another version than If-Match names."""
    version = str(resource.get("meta", {}).get("versionId", "1"))
    if wanted.strip() != "*" and wanted.strip().removeprefix("W/").strip('"') != version:
        raise FhirError(412, "conflict", f"the resource has version {version}: read it again")


def one_that_matches(state: Hospital, kind: str, condition: str) -> Resource | None:
    """What If-None-Exist finds; None where it finds nothing. Raises FhirError where it finds several."""
    bundle = search(state, kind, parse_qsl(condition.partition("?")[2] or condition, max_num_fields=200))
    if bundle["total"] > 1:
        raise FhirError(412, "multiple-matches", f"{bundle['total']} resources match If-None-Exist")
    resource: Resource | None = bundle["entry"][0]["resource"] if bundle["total"] else None
    return resource


def transaction(state: Hospital, bundle: Any, by: str) -> tuple[Hospital, NewResource]:
    """All entries of a Bundle, or none. An entry may refer to another one by its fullUrl (urn:uuid:...)."""
    entries = bundle.get("entry") if isinstance(bundle, Mapping) and bundle.get("resourceType") == "Bundle" else None
    if not isinstance(entries, list) or bundle.get("type") not in ("transaction", "batch"):
        raise FhirError(400, "structure", 'a transaction is a Bundle of type "transaction" with a list entry')
    if len(entries) > MOST_ENTRIES:
        raise FhirError(400, "too-costly", f"a transaction has at most {MOST_ENTRIES} entries")
    known: dict[str, str] = {}
    answers: dict[int, NewResource] = {}
    if sum(_is_search(entry) for entry in entries) > MOST_SEARCHES:
        raise FhirError(400, "too-costly", f"a transaction has at most {MOST_SEARCHES} searches")
    for number in _in_order(entries) if bundle["type"] == "transaction" else range(len(entries)):
        try:
            state, answers[number] = _one(state, entries[number], known, by)
        except FhirError as error:
            if bundle["type"] == "transaction":
                raise FhirError(
                    error.status, error.code, [f"entry {number + 1}: {text}" for text in error.issues]
                ) from None
            answers[number] = {"response": {"status": str(error.status), "outcome": error.outcome()}}
    ordered = [answers[number] for number in range(len(entries))]
    return state, {"resourceType": "Bundle", "type": f"{bundle['type']}-response", "entry": ordered}


def _in_order(entries: Sequence[Any]) -> list[int]:
    """The entries' numbers as R4 has them carried out: DELETE, POST, PUT, GET, and what is referred to comes first."""
    methods = ("DELETE", "POST", "PUT", "GET")
    given = [entry if isinstance(entry, Mapping) else {} for entry in entries]
    asked = [next((part for part in [entry.get("request")] if isinstance(part, Mapping)), {}) for entry in given]
    ranks = [methods.index(method) if (method := request.get("method")) in methods else 0 for request in asked]
    waiting = sorted(range(len(entries)), key=ranks.__getitem__)
    names = {str(given[number].get("fullUrl")): number for number in waiting if ranks[number] == 1}
    needed = {number: {names.get(name) for name in _references(entries[number])} - {number} for number in waiting}
    order: list[int] = []
    while waiting:
        first = next((number for number in waiting if not needed[number].intersection(waiting)), waiting[0])
        waiting.remove(first)
        order.append(first)
    return order


def _references(value: Any) -> Iterator[str]:
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, Mapping):
            if isinstance(part.get("reference"), str):
                yield part["reference"]
            parts += part.values()
        elif isinstance(part, list):
            parts += part


def _is_search(entry: Any) -> bool:
    request = entry.get("request") if isinstance(entry, Mapping) else None
    url = request.get("url") if isinstance(request, Mapping) and request.get("method") == "GET" else None
    return isinstance(url, str) and "/" not in url.partition("?")[0].strip("/")


def _one(state: Hospital, entry: Any, known: dict[str, str], by: str) -> tuple[Hospital, NewResource]:
    request = entry.get("request") if isinstance(entry, Mapping) else None
    if not isinstance(request, Mapping) or not isinstance(request.get("url"), str):
        raise FhirError(
            400, "structure", 'an entry has a request with method and url, e.g. {"method": "POST", "url": "Task"}'
        )
    method, url = request.get("method"), urlsplit(request["url"])
    kind, _, identifier = url.path.strip("/").partition("/")
    resource = _resolved(entry.get("resource"), known)
    if method == "POST":
        condition = request.get("ifNoneExist")
        same = one_that_matches(state, kind, condition) if isinstance(condition, str) else None
        if same is not None:
            known[str(entry.get("fullUrl"))] = location = f"{kind}/{same['id']}"
            return state, {"resource": same, "response": {"status": "200", "location": location}}
        if isinstance(resource, Mapping) and resource.get("resourceType") != kind:
            raise FhirError(
                400, "invalid", f"the url says {kind[:40]!r}, the resource {str(resource.get('resourceType'))[:40]!r}"
            )
        state, stored = create(state, resource, by)
        if isinstance(entry.get("fullUrl"), str):
            known[entry["fullUrl"]] = f"{kind}/{stored['id']}"
        return state, {"resource": stored, "response": {"status": "201", "location": f"{kind}/{stored['id']}"}}
    if method in ("PUT", "DELETE") and isinstance(request.get("ifMatch"), str):
        require_version(read(state, kind, identifier), request["ifMatch"])
    if method == "PUT":
        state, stored = update(state, kind, identifier, resource, by)
        return state, {"resource": stored, "response": {"status": "200", "location": f"{kind}/{identifier}"}}
    if method == "DELETE":
        return delete(state, kind, identifier, by), {"response": {"status": "204"}}
    if method == "GET":
        result = read(state, kind, identifier) if identifier else search(state, kind, parse_qsl(url.query))
        return state, {"resource": result, "response": {"status": "200"}}
    raise FhirError(405, "not-supported", f"the method {str(method)[:20]!r} is not one of GET, POST, PUT, DELETE")


def _resolved(value: Any, known: Mapping[str, str], depth: int = 40) -> Any:
    if depth == 0:
        raise FhirError(400, "too-costly", "the resource is nested too deeply")
    if isinstance(value, Mapping):
        return {
            name: known.get(item, item)
            if name == "reference" and isinstance(item, str)
            else _resolved(item, known, depth - 1)
            for name, item in value.items()
        }
    return [_resolved(item, known, depth - 1) for item in value] if isinstance(value, list) else value


def _stamped(resource: NewResource, state: Hospital, version: int) -> NewResource:
    meta = resource.get("meta") if isinstance(resource.get("meta"), Mapping) else {}
    return {**resource, "meta": {**(meta or {}), "versionId": str(version), "lastUpdated": stamp(state.now)}}


def key_of(reference: str) -> Key:
    """Type and id of ``Type/id``."""
    kind, _, identifier = reference_of(reference).partition("/")
    return kind, identifier
