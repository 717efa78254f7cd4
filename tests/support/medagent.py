"""MedAgentBench's tasks, and what an agent writes that does them."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.administration_and_workflow import test_medagent_bench as module
from benchmarks.shared.medagent_bench import API, due, expected_answer
from pytest_medhelm.tasks.task import Instance
from tests.support.paths import BENCHMARKS

SAMPLE = BENCHMARKS / "samples/medagent_bench/test_data_v2.json"


def body_of(kind: str, said: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"resourceType": kind}
    for path, value in said.items():
        *parents, last = path.split(".")
        inner = body
        for name in parents:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return body


def right(instance: Instance) -> list[str]:
    """What an agent writes that does the task."""
    task, start = instance.fields["task"], module.environment(instance).state
    looks = [f"GET {API}/Observation?patient={task['eval_MRN']}&_count=50"] if task.get("eval_MRN") else []
    orders = [f"POST {API}/{kind}\n{json.dumps(body_of(kind, said))}" for kind, said in due(task, start)]
    return [*looks, *orders, f"FINISH({json.dumps(expected_answer(task, start) or [])})"]
