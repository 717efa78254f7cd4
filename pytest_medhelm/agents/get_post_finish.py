"""The protocol of MedAgentBench (https://github.com/stanfordmlgroup/MedAgentBench): an agent writes ``GET address``,
``POST address`` with JSON below it, or ``FINISH([answers])``, one in each turn; anything else ends the episode.

A GET is answered from the record, or from a FHIR server of the user's. A POST is acknowledged and kept, and changes
nothing that a GET finds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pytest_medhelm.agents.episode import Environment, Limits
from pytest_medhelm.agents.hospital.elements import Resource
from pytest_medhelm.agents.hospital.operations import read
from pytest_medhelm.agents.hospital.search import MOST_PAGE, search
from pytest_medhelm.agents.hospital.state import Hospital
from pytest_medhelm.agents.own_server import ServerPopulation
from pytest_medhelm.agents.protocols import Chat, Turn, Wanted
from pytest_medhelm.agents.tools import AGENT, Outcome, Tool
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.util.json_types import JsonObject

API_BASE = "http://localhost:8080/fhir"
"""The address that prompts name; nothing is sent there."""
ROUNDS = 8
_ACTION = re.compile(r"(GET|POST|FINISH)\b")
KEPT = "kept-post"
"""Type under which a POST is kept in the audit log, so that no search finds it."""


class GetPostFinish:
    """Reads the three actions."""

    name = "get_post_finish"

    def opening(self, messages: Chat, tools: Sequence[Tool]) -> Chat:
        return messages

    def sampling(self, tools: Sequence[Tool]) -> JsonObject:
        return {}

    def read(self, text: str, thinking: str, completion: Completion, tools: Sequence[Tool]) -> Turn:
        action = _ACTION.match(text.strip())
        problem = "a reply begins with GET, POST or FINISH"
        if action is None:
            return Turn(text, thinking, problem=problem)
        rest = text.strip()[action.end() :].strip()
        if action[0] == "FINISH":
            inner = rest.removeprefix("(").rpartition(")")[0] if rest.startswith("(") else rest
            return Turn(text, thinking, answer=inner or "[]")
        if action[0] == "GET":
            return Turn(text, thinking, (Wanted("GET", {"address": rest.split()[0] if rest else ""}),))
        address, _, body = rest.partition("\n")
        return Turn(text, thinking, (Wanted("POST", {"address": address.strip(), "body": body.strip()}),))

    def messages_of(self, turn: Turn, step: int, outcomes: Sequence[Outcome]) -> Chat:
        reply = outcomes[0].text if outcomes else turn.problem
        return [{"role": "assistant", "content": turn.text}, {"role": "user", "content": reply}]


def _get(state: Hospital, arguments: JsonObject) -> tuple[Hospital, Any]:
    if isinstance(state.population, ServerPopulation):
        return state, state.population.server.get(arguments["address"])
    parts = urlsplit(arguments["address"])
    kind, _, identifier = parts.path.removeprefix(urlsplit(API_BASE).path).strip("/").partition("/")
    if identifier:
        return state, read(state, kind, identifier)
    return state, search(state, kind, parse_qsl(parts.query))


def _post(state: Hospital, arguments: JsonObject) -> tuple[Hospital, str]:
    try:
        body = json.loads(arguments["body"])
    except (ValueError, RecursionError):
        return state, "The JSON of this POST cannot be read, so that it was not accepted. Send it again."
    kept = {"resourceType": KEPT, "id": f"post-{len(state.changes) + 1}", "address": arguments["address"], "body": body}
    after = state.with_change((KEPT, kept["id"]), kept, AGENT)
    return after, "The POST was accepted. Call FINISH when nothing else is to be done."


_TEXT = {"type": "string"}
TOOLS = (
    Tool("GET", "Search or read FHIR resources.", {"address": _TEXT}, ("address",), _get),
    Tool("POST", "Create a FHIR resource.", {"address": _TEXT, "body": _TEXT}, ("address", "body"), _post),
)


def get_post_finish(state: Hospital) -> Environment:
    """An environment with this protocol, of eight rounds."""
    return Environment(state, TOOLS, Limits(steps=ROUNDS, malformed=1), GetPostFinish(), own_server=True)


def find_all(state: Hospital, kind: str, **parameters: str) -> list[Resource]:
    """All that a search of the record finds, however many pages it has."""
    if isinstance(state.population, ServerPopulation):
        return state.population.server.find_all(kind, list(parameters.items()))
    bundle = search(state, kind, [*parameters.items(), ("_count", str(MOST_PAGE))])
    return [entry["resource"] for entry in bundle.get("entry", ())]


Posts = list[tuple[str, Any]]
"""(resource type, body) of POSTs."""


def posts(state: Hospital) -> Posts:
    """(resource type that it was sent to, body) of each POST that was accepted, in order."""
    kept = [change.after for change in state.changes if change.key[0] == KEPT and change.after is not None]
    return [(urlsplit(post["address"]).path.rstrip("/").rpartition("/")[2], post["body"]) for post in kept]
