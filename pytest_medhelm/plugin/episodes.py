"""Episodes in a session: how one begins, how the engine follows it ahead of its test, how the test goes through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_medhelm.agents.episode import Environment, EpisodeLoop
from pytest_medhelm.agents.hospital.state import Hospital
from pytest_medhelm.agents.protocols import FencedJson, ToolCalls
from pytest_medhelm.models.engine.job import Follow, FollowUp, ThreadedFollow
from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.plugin.tool_probe import require_tool_calls
from pytest_medhelm.scoring import answers
from pytest_medhelm.scoring.answers.refusal import is_refusal

if TYPE_CHECKING:
    from pytest_medhelm.plugin.request_builder import RequestBuilder
    from pytest_medhelm.scoring.record import RecordBuilder


def start_episode(requests: RequestBuilder, record: RecordBuilder) -> EpisodeLoop:
    """The loop of a record's episode, made once."""
    if record.episode_loop is None:
        assert record.benchmark.environment is not None
        environment = _environment(requests, record)
        if environment.dialogue is None:
            require_tool_calls(requests, record.model)
        model, instance, repeat = record.model, record.instance, record.variant.request_repeat

        def ask(messages: Sequence[Mapping[str, Any]], sampling: Mapping[str, Any]) -> Request:
            return requests.request(model, messages, instance.id, repeat=repeat, **sampling)

        record.episode_loop = EpisodeLoop(
            environment,
            record.benchmark.messages(instance),
            FencedJson() if model.calls_by_text else ToolCalls(),
            ask,
            _split,
            is_refusal,
            model.price,
        )
    return record.episode_loop


def _environment(requests: RequestBuilder, record: RecordBuilder) -> Environment:
    """Where an episode takes place: in the hospital, or at the user's own server where there is one."""
    assert record.benchmark.environment is not None
    environment: Environment = record.benchmark.environment(record.instance)
    if requests.fhir is None or not environment.own_server:
        return environment
    from pytest_medhelm.agents.own_server import ServerPopulation

    return replace(environment, state=Hospital(ServerPopulation(requests.fhir), environment.state.now))


def follow_episode(loop: EpisodeLoop, step: int = 0) -> Follow:
    """What the engine asks as soon as a step is answered. A failed one is left to the test, which may ask it again."""

    def follow(completion: Completion) -> Sequence[FollowUp]:
        failed = completion.outcome == "request_error"
        later = None if failed else loop.next_after(step, completion)
        return [FollowUp(later, follow_episode(loop, step + 1))] if later is not None else []

    return ThreadedFollow(follow) if loop.waits else follow


def play(requests: RequestBuilder, record: RecordBuilder) -> tuple[Request, Completion]:
    """Go through an episode to its end; its steps are usually answered by now.

    Returns the last request, and its completion with the agent's answer as its text.
    """
    if record.model.is_outside:
        return _outside(requests, record)
    loop = start_episode(requests, record)
    later: Request | None = loop.requests[0]
    step = 0
    while later is not None:
        request = later
        completion = requests.complete(request, loop.messages, record.instance, record.benchmark)
        if completion.outcome == "skipped":
            return request, completion
        later = loop.next_after(step, completion)
        step += 1
    record.episode = loop.episode
    return request, replace(completion, content=loop.episode.answer, reasoning="", tool_calls=())


def start_outside(requests: RequestBuilder, record: RecordBuilder) -> Completion | None:
    """Have an agent of one's own begin with a record's task; returns what it came to where that is stored."""
    assert record.benchmark.environment is not None
    messages = record.benchmark.messages(record.instance)
    record.request = requests.request_of(record, messages)
    stored = requests.stored(record.request)
    if stored is None and record.model.answer is not None:
        requests.outside.start(record.request, messages, record.benchmark.environment(record.instance))
    return stored


def _outside(requests: RequestBuilder, record: RecordBuilder) -> tuple[Request, Completion]:
    from pytest_medhelm.agents.outside import replayed

    completion = start_outside(requests, record)
    request = record.request
    assert request is not None
    assert record.benchmark.environment is not None
    if completion is None and record.model.answer is None:  # scored again: nothing is asked
        completion = requests.engine.ask(request)
    elif completion is None:
        completion = requests.outside.take(request)
        requests.keep(request, completion)
    record.episode = replayed(record.benchmark.environment(record.instance), request, completion)
    return request, replace(completion, content=record.episode.answer, tool_calls=())


def _split(completion: Completion) -> tuple[str, str, bool]:
    thinking = answers.split_thinking(completion.content, completion.reasoning or None)
    return thinking.answer.strip(), thinking.reasoning, thinking.closed
