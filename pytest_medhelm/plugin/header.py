"""What the header of a session and the line after collection say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.plugin.forecast import context_lines, judge_lines
from pytest_medhelm.plugin.idle_options import idle_here, idle_options
from pytest_medhelm.plugin.item_params import benchmarks, suits
from pytest_medhelm.plugin.variant_lines import plan_lines, request_lines
from pytest_medhelm.tasks.taxonomy import slug
from pytest_medhelm.util.network import shown_address

if TYPE_CHECKING:
    from pytest_medhelm.gates.baseline import Baseline
    from pytest_medhelm.gates.gate_file import Gate
    from pytest_medhelm.gates.power_lines import Planned
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.tasks.benchmark import Benchmark
    from pytest_medhelm.tasks.perturbations.plan import Plan
    from pytest_medhelm.tasks.task import Task
    from pytest_medhelm.util.settings import Settings

LISTED = 6
"""Benchmarks that are named."""


def header(settings: Settings, roster: Roster, plan: Plan) -> Iterator[str]:
    """Who is asked how much, and where it goes."""
    limit = "all instances" if settings.limit is None else f"at most {settings.limit} instances a benchmark"
    if settings.limit_is_default:
        limit += " (default; --medhelm-limit=N|all)"
    yield f"{', '.join(model.name for model in roster.models)}; {limit}"
    yield from plan_lines(plan)
    yield from idle_options(settings, roster)
    budgets = {f"{model.name} {model.body['max_tokens']}" for model in roster if "max_tokens" in model.body}
    if budgets:
        yield f"tokens an answer may have: {', '.join(sorted(budgets))}"
    yield from (f"{model.name} has {model.answer}" for model in roster.models if model.kind == "human")
    if roster.judges:
        yield from _jury(settings, roster)
    if settings.fhir:
        yield f"FHIR server of your own: {shown_address(settings.fhir)}; only GET is sent to it"
    if settings.max_cost is not None:
        yield f"budget of this run: {settings.max_cost:.10g} {settings.currency}"


def _jury(settings: Settings, roster: Roster) -> Iterator[str]:
    from pytest_medhelm.models.vendor import same_family

    repeats = f", {settings.judge_repeats} times each" if settings.judge_repeats > 1 else ""
    yield f"judged by {', '.join(judge.name for judge in roster.judges)}{repeats}"
    for judge in roster.judges:
        for model in roster.models:
            if vendor := same_family((judge.name, judge.served), (model.name, model.served)):
                yield (
                    f"{judge.name} judges {model.name} of the same vendor ({vendor}): judges tend to favour their own"
                )


def selection(items: Sequence[pytest.Item], settings: Settings, roster: Roster, plan: Plan) -> Iterator[str]:
    """What was collected, and by which rubrics it is judged."""
    collected = benchmarks(items)
    _require_sub_tasks(collected, settings.sub_tasks)
    sizes = sorted(f"{benchmark.task.name} {len(benchmark.instances)} of {benchmark.total}" for benchmark in collected)
    more = f" and {len(sizes) - LISTED} more" if len(sizes) > LISTED else ""
    if sizes:
        yield f"instances: {', '.join(sizes[:LISTED])}{more}"
    if settings.sampler == "helm" and (drawn := _drawn_with_validation(collected)):
        yield (
            f"{drawn}: MedHELM's sampler draws from the validation and the test split together; "
            "what it draws of the test split is asked, and the validation split is missing"
        )
    if unsuited := _unsuited(collected, roster):
        yield f"not asked, since it means nothing there: {unsuited}"
    yield from request_lines(items, plan)
    yield from idle_here(collected, settings, plan)
    yield from context_lines(items, roster)
    if roster.judges:
        yield from judge_lines(items, settings, roster)
    if roster.judges and settings.config.rubrics:
        yield from _rubrics([benchmark.task for benchmark in collected], settings)


def _drawn_with_validation(collected: Sequence[Benchmark]) -> str:
    """The benchmarks of which a part of MedHELM's sample is missing; empty without one."""
    return ", ".join(
        sorted(
            benchmark.task.name
            for benchmark in collected
            if benchmark.task.helm_validation
            and benchmark.source.origin != "sample"
            and len(benchmark.instances) < benchmark.total
        )
    )


def _unsuited(collected: Sequence[Benchmark], roster: Roster) -> str:
    """Which models have no part in which benchmarks; empty where all have."""
    unsuited = []
    for model in roster.models:
        names = sorted(benchmark.task.name for benchmark in collected if not suits(model, benchmark))
        if names:
            more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
            unsuited.append(f"{model.name} in {', '.join(names[:LISTED])}{more}")
    return "; ".join(unsuited)


def _require_sub_tasks(collected: Sequence[Benchmark], named: Sequence[str]) -> None:
    """Raise UsageError when no selected benchmark has a sub-task of a name that --medhelm-sub-tasks gives."""
    known = dict.fromkeys(name for benchmark in collected for name in benchmark.known_sub_tasks)
    unknown = [name for name in named if name not in known]
    if not collected or not unknown:
        return
    raise pytest.UsageError(
        f"--medhelm-sub-tasks: no selected benchmark has a sub-task {unknown[0]!r}; "
        f"{'name some of ' + ', '.join(known) if known else 'none of them has any'}"
    )


def _rubrics(tasks: Sequence[Task], settings: Settings) -> Iterator[str]:
    """Where [rubrics] of the config file takes effect, and where it does not."""
    from pytest_medhelm.tasks.rubric_files import override

    rubrics = settings.config.rubrics
    used = {
        task.name: key
        for task in tasks
        if (key := override(settings.config, task.name, task.rubric if isinstance(task.rubric, str) else ""))
    }
    yield from (f"{name} is judged by {rubrics[key]} ([rubrics] {key})" for name, key in sorted(used.items()))
    if idle := sorted(rubrics.keys() - used.values()):
        yield f"[rubrics] without effect here: {', '.join(idle)}"


def power(gates: Sequence[Gate], baseline: Baseline, items: Sequence[pytest.Item] | None) -> Iterator[str]:
    """What each comparison with the baseline can show; ``items``: None where workers collect, unseen from here."""
    from pytest_medhelm.gates.power_lines import planned_as, power_lines

    planned = None if items is None else _planned(benchmarks(items))
    for gate in gates:
        yield from power_lines(gate, planned_as(baseline, gate) if planned is None else planned, baseline)


def _planned(collected: Sequence[Benchmark]) -> Mapping[str, Planned]:
    from pytest_medhelm.gates.power_lines import Planned

    return {
        benchmark.task.name: Planned(
            len(benchmark.instances), {slug(benchmark.task.category), slug(benchmark.task.subcategory)}
        )
        for benchmark in collected
    }
