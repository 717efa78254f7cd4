"""One request of each benchmark as it was sent, for the reader who asks what the models were asked."""

from __future__ import annotations

from typing import TypedDict

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.reports.html.instance_view import messages_of
from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.tasks.prompts import Message

LONGEST = 4000
"""Characters of a message that the leaderboard page shows; the instance browser has all of it."""


class FirstPrompt(TypedDict):
    """A request as it was sent."""

    instance: str
    """Public id."""
    model: str
    messages: list[Message]


def first_prompts(suite: Suite, store: ResponseStore, leaderboard: Leaderboard) -> dict[str, FirstPrompt]:
    """By benchmark one request with its messages: clinical text.

    It is the first instance of the first model that was asked, rather than one that computes; a benchmark of which
    nothing was asked has none. Of data that is not public it has no ``messages``: the leaderboard goes from hand to
    hand, the instance browser is where such texts are read.
    """
    public = {facts["name"] for facts in leaderboard["results"]["benchmarks"] if facts["access"] == "public"}
    computes = {facts["name"] for facts in leaderboard["results"]["models"] if facts["kind"] != "candidate"}
    cells = sorted(leaderboard["results"]["cells"], key=lambda cell: (cell["model"] in computes, cell["model"]))
    prompts: dict[str, FirstPrompt] = {}
    for cell in cells:
        benchmark, model = cell["benchmark"], cell["model"]
        if benchmark in prompts:
            continue
        record = next(suite.records(benchmark, model), None)
        messages = messages_of(store.exchange(record["request"]).payload) if record else []
        if record and messages:
            prompts[benchmark] = {
                "instance": record["public_id"],
                "model": model,
                "messages": [_shortened(message) for message in messages] if benchmark in public else [],
            }
    return prompts


def _shortened(message: Message) -> Message:
    text = message["content"]
    if len(text) <= LONGEST:
        return message
    note = f"[cut here: {len(text) - LONGEST} characters more, see the instance]"
    return {**message, "content": f"{text[:LONGEST]}\n{note}"}
