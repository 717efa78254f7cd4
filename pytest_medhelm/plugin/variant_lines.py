"""What repeats and other words mean for a run, told before anything is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.plugin.item_params import item_params
from pytest_medhelm.tasks.variants import NOISE_FLOOR

if TYPE_CHECKING:
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.tasks.perturbations.plan import Plan
    from pytest_medhelm.tasks.task import Task

_KINDS = ("as they are", "repeats", "in other words", "unchanged for the noise floor")


def plan_lines(plan: Plan) -> Iterator[str]:
    """How often and in which words a request is asked."""
    if plan.repeats > 1:
        yield f"each request is asked {plan.repeats} times"
    if plan.perturbations:
        which = "all instances are"
        if plan.limit is not None:
            few = "instance" if plan.limit == 1 else "instances"
            be = "is" if plan.limit == 1 else "are"
            which = f"up to {plan.limit} {few} of each benchmark, or of each of its sub-tasks, {be}"
        yield f"{which} asked in other words too: {', '.join(perturbation.name for perturbation in plan.perturbations)}"
        if plan.noise_floor == 0:
            yield "noise floor: off, so that no figure tells other words from chance"
        else:
            often = "as often" if plan.noise_floor is None else f"{plan.noise_floor} times"
            yield f"noise floor: each of these is asked again unchanged, {often} (--medhelm-noise-floor=N|off)"


def request_lines(items: Sequence[pytest.Item], plan: Plan) -> Iterator[str]:
    """How many requests that comes to, and what could not be applied; nothing where each instance is asked once."""
    if plan.repeats == 1 and not plan.perturbations:
        return
    counts: Counter[str] = Counter()
    refused: dict[str, dict[str, Counter[str]]] = {}
    tasks: dict[str, Task] = {}
    models: dict[str, Model] = {}
    for item in items:
        params = item_params(item)
        if params is None:
            continue
        changed, repeat = params.variant
        counts[_KINDS[3 if changed == NOISE_FLOOR else 2 if changed else 1 if repeat else 0]] += 1
        first = models.setdefault(params.benchmark.task.name, params.model)
        tasks[params.benchmark.task.name] = params.benchmark.task
        # Of every model the same instances are changed.
        for name, reason in params.refused.items() if params.model is first else ():
            refused.setdefault(params.benchmark.task.name, {}).setdefault(name, Counter())[reason] += 1
    if len(counts) > 1:
        parts = ", ".join(f"{counts[kind]:,} {kind}" for kind in _KINDS if counts[kind])
        yield f"requests: {counts.total():,} ({parts})"
    for benchmark in sorted(refused):
        applied = ", ".join(_applied(name, by_reason) for name, by_reason in refused[benchmark].items())
        yield f"{benchmark}: applied to {applied}"
    for benchmark, task in sorted(tasks.items()):
        left: dict[str, list[str]] = {}
        for name, reason in plan.left_out(task).items():
            left.setdefault(reason, []).append(name)
        yield from (f"{benchmark}: without {', '.join(names)}: {reason}" for reason, names in left.items())


def _applied(name: str, counts: Counter[str]) -> str:
    why = "; ".join(reason for reason in sorted(counts) if reason)
    return f"{name} {counts['']} of {counts.total()}{f' ({why})' if why else ''}"
