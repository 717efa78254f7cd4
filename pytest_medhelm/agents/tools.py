"""The tool table: what an agent can do in the hospital, as functions of (state, arguments).

A tool returns the state after it and a text; what it refuses it explains, so that the agent can do better.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pytest_medhelm.agents.hospital.codes import find
from pytest_medhelm.agents.hospital.elements import Resource, text_of_binary
from pytest_medhelm.agents.hospital.errors import FhirError
from pytest_medhelm.agents.hospital.operations import create, read, transaction, update
from pytest_medhelm.agents.hospital.search import search
from pytest_medhelm.agents.hospital.state import Hospital
from pytest_medhelm.agents.hospital.values import attachment
from pytest_medhelm.util.json_types import JsonObject

MOST_OUTPUT = 10_000
"""Characters of a result that an agent gets."""
MOST_ARGUMENTS = 100_000
"""Characters of a call's arguments as JSON."""
AGENT = "agent"
"""By whom the audit log says that a change was made."""
CallStatus = Literal["ok", "refused", "malformed"]
"""``refused``: by the hospital; ``malformed``: no such tool, or arguments that it does not take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to."""

    state: Hospital
    status: CallStatus
    text: str
    refs: tuple[str, ...] = ()
    """``Type/id`` of the resources that it returned."""


@dataclass(frozen=True)
class Tool:
    """One entry of the table."""

    name: str
    description: str
    parameters: JsonObject
    """The properties of a JSON schema."""
    required: tuple[str, ...]
    run: Callable[[Hospital, JsonObject], tuple[Hospital, Any]]

    @cached_property
    def schema(self) -> JsonObject:
        """As OpenAI's API takes it."""
        parameters = {"type": "object", "properties": dict(self.parameters), "required": list(self.required)}
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": parameters},
        }


def call(tools: Sequence[Tool], state: Hospital, name: str, arguments: Any) -> Outcome:
    """Carry out one call. It raises nothing: whatever an agent sends gets an answer."""
    tool = next((offered for offered in tools if offered.name == name), None)
    if tool is None:
        return _malformed(
            state, f"there is no tool {name[:60]!r}: use one of {', '.join(offered.name for offered in tools)}"
        )
    problem = _problem_with(tool, arguments)
    if problem:
        return _malformed(state, problem)
    try:
        after, result = tool.run(state, arguments)
    except FhirError as error:
        return Outcome(state, "refused", _cut("Refused: " + "; ".join(error.issues)))
    except RecursionError:
        return _malformed(state, "the arguments are nested too deeply")
    except ValueError:  # half an IPv6 address, a number of 5,000 digits
        return _malformed(state, "the arguments hold an address or a number that cannot be read")
    text = result if isinstance(result, str) else _json(result)
    shown = _cut(text)
    return Outcome(after, "ok", shown, tuple(_refs(result, "" if shown == text else shown)))


def _malformed(state: Hospital, problem: str) -> Outcome:
    return Outcome(state, "malformed", f"Error: {problem}")


def _problem_with(tool: Tool, arguments: Any) -> str:
    """Why arguments cannot be taken; empty when they can."""
    if not isinstance(arguments, Mapping):
        return f"the arguments of {tool.name} are a JSON object with {', '.join(tool.parameters)}"
    try:
        size = len(json.dumps(arguments))
    except (RecursionError, ValueError, TypeError):
        return "the arguments are nested too deeply"
    if size > MOST_ARGUMENTS:
        return f"the arguments have {size:,} characters; at most {MOST_ARGUMENTS:,} are taken"
    missing = [name for name in tool.required if name not in arguments]
    if missing:
        return f"{tool.name} needs {', '.join(missing)}"
    for name, value in arguments.items():
        if name not in tool.parameters:
            return f"{tool.name} takes no {str(name)[:60]!r}: it takes {', '.join(tool.parameters)}"
        wanted = tool.parameters[name]["type"]
        if not isinstance(value, {"string": str, "object": Mapping}[wanted]):
            return f"{name} of {tool.name} is {'a text' if wanted == 'string' else 'a JSON object'}"
    return ""


