"""What medhelm gate knows of benchmarks and metrics without a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from pytest_medhelm.gates.known import Known
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.util.config_file import read_config
from pytest_medhelm.util.document import DocumentError


def known_of(suite: Path | None) -> Known:
    """The package's benchmarks, those in the current folder, and what a suite has recorded.

    Raises ConfigError where the suite is none.
    """
    from pytest_medhelm.tasks.catalogue import catalogue
    from pytest_medhelm.tasks.own_names import own_names

    entries, file = catalogue().entries, Path("medhelm.toml")
    of_yaml = [*_yaml_benchmarks(Path())]
    known = Known(
        {entry.task.name: entry.task for entry in entries} | {task.name: task for task, _ in of_yaml},
        tests={entry.task.name: entry.tests for entry in entries} | {task.name: tests for task, tests in of_yaml},
        config=read_config(file if file.is_file() else None),
        own=own_names(Path()),
    )
    if suite is None:
        return known
    opened = open_suite(suite)
    try:
        return replace(known, scales=scales_in(opened))
    finally:
        opened.close()


def _yaml_benchmarks(folder: Path) -> Iterator[tuple[Task, Sequence[Callable[..., object]]]]:
    """The benchmarks of files NAME.medhelm.yaml, whose reading runs nothing of theirs; a broken one is passed over."""
    from pytest_medhelm.tasks.own_names import YAML_ENDINGS, own_files

    for path in own_files(folder):
        if path.name.endswith(YAML_ENDINGS):
            from pytest_medhelm.plugin.yaml_benchmarks.collect import make_module
            from pytest_medhelm.plugin.yaml_benchmarks.schema import read_spec

            with suppress(DocumentError):
                module = make_module(read_spec(path))
                yield module.TASK, [test for name, test in vars(module).items() if name.startswith("test_")]


def scales_in(suite: Suite) -> dict[str, dict[str, tuple[float, float]]]:
    """By benchmark the scale of each metric that a suite has records of."""
    by_metric: dict[str, dict[str, tuple[float, float]]] = {}
    for benchmark, model in suite.cells():
        for record in islice(suite.records(benchmark, model), 1):
            scales = {name: (float(worst), float(best)) for name, (worst, best) in record["scales"].items()}
            main = scales.get(record["main_metric"])
            by_metric.setdefault(benchmark, {}).update(scales | ({"": main} if main else {}))
    return by_metric
