"""MedAgentBench on an embedded record: its protocol, and graders that tell right from wrong in every kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.administration_and_workflow import test_medagent_bench as module
from benchmarks.administration_and_workflow import test_medagent_bench_v1 as v1
from benchmarks.shared.medagent_bench import API, KINDS, QUERIES, answered, chart, due, expected_answer, kind_of, posted
from benchmarks.shared.medagent_tasks import load
from pytest_medhelm.agents.episode import Episode, EpisodeLoop
from pytest_medhelm.agents.get_post_finish import posts
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.tasks.data.sources import checksum
from pytest_medhelm.tasks.task import Instance, Task
from tests.support.medagent import SAMPLE, right
from tests.support.real_data import real


def instances(path: Path) -> list[Instance]:
    return [entry for entry in load(path) if isinstance(entry, Instance)]


def play(instance: Instance, texts: Sequence[str]) -> Episode:
    environment = module.environment(instance)
    assert environment.dialogue is not None
    loop = EpisodeLoop(
        environment, [{"role": "user", "content": module.prompt(instance)}], environment.dialogue,
        lambda messages, sampling: None, lambda completion: (completion.content, "", True), lambda _: False,  # type: ignore[arg-type, return-value]
    )  # fmt: skip
    for step, text in enumerate(texts):
        if step < len(loop.requests):  # it has not ended
            loop.next_after(step, Completion("ok", text))
    return loop.episode


def is_success(instance: Instance, episode: Episode) -> bool:
    task = instance.fields["task"]
    good = answered(task, episode.start, episode.answer) and posted(due(task, episode.start), posts(episode.state))
    return good and episode.ending == "ok"


def both(path: Path) -> None:
    found = instances(path)
    assert {kind_of(instance.fields["task"]) for instance in found} == set(KINDS)
    for instance in found:
        texts = right(instance)
        assert is_success(instance, play(instance, texts)), instance
        task, start = instance.fields["task"], module.environment(instance).state
        extra = f"POST {API}/ServiceRequest\n{{}}"
        assert not is_success(instance, play(instance, [extra, *texts])), "one POST too many"
        if due(task, start):
            assert not is_success(instance, play(instance, [text for text in texts if not text.startswith("POST")]))
        if expected_answer(task, start) is not None:
            assert not is_success(instance, play(instance, [*texts[:-1], 'FINISH(["no"])']))


def test_every_kind_can_be_done_and_failed() -> None:
    both(SAMPLE)


@pytest.mark.parametrize(("task", "size"), [(v1.TASK, 100), (module.TASK, 300)], ids=["v1", "v2"])
def test_the_real_tasks_can_be_done_and_failed(task: Task, size: int) -> None:
    path = real("medagentbench", task.files[0].name)
    assert checksum(task.files[0], path) == task.files[0].sha256
    both(path)
    found = instances(path)
    assert len(found) == task.size == size
    tasks = [(instance.fields["task"], module.environment(instance).state) for instance in found]
    cases = {(kind_of(task), bool(due(task, start))) for task, start in tasks}
    both_ways = {"task5", "task9", "task10"}
    assert {kind for kind, ordered in cases if ordered} >= both_ways
    assert {kind for kind, ordered in cases if not ordered} == both_ways | set(QUERIES)


def test_the_record_is_of_the_patient_and_the_same_each_time() -> None:
    for instance in instances(SAMPLE):
        task = instance.fields["task"]
        assert list(chart(task)) == list(chart(task))


@pytest.mark.parametrize(
    ("texts", "ending", "steps"),
    [
        (["I would say FINISH([1])"], "malformed", 1),
        (["GET http://localhost:8080/fhir/Patient?name=x"] * 5, "loop", 5),
        ([f"GET http://localhost:8080/fhir/Patient?name=x{number}" for number in range(9)], "step_limit", 8),
        (["POST http://localhost:8080/fhir/Observation\n{broken", "FINISH([])"], "ok", 2),
        (["GET", "FINISH([-1])"], "ok", 2),
    ],
)
def test_the_protocol(texts: list[str], ending: str, steps: int) -> None:
    episode = play(instances(SAMPLE)[0], texts)
    assert (episode.ending, len(episode.steps)) == (ending, steps)
    assert posts(episode.state) == []
