"""What medhelm gate knows of benchmarks and metrics without a run."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

from pytest_medhelm.gates.known import Known
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.config_file import read_config


def known_of(suite: Path | None) -> Known:
    """The package's benchmarks, those in the current folder, and what a suite has recorded.

    Raises ConfigError where the suite is none.
    """
    from pytest_medhelm.tasks.catalogue import catalogue
    from pytest_medhelm.tasks.own_names import own_names

    entries, file = catalogue().entries, Path("medhelm.toml")
    known = Known(
        {entry.task.name: entry.task for entry in entries},
        tests={entry.task.name: entry.tests for entry in entries},
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


def scales_in(suite: Suite) -> dict[str, dict[str, tuple[float, float]]]:
    """By benchmark the scale of each metric that a suite has records of."""
    by_metric: dict[str, dict[str, tuple[float, float]]] = {}
    for benchmark, model in suite.cells():
        for record in islice(suite.records(benchmark, model), 1):
            scales = {name: (float(worst), float(best)) for name, (worst, best) in record["scales"].items()}
            main = scales.get(record["main_metric"])
            by_metric.setdefault(benchmark, {}).update(scales | ({"": main} if main else {}))
    return by_metric
