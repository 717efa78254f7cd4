"""An episode as plain values: what its record says of it, and the timeline that a page shows."""

from __future__ import annotations

import json
from typing import TypedDict

from pytest_medhelm.agents.episode import Call, Episode, Step
from pytest_medhelm.agents.hospital.facts import in_words
from pytest_medhelm.util.json_types import JsonObject

SHOWN = 4000
"""Characters of a thought, of arguments and of a result that the timeline keeps."""


class EpisodeRecord(TypedDict):
    """What a record says of an episode, without texts."""

    ending: str
    """ok, or why there is no answer: step_limit, token_limit, cost_limit, time_limit, loop, malformed, ..."""
    steps: int
    """Turns of the model."""
    calls: int
    malformed: int
    """Calls of tools that there are not, or with arguments that they do not take."""
    refused: int
    """Calls that the hospital refused."""
    changes: int
    """Resources created, changed and deleted."""
    text: str
    """The key of the timeline's text."""


def episode_record(episode: Episode, text: str) -> EpisodeRecord:
    """Counts of an episode; ``text`` is the key of its timeline."""
    statuses = [call.status for call in episode.calls]
    return {
        "ending": episode.ending,
        "steps": len(episode.steps),
        "calls": len(statuses),
        "malformed": statuses.count("malformed"),
        "refused": statuses.count("refused"),
        "changes": len(episode.diff),
        "text": text,
    }


def episode_text(episode: Episode) -> str:
    """The timeline as JSON: {"ending", "answer", "steps": [{"thinking", "text", "problem", "calls": [...]}], "safety",
    "checks"}."""
    return json.dumps(
        {
            "ending": episode.ending,
            "answer": episode.answer,
            "safety": list(episode.safety_events),
            "checks": [list(check) for check in episode.checks],
            "steps": [_step(step, episode) for step in episode.steps],
        },
        ensure_ascii=False,
    )


def _step(step: Step, episode: Episode) -> JsonObject:
    return {
        "thinking": _cut(step.thinking),
        "text": _cut(step.text),
        "problem": step.problem,
        "calls": [_call(call, episode) for call in step.calls],
    }


def _call(call: Call, episode: Episode) -> JsonObject:
    return {
        "tool": call.tool,
        "arguments": _cut(json.dumps(call.arguments, ensure_ascii=False, default=str)),
        "status": call.status,
        "result": _cut(call.result),
        "changes": [in_words(change, episode.state) for change in call.changes],
    }


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} [... {len(text) - SHOWN:,} characters more]"