def _cut(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()  # half a character that was asked for stands in its refusal
    if len(text) <= MOST_OUTPUT:
        return text
    more = len(text) - MOST_OUTPUT
    return (
        f"{text[:MOST_OUTPUT]}\n[cut: {more:,} characters more. Ask for less: add parameters such as code, date or "
        'status, sort the newest first with "_sort": "-date", or take a few with "_count": "10"]'
    )


def _readable(result: Any) -> Any:
    """With texts in place of their base64, and without what says nothing to an agent."""
    if isinstance(result, Mapping):
        if isinstance(result.get("data"), str) and str(result.get("contentType", "")).startswith("text/"):
            return {**result, "data": text_of_binary(result)}
        return {name: _readable(value) for name, value in result.items() if name not in ("fullUrl", "search")}
    return [_readable(item) for item in result] if isinstance(result, list) else result


def _json(result: Any) -> str:
    return json.dumps(_readable(result), ensure_ascii=False, separators=(",", ":"))


def _is_shown(resource: Any, cut: str) -> bool:
    return not cut or _json(resource) in cut


def _refs(result: Any, cut: str) -> Iterator[str]:
    """What the agent saw. ``cut``: the text where it is not the whole, which holds a resource to its end or not."""
    if isinstance(result, Mapping) and result.get("resourceType") == "Bundle":
        for entry in result.get("entry", ()):
            yield from _refs(entry.get("resource"), cut)
    elif isinstance(result, Mapping) and "resourceType" in result and "id" in result and _is_shown(result, cut):
        yield f"{result['resourceType']}/{result['id']}"


def _search(state: Hospital, arguments: JsonObject) -> tuple[Hospital, Resource]:
    parameters: list[tuple[str, str]] = []
    for name, value in (arguments.get("parameters") or {}).items():
        for item in value if isinstance(value, list) else [value]:
            parameters.append((name, str(item).lower() if isinstance(item, bool) else str(item)))
    return state, search(state, arguments["resource_type"], parameters)


def _create(state: Hospital, arguments: JsonObject) -> tuple[Hospital, Resource]:
    return create(state, arguments["resource"], AGENT)


def _update(state: Hospital, arguments: JsonObject) -> tuple[Hospital, Resource]:
    resource = arguments["resource"]
    return update(state, str(resource.get("resourceType")), str(resource.get("id")), resource, AGENT)


def _write_note(state: Hospital, arguments: JsonObject) -> tuple[Hospital, Resource]:
    return create(state, {
        "resourceType": "DocumentReference", "status": "current", "type": {"text": arguments["title"]},
        "subject": {"reference": f"Patient/{arguments['patient']}"}, "date": state.now.isoformat(),
        "description": arguments["title"], "content": [{"attachment": attachment(arguments["text"])}],
    }, AGENT)  # fmt: skip


def _send_message(state: Hospital, arguments: JsonObject) -> tuple[Hospital, Resource]:
    patient, to = arguments["patient"], arguments["to"]
    message: dict[str, Any] = {
        "resourceType": "Communication", "status": "completed", "subject": {"reference": f"Patient/{patient}"},
        "sent": state.now.isoformat(), "payload": [{"contentString": arguments["text"]}],
        "recipient": [{"reference": f"Patient/{patient}" if to == "patient" else f"Practitioner/{to}"}],
    }  # fmt: skip
    if arguments.get("answers"):
        message["inResponseTo"] = [{"reference": f"Communication/{arguments['answers']}"}]
    return create(state, message, AGENT)


def _find_code(state: Hospital, arguments: JsonObject) -> tuple[Hospital, Any]:
    concepts = [{"system": system, "code": code, "display": name} for system, code, name in find(arguments["words"])]
    return state, concepts or f"no code is called {arguments['words'][:60]!r}: try fewer or other words"


_TEXT, _OBJECT = {"type": "string"}, {"type": "object"}
HOSPITAL_TOOLS: tuple[Tool, ...] = (
    Tool(
        "search",
        "Search FHIR R4 resources. parameters: an object such as "
        '{"patient": "p0001", "code": "2823-3", "date": "ge2026-01-01", "_sort": "-date", "_count": "5"}. '
        "Returns a Bundle.",
        {"resource_type": _TEXT, "parameters": _OBJECT},
        ("resource_type",),
        _search,
    ),
    Tool(
        "read",
        "Read one FHIR resource by its type and id. The texts of documents are shown.",
        {"resource_type": _TEXT, "id": _TEXT},
        ("resource_type", "id"),
        lambda state, arguments: (state, read(state, arguments["resource_type"], arguments["id"])),
    ),
    Tool(
        "create",
        "Create a FHIR R4 resource: an order (MedicationRequest, ServiceRequest), an Appointment, Task, Claim, ... "
        "Returns it with its id, or says what is wrong with it; nothing is written then.",
        {"resource": _OBJECT},
        ("resource",),
        _create,
    ),
    Tool(
        "update",
        "Replace a FHIR resource by a new version of it: read it, change it, send it whole, with its id.",
        {"resource": _OBJECT},
        ("resource",),
        _update,
    ),
    Tool(
        "transaction",
        "Carry out several writes as a FHIR Bundle of type transaction: all of them, or none.",
        {"bundle": _OBJECT},
        ("bundle",),
        lambda state, arguments: transaction(state, arguments["bundle"], AGENT),
    ),
    Tool(
        "find_code",
        "Look up the code of a medicine, test, service, problem or vaccine by words of its name.",
        {"words": _TEXT},
        ("words",),
        _find_code,
    ),
    Tool(
        "write_note",
        "Write a note into a patient's chart.",
        {"patient": _TEXT, "title": _TEXT, "text": _TEXT},
        ("patient", "title", "text"),
        _write_note,
    ),
    Tool(
        "send_message",
        'Send a message about a patient: to is "patient" or a practitioner\'s id; answers is the id of the '
        "Communication that it answers, if any.",
        {"patient": _TEXT, "to": _TEXT, "text": _TEXT, "answers": _TEXT},
        ("patient", "to", "text"),
        _send_message,
    ),
)
"""What an agent has in the embedded hospital."""
