"""Before the first request: rules that cannot mean what they say end the session."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.gates.check import problems
from pytest_medhelm.gates.gate_file import gate_of
from pytest_medhelm.gates.known import Known, OfInstances
from pytest_medhelm.plugin.item_params import BENCHMARK, benchmarks
from pytest_medhelm.plugin.marks import COLLECTED
from pytest_medhelm.plugin.options import PLAN, SETTINGS
from pytest_medhelm.tasks.points import PointsRubric
from pytest_medhelm.tasks.rubric_files import rubric_of_task

if TYPE_CHECKING:
    from pytest_medhelm.gates.gate_file import Gate
    from pytest_medhelm.tasks.metric import Metric


def check_gates(gates: Sequence[Gate], config: pytest.Config, items: Sequence[pytest.Item], *, judged: bool) -> None:
    """Raises UsageError with the first problem of a rule, also of one that a benchmark brings along.

    ``items``: those that were collected.

    The package's other benchmarks are imported only where a rule seems to name nothing: it may be one that was not
    selected.
    """
    collected = {entry.task.name: entry.task for entry in benchmarks(items)}
    gates = [*gates, *(gate_of(task.gates) for task in collected.values() if task.gates)]
    known = Known(
        config.stash.setdefault(COLLECTED, {}) | collected,
        tests=_tests(items),
        instances=_instances(gates, config, items),
        metrics=_metrics(config),
        config=config.stash[SETTINGS].config,
        judged=judged,
        scope=frozenset(collected),
        perturbations=_asked(config),
    )
    if any(next(problems(gate, known), "") for gate in gates):
        _require(gates, _with_packaged(known))


def check_without_items(gates: Sequence[Gate], config: pytest.Config, *, judged: bool) -> None:
    """As ``check_gates`` where workers collect: names of somebody's own benchmarks are not known here."""
    known = Known({}, metrics=_metrics(config), config=config.stash[SETTINGS].config, judged=judged, all_names=False,
                  scope=frozenset(), perturbations=_asked(config))  # fmt: skip
    _require(gates, _with_packaged(known))


def _asked(config: pytest.Config) -> frozenset[str]:
    return frozenset(perturbation.name for perturbation in config.stash[PLAN].perturbations)


def _require(gates: Sequence[Gate], known: Known) -> None:
    for gate in gates:
        for problem in problems(gate, known):
            raise pytest.UsageError(problem)


def _with_packaged(known: Known) -> Known:
    from pytest_medhelm.tasks.catalogue import catalogue

    entries = catalogue().entries
    return replace(
        known,
        tasks={**{entry.task.name: entry.task for entry in entries}, **known.tasks},
        tests={**{entry.task.name: entry.tests for entry in entries}, **known.tests},
    )


def _metrics(config: pytest.Config) -> dict[str, Metric]:
    return {name: metric for more in config.hook.pytest_medhelm_metrics() for name, metric in more.items()}


def _tests(items: Sequence[pytest.Item]) -> dict[str, list[Callable[..., object]]]:
    """By benchmark its test functions; none where a fixture of the project's own may score as well."""
    tests: dict[str, dict[Callable[..., object], bool]] = {}
    for item in items:
        module = item.getparent(pytest.Module)
        if isinstance(item, pytest.Function) and module is not None and BENCHMARK in module.stash:
            known = tests.setdefault(module.stash[BENCHMARK].task.name, {})
            if item.function not in known:
                asked = {"score", "jury"} & set(item.fixturenames)
                known[item.function] = asked <= inspect.signature(item.function).parameters.keys()
    return {name: list(known) for name, known in tests.items() if all(known.values())}


def _instances(gates: Sequence[Gate], config: pytest.Config, items: Sequence[pytest.Item]) -> dict[str, OfInstances]:
    """What instances bring by benchmark. Their texts are looked at only where a rule may be about that."""
    from pytest_medhelm.scoring.jury.points import by_tag

    has_slice = any(rule.slice is not None for gate in gates for rule in gate.rules)
    by_benchmark = {}
    for benchmark in benchmarks(items):
        rubric = rubric_of_task(config.stash[SETTINGS].config, benchmark.task)
        has_tags = isinstance(rubric, PointsRubric) and not rubric.criteria
        instances = [packed.unpack() for packed in benchmark.instances] if has_slice or has_tags else []
        criteria = [criterion for instance in instances for criterion in instance.criteria]
        slices: defaultdict[str, set[str]] = defaultdict(set)
        for instance in instances:
            for key, value in instance.slices.items():
                slices[key] |= {value} - {""}
        by_benchmark[benchmark.task.name] = OfInstances(frozenset(by_tag(criteria)), slices, benchmark.never_events)
    return by_benchmark
