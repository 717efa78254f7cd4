"""Episodes of clinical workflows played by scripted agents, without a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pytest_medhelm.agents.episode import Environment, Episode, EpisodeLoop, Limits
from pytest_medhelm.agents.protocols import FencedJson
from pytest_medhelm.agents.workflow import Workflow
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.tasks.task import Instance
from tests.support.agent_modules import clinical_workflow


def instance_of(workflow: Workflow) -> Instance:
    return Instance(workflow.name, workflow.words["instruction"].strip(), "", fields={"words": workflow.words})


def play(workflow: Workflow, say: Callable[[Sequence[Any]], str | None]) -> Episode:
    """An episode of an agent that says what a function of the messages gives."""
    asked: list[Sequence[Any]] = []
    environment = Environment(workflow.start(), limits=Limits(steps=30), oracle=workflow.turns)

    def ask(messages: Sequence[Any], sampling: Any) -> Any:
        asked.append(list(messages))

    loop = EpisodeLoop(
        environment, clinical_workflow.prompt(instance_of(workflow)), FencedJson(), ask,
        lambda completion: (completion.content, "", True), lambda _: False,
    )  # fmt: skip
    step = 0
    while len(asked) > step and (text := say(asked[step])) is not None:
        loop.next_after(step, Completion("ok", text))
        step += 1
    return loop.episode


def scripted(turns: Sequence[Any]) -> Callable[[Sequence[Any]], str | None]:
    said: Iterator[Any] = iter(turns)

    def say(messages: Sequence[Any]) -> str | None:
        turn = next(said, None)
        return None if turn is None else f"```json\n{json.dumps(turn)}\n```"

    return say
