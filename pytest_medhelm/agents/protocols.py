"""How an agent says what it wants to do: by the tool calls of OpenAI's API, or as JSON in a text.

A protocol reads a turn from a completion, and writes what goes back. It knows the tools by name alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_medhelm.agents.tools import Outcome, Tool
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.util.json_types import JsonObject

MOST_CALLS = 16
"""Calls of one turn that are carried out."""
_FENCE = re.compile(r"```(?:json|JSON)?[ \t]*\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call as the agent wrote it."""

    tool: str
    arguments: Any
    """What its JSON says; None where it is none."""
    problem: str = ""
    """Why its arguments cannot be read."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What an agent said in one turn: calls, or its final answer, or neither."""

    text: str
    """Without the thinking."""
    thinking: str
    calls: tuple[Wanted, ...] = ()
    answer: str | None = None
    problem: str = ""
    """Why neither could be read, as an advice to the agent."""


Split = Callable[[Completion], tuple[str, str, bool]]
"""(answer, thinking, whether the thinking ended) of a completion."""
Chat = Sequence[JsonObject]


class Dialogue(Protocol):
    """What the loop of an episode needs of a protocol."""

    name: str

    def opening(self, messages: Chat, tools: Sequence[Tool]) -> Chat:
        """The messages with which an episode begins."""

    def sampling(self, tools: Sequence[Tool]) -> JsonObject:
        """Fields of the request's body."""

    def read(self, text: str, thinking: str, completion: Completion, tools: Sequence[Tool]) -> Turn:
        """What an agent said."""

    def messages_of(self, turn: Turn, step: int, outcomes: Sequence[Outcome]) -> Chat:
        """The messages that a turn and what came of it add to the conversation."""


class ToolCalls:
    """OpenAI's tool calls; parallel ones are carried out in their order. A turn without any is the answer."""

    name = "tools"

    def opening(self, messages: Chat, tools: Sequence[Tool]) -> Chat:
        return messages

    def sampling(self, tools: Sequence[Tool]) -> JsonObject:
        return {"tools": [tool.schema for tool in tools]}

    def read(self, text: str, thinking: str, completion: Completion, tools: Sequence[Tool]) -> Turn:
        calls = tuple(_wanted(call.name, call.arguments) for call in completion.tool_calls)
        return Turn(text, thinking, calls, None if calls else text)

    def messages_of(self, turn: Turn, step: int, outcomes: Sequence[Outcome]) -> Chat:
        # Ids of our own: those of servers differ each time, and some take only nine letters and digits.
        ids = [f"c{step:04d}{number:04d}" for number in range(len(outcomes))]
        called = [
            {
                "id": key,
                "type": "function",
                "function": {"name": wanted.tool or "none", "arguments": _text(wanted.arguments)},
            }
            for key, wanted in zip(ids, turn.calls, strict=False)
        ]
        results = [
            {"role": "tool", "tool_call_id": key, "content": outcome.text}
            for key, outcome in zip(ids, outcomes, strict=True)
        ]
        return [{"role": "assistant", "content": turn.text, "tool_calls": called}, *results]


class FencedJson:
    """A text protocol for models without tool calls: one JSON object, or a list of them, in a fence."""

    name = "text"
    _how = (
        "You work with tools. Each of your replies holds exactly one block of this form, and nothing is done without "
        "it:\n"
        '```json\n{{"tool": "NAME", "arguments": {{...}}}}\n```\n'
        "The next message gives you its result. When you are done, reply with your final answer in a block of this "
        "form:\n"
        '```json\n{{"answer": "..."}}\n```\n'
        "The tools, each with a JSON schema of its arguments:\n{tools}"
    )

    def opening(self, messages: Chat, tools: Sequence[Tool]) -> Chat:
        lines = [
            f"- {tool.name}: {tool.description} {json.dumps(tool.schema['function']['parameters'])}" for tool in tools
        ]
        how = self._how.format(tools="\n".join(lines))
        first, *rest = messages
        if first["role"] == "system":
            return [{"role": "system", "content": f"{first['content']}\n\n{how}"}, *rest]
        return [{"role": "system", "content": how}, *messages]

    def sampling(self, tools: Sequence[Tool]) -> JsonObject:
        return {}

    def read(self, text: str, thinking: str, completion: Completion, tools: Sequence[Tool]) -> Turn:
        problem = (
            'reply with one block ```json {"tool": "NAME", "arguments": {...}} ``` or ```json {"answer": "..."} ```'
        )
        blocks = _FENCE.findall(text) or ([text] if text.lstrip().startswith(("{", "[")) else [])
        for block in blocks:
            value = _parsed(block)
            entries = value if isinstance(value, list) else [value]
            if any(not isinstance(call, Mapping) for call in entries) or not entries:
                problem = f"the block holds no JSON that can be read: {problem}"
                continue
            calls = tuple(Wanted(str(call["tool"]), call.get("arguments", {})) for call in entries if "tool" in call)
            if calls:
                return Turn(text, thinking, calls)
            if "answer" in entries[0]:
                answer = entries[0]["answer"]
                return Turn(text, thinking, answer=answer if isinstance(answer, str) else json.dumps(answer))
        return Turn(text, thinking, problem=problem)

    def messages_of(self, turn: Turn, step: int, outcomes: Sequence[Outcome]) -> Chat:
        results = "\n\n".join(
            f"Result of {wanted.tool}:\n{outcome.text}" for wanted, outcome in zip(turn.calls, outcomes, strict=False)
        )
        return [
            {"role": "assistant", "content": turn.text},
            {"role": "user", "content": results or f"Error: {turn.problem}"},
        ]


def _wanted(tool: str, arguments: str) -> Wanted:
    value = _parsed(arguments or "{}")
    if value is None:
        return Wanted(tool, None, "the arguments are no JSON object")
    return Wanted(tool, value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(arguments: Any) -> str:
    return json.dumps(arguments if isinstance(arguments, Mapping) else {}, ensure_ascii=False)
