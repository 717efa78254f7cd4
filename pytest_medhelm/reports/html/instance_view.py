"""One instance with all that its models answered, as plain values: what the instance browser shows of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pytest_medhelm.reports.html.browser_data import (
    CriterionView,
    EpisodeView,
    GivenRating,
    InstanceView,
    RecordView,
    TryView,
    VerdictView,
)
from pytest_medhelm.reports.html.texts import Texts
from pytest_medhelm.scoring import answers
from pytest_medhelm.scoring.record_types import Record, VerdictRecord, VerdictRepeat
from pytest_medhelm.tasks.prompts import Message
from pytest_medhelm.util import quick_json

LONGEST, TAIL = 200_000, 20_000
"""Characters of a message that are shown, and how many of them from its end."""
_AS_THEY_ARE = (
    "model", "perturbation", "repeat", "status", "main_metric", "scores", "scales", "label", "read", "confidence",
    "flags", "harm", "error", "not_applicable", "absent", "limits", "latency", "attempts", "cached", "usage", "cost",
    "paid",
)  # fmt: skip


def instance_view(
    store: Texts,
    records: Sequence[Record],
    given: Mapping[tuple[str, str], Sequence[GivenRating]] | None = None,
) -> InstanceView:
    """The records of one instance with their texts; ``given``: what people rated, by instance and model.

    Prompts and references that several records share are in it once. No id but the public one is in it.
    """
    prompts: dict[tuple[tuple[str, str], ...], int] = {}
    references: dict[str, int] = {}
    views: list[RecordView] = []
    for record in records:
        payload, content, reasoning = store.exchange(record["request"])
        thinking = answers.split_thinking(content, reasoning or None)
        episode = _episode(store, record)
        asked = _asked(messages_of(payload), episode)
        messages = tuple((message["role"], _shortened(message["content"])) for message in asked)
        view = {name: record.get(name) for name in _AS_THEY_ARE}
        # Of records of an earlier version some may be missing: None.
        views.append(
            cast(RecordView, view)
            | {
                "prompt": prompts.setdefault(messages, len(prompts)),
                "reference": references.setdefault(store.text(record["reference"]), len(references)),
                # What never ended is thinking; it is shown as such.
                "answer": thinking.answer if episode is None else episode["answer"],
                "thinking": thinking.reasoning,
                "given": list((given or {}).get((record["instance"], record["model"]), ())),
                "verdicts": [_verdict(store, verdict, _criteria(store, record)) for verdict in record["verdicts"]],
            }
            | ({"episode": episode} if episode is not None else {})
        )
    first = records[0]
    return {
        "id": first["public_id"],
        "slices": first.get("slices", {}),
        "sub_task": first["sub_task"],
        "prompts": [[{"role": role, "content": content} for role, content in messages] for messages in prompts],
        "references": list(references),
        "records": views,
    }


def _episode(store: Texts, record: Record) -> EpisodeView | None:
    """The timeline of an agent's episode; None where there is none, or its text is gone."""
    text = store.text(record["episode"]["text"]) if "episode" in record else ""
    return json.loads(text) if text else None


def _asked(messages: list[Message], episode: EpisodeView | None) -> list[Message]:
    """What was asked: of an episode its opening, since its timeline shows the rest."""
    turns = [position for position, message in enumerate(messages) if message["role"] == "assistant"]
    return messages if episode is None or not turns else messages[: turns[0]]


def messages_of(payload: str) -> list[Message]:
    """Role and content of each message of a request; empty where there is none."""
    try:
        messages = quick_json.loads(payload)["messages"] if payload else []
    except (ValueError, LookupError, TypeError):
        return [{"role": "request", "content": payload}]
    return [{"role": str(message.get("role", "")), "content": _as_text(message.get("content"))} for message in messages]


def _shortened(text: str) -> str:
    """A text that a page can hold; of a very long one its beginning and its end."""
    if len(text) <= LONGEST:
        return text
    left_out = len(text) - LONGEST
    return f"{text[: LONGEST - TAIL]}\n\n[... {left_out:,} characters are left out here ...]\n\n{text[-TAIL:]}"


def _as_text(content: object) -> str:
    if content is None:
        return ""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)


def _criteria(store: Texts, record: Record) -> list[list[Any]]:
    """Wording, points and tags of the criteria that an answer was graded by; empty where none carry points."""
    text = store.text(record["criteria"]) if record.get("criteria") else ""
    return json.loads(text) if text else []


def _verdict(store: Texts, verdict: VerdictRecord, criteria: Sequence[Sequence[Any]]) -> VerdictView:
    """A judge's verdict with its reasons; each try apart where an answer was rated several times."""
    whole: VerdictRepeat = {
        "request": verdict["request"],
        "error": verdict["error"],
        "scores": verdict["scores"],
        "harm": verdict.get("harm"),
    }
    tries = verdict.get("repeats") or [whole]
    return {
        "judge": verdict["judge"],
        "served": verdict.get("served", ""),
        "status": verdict["status"],
        "scores": verdict["scores"],
        "harm": verdict.get("harm"),
        "error": verdict["error"],
        "repaired": verdict.get("repaired", 0),
        "latency": verdict.get("latency"),
        "usage": verdict.get("usage"),
        "cost": verdict.get("cost"),
        "tries": [_met(store, criteria, items, verdict["error"]) for items in verdict.get("items", ())]
        or [_rated(repeat, store.exchange(repeat["request"]).content) for repeat in tries],
    }


def _met(store: Texts, criteria: Sequence[Sequence[Any]], items: Sequence[Sequence[Any]], error: str) -> TryView:
    """What a judge said of each criterion with points: met, not met or missing, and why."""
    views: list[CriterionView] = []
    for number, ((text, points, tags), (key, met)) in enumerate(zip(criteria, items, strict=False), start=1):
        reply = answers.read_json(answers.split_thinking(store.exchange(key).content, None).answer)
        grade = reply.get(str(number), reply) if isinstance(reply, Mapping) else {}
        reason = str(grade.get("explanation", "")) if isinstance(grade, Mapping) else ""
        views.append({"criterion": text, "points": points, "tags": tags, "met": met, "reason": reason})
    return {"scores": {}, "harm": None, "error": error, "items": views}


def _rated(repeat: VerdictRepeat, reply: str) -> TryView:
    """A rating with its reasons (harm included), or the whole reply where it holds none that can be told apart."""
    view: TryView = {"scores": repeat["scores"], "harm": repeat.get("harm"), "error": repeat["error"]}
    value = answers.read_json(answers.split_thinking(reply, None).answer)
    if isinstance(value, Mapping):
        ratings = {
            str(name): str(rating["explanation"])
            for name, rating in value.items()
            if isinstance(rating, Mapping) and rating.get("explanation")
        }
        if ratings:
            return view | {"reasons": ratings}
    return view | {"reply": reply}
