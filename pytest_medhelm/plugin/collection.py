"""From a benchmark module to test items: marks on the module, one item per model and instance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.models.roster import ROSTER
from pytest_medhelm.plugin.item_params import BENCHMARK, suits
from pytest_medhelm.plugin.marks import mark_module
from pytest_medhelm.plugin.not_run import NO_MODEL, NotRun, one_item
from pytest_medhelm.plugin.options import PLAN, SETTINGS
from pytest_medhelm.tasks.benchmark import Benchmark
from pytest_medhelm.tasks.data.compressed import compress
from pytest_medhelm.tasks.loading import load_benchmark
from pytest_medhelm.tasks.public_ids import public_id
from pytest_medhelm.tasks.sharding import in_shard
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.tasks.variants import Asked
from pytest_medhelm.util.errors import ConfigError, DataError, DataMissing

if TYPE_CHECKING:
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.tasks.data.compressed import CompressedInstance
    from pytest_medhelm.util.settings import Settings


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a test that uses our fixtures its models and instances (the body of pytest_generate_tests)."""
    task = getattr(metafunc.module, "TASK", None)
    if isinstance(task, Task):
        mark_module(_module(metafunc), task)
    if not _uses_our(metafunc, "model"):
        return
    roster = metafunc.config.stash.get(ROSTER, None)
    if roster is None or not roster.models:
        _one_item(metafunc, NO_MODEL)
        return
    if not _uses_our(metafunc, "instance"):
        metafunc.parametrize("model", roster.models, ids=lambda model: model.name, indirect=True)
        return
    if not isinstance(task, Task):
        raise pytest.UsageError(
            f"{metafunc.definition.nodeid} uses the fixture 'instance', but its module declares no TASK = Task(...)"
        )
    settings = metafunc.config.stash[SETTINGS]
    try:
        benchmark = _benchmark(metafunc)
        task = benchmark.task
        _respect_agreement(benchmark, roster, settings)
        _keep_inside(benchmark, settings)
        chosen = in_shard(benchmark.instances, settings.shard, name=task.name)
        asked = [*metafunc.config.stash[PLAN].askings(chosen, benchmark.instances, task)]
    except DataMissing as problem:
        # A promotion that nobody measured must not look like one that passed.
        _one_item(metafunc, NotRun(task.name, "no_data", str(problem)), problem if task.gates else None)
    except DataError as problem:
        _one_item(metafunc, NotRun(task.name, "bad_data", str(problem)), problem)
    else:
        models = [model for model in roster.models if suits(model, benchmark)]
        if not models:
            reason = f"{task.name} means nothing to {', '.join(model.name for model in roster.models)}"
            _one_item(metafunc, NotRun(task.name, "unsuited", reason))
            return
        metafunc.parametrize("model", models, ids=lambda model: model.name, indirect=True)
        metafunc.parametrize("instance", asked, ids=[_id(task, instance) for instance in asked], indirect=True)


def _id(task: Task, instance: CompressedInstance | Asked) -> str:
    if isinstance(instance, Asked):
        return public_id(task, instance.packed.id) + instance.variant.mark
    return public_id(task, instance.id)


def _respect_agreement(benchmark: Benchmark, roster: Roster, settings: Settings) -> None:
    """Data that may not be sent somewhere is not sent there. Raises DataMissing naming the model.

    Gated and private data stay on this machine, and so do data whose terms allow no service of a third party, except
    for hosts that --medhelm-allow-host names.
    """
    task = benchmark.task
    if benchmark.source.origin == "sample" or (task.access == "public" and task.may_use_hosted_api is not False):
        return
    from pytest_medhelm.models.spec import foreign_host

    for model in roster:
        host = foreign_host(model, settings)
        if host:
            reason = (
                "its terms allow no service of a third party"
                if task.may_use_hosted_api is False
                else f"its data are {task.access}"
            )
            raise DataMissing(
                f"{task.name} is not sent to {model.name}: {reason}; if your agreement covers {host}, type "
                f"--medhelm-allow-host={host}"
            )


def _keep_inside(benchmark: Benchmark, settings: Settings) -> None:
    """Texts of gated and private data leave the suite's folder in a batch file only with --medhelm-show-text.

    Raises DataMissing naming the file.
    """
    task, file = benchmark.task, settings.batch
    if file is None or settings.show_text or task.access == "public" or benchmark.source.origin == "sample":
        return
    if not file.resolve().is_relative_to(settings.folder.resolve()):
        raise DataMissing(
            f"{task.name} is not written to {file}: its data are {task.access}, and the file lies outside of the "
            "suite; type --medhelm-show-text if their texts may stand there"
        )


def _benchmark(metafunc: pytest.Metafunc) -> Benchmark:
    """The module's benchmark, read once also where a module has several test functions."""
    module = _module(metafunc)
    benchmark = module.stash.get(BENCHMARK, None)
    if benchmark is None:
        _check_gates(metafunc.module.TASK)
        settings = metafunc.config.stash[SETTINGS]
        benchmark = load_benchmark(metafunc.module, settings)
        if settings.fhir and getattr(benchmark.first_environment, "own_server", False):
            benchmark = _on_own_server(benchmark)
        if not metafunc.config.option.collectonly:  # There they wait for no test.
            compress(benchmark.instances)
        module.stash[BENCHMARK] = benchmark
    return benchmark


def _on_own_server(benchmark: Benchmark) -> Benchmark:
    """A benchmark whose record is the user's own: private, and comparable with no other. Raises DataMissing."""
    task = benchmark.task
    if benchmark.source.origin == "sample":
        raise DataMissing(
            f"{task.name}: the patients of its sample tasks are not on your FHIR server: name upstream's tasks by "
            "--medhelm-data=DIR, or leave out --medhelm-fhir"
        )
    title = f"{task.title.partition(' (')[0]} (own FHIR server)"
    return replace(
        benchmark, task=replace(task, title=title, access="private"), code=f"{benchmark.code} at an own FHIR server"
    )


def _module(metafunc: pytest.Metafunc) -> pytest.Module:
    module = metafunc.definition.getparent(pytest.Module)
    assert module is not None
    return module


def _uses_our(metafunc: pytest.Metafunc, name: str) -> bool:
    """The test uses our fixture of that name and not one of the project's own (names like ``model`` are common)."""
    definitions = metafunc._arg2fixturedefs.get(name) or ()
    return bool(definitions) and definitions[-1].func.__module__ == "pytest_medhelm.plugin.fixtures"


def _one_item(metafunc: pytest.Metafunc, not_run: NotRun, instance: Exception | None = None) -> None:
    one_item(metafunc, not_run, instance, with_instance=_uses_our(metafunc, "instance"))


def _check_gates(task: Task) -> None:
    """A rule that nobody can read decides nothing: it is found before anything is asked."""
    for text in task.gates:
        from pytest_medhelm.gates.rule import parse_rule

        try:
            parse_rule(text)
        except ConfigError as error:
            raise DataError(f"{task.name}: {error}") from None
