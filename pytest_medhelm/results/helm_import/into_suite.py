"""Runs of HELM into a suite: one cell for each benchmark and model, of all its sub-tasks together."""

from __future__ import annotations

import platform
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.models.spec import Model
from pytest_medhelm.results.helm_import.names import benchmark_of, sub_task_of
from pytest_medhelm.results.helm_import.records import Imported, model_of, read_records
from pytest_medhelm.results.helm_import.run_folder import STATE, HelmRun, read_run
from pytest_medhelm.results.store.run_manifest import StoredManifest
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.record_types import FingerprintInputs, Record
from pytest_medhelm.tasks.benchmark import Benchmark
from pytest_medhelm.tasks.catalogue import catalogue
from pytest_medhelm.tasks.data.sources import Source
from pytest_medhelm.tasks.metadata import BenchmarkMetadata
from pytest_medhelm.tasks.rubric import Rubric
from pytest_medhelm.tasks.rubric_files import load_rubric
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.hashing import json_hash

KIND: Final = "imported"


@dataclass
class Usable:
    """The runs that can be imported."""

    folders: dict[tuple[str, str], dict[str, Path]] = field(default_factory=dict)
    """By benchmark and model the run folder of each sub-task."""
    models: dict[str, ModelMetadata] = field(default_factory=dict)
    """What describes each model."""
    left_out: list[str] = field(default_factory=list)
    """One sentence for each run that cannot be used."""


@dataclass
class ImportSummary:
    """What an import came to."""

    records: int = 0
    perturbed: int = 0


def usable_runs(folders: Sequence[Path]) -> Usable:
    """Read all runs; one that cannot be used is a sentence and takes no other along."""
    usable = Usable()
    known = {entry.task.name: entry.task for entry in catalogue().entries}
    for folder in folders:
        try:
            task, model, sub_task = _looked_at(folder, known)
        except DataError as error:
            usable.left_out.append(str(error))
            continue
        folders_by_sub_task = usable.folders.setdefault((task.name, model.name), {})
        if sub_task in folders_by_sub_task:
            usable.left_out.append(
                f"{folder.name}: {folders_by_sub_task[sub_task].name} is the same benchmark by the same model"
            )
        else:
            folders_by_sub_task[sub_task] = folder
            usable.models[model.name] = {**model.settings(), "name": model.name, "kind": KIND}
    return usable


def import_runs(usable: Usable, suite: Suite, store: ResponseStore) -> ImportSummary:
    """Write cell by cell; a second import of the same runs replaces the same records.

    The runs are read again: the texts of all of them together may not fit into memory.
    """
    summary = ImportSummary()
    known = {entry.task.name: entry.task for entry in catalogue().entries}
    manifest = _manifest(sum(map(len, usable.folders.values())))
    suite.begin(manifest["run"], manifest, usable.models)
    for (name, _), folders_by_sub_task in sorted(usable.folders.items()):
        task = known[name]
        runs = [read_run(folders_by_sub_task[sub_task]) for sub_task in sorted(folders_by_sub_task)]
        model = model_of(runs[0])
        imported = [answer for run in runs for answer in read_records(run, task, model, _rubric(task))]
        summary.perturbed += sum(bool(state["instance"].get("perturbation")) for run in runs for state in run.states)
        _write(imported, task, model, runs, suite, store)
        summary.records += len(imported)
    suite.commit()
    return summary


def _looked_at(folder: Path, known: Mapping[str, Task]) -> tuple[Task, Model, str]:
    """Benchmark, model and sub-task of a run, read to its end. Raises DataError where it cannot be used."""
    run = read_run(folder)
    task = benchmark_of(run.name, run.groups, known)
    if task is None:
        raise DataError(f"{folder.name}: there is no benchmark of this name or group here")
    model = model_of(run)
    if not sum(1 for _ in read_records(run, task, model, _rubric(task))):
        raise DataError(f"{folder.name}: {STATE} holds no instance")
    return task, model, sub_task_of(run.name, task)


def _rubric(task: Task) -> Rubric | None:
    """None also where criteria carry points: MedHELM keeps the example's score, not the verdicts."""
    rubric = load_rubric(task.rubric) if isinstance(task.rubric, str) and task.rubric else None
    return rubric if isinstance(rubric, Rubric) else None


def _write(
    imported: Sequence[Imported],
    task: Task,
    model: Model,
    runs: Sequence[HelmRun],
    suite: Suite,
    store: ResponseStore,
) -> None:
    instances = sorted(
        {(answer.record["sub_task"], answer.record["instance"], answer.record["reference"]) for answer in imported}
    )
    evaluation = json_hash(["helm", task.name, instances])
    made_with: FingerprintInputs = {
        "model": model.settings(),
        "code": None,
        "prompt": None,
        "scoring": None,
        "jury": None,
    }
    settings = json_hash(["helm", task.name, model.name, made_with])
    names = {name for _, name, _ in instances}
    sub_tasks = sorted({sub_task for sub_task, _, _ in instances} - {""})
    metadata = _facts(task, len(names), sub_tasks, int(runs[0].adapter.get("max_train_instances") or 0))
    store.put([exchange for answer in imported for exchange in answer.exchanges], run="helm")
    for index, answer in enumerate(imported):
        store.put_text(answer.record["reference"], answer.reference)
        record: Record = answer.record | {
            "eval_set_hash": evaluation,
            "eval_set_size": len(names),
            "fingerprint": settings,
        }
        if not index:
            record |= {"benchmark_metadata": metadata, "fingerprint_inputs": made_with}
        suite.add(record)


def _facts(task: Task, total: int, sub_tasks: list[str], shots: int) -> BenchmarkMetadata:
    described = Benchmark(
        task, lambda instance: instance.question, Source("imported", Path(), (), {}), (), total, {}, "", (), "", shots
    )
    return described.facts() | {"sub_tasks": sub_tasks}


def _manifest(runs: int) -> StoredManifest:
    return {
        "run": uuid.uuid4().hex,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "packages": {"pytest-medhelm": version("pytest-medhelm")},
        "argv": ["medhelm", "import-helm"],
        "settings": {"imported_runs": runs},
        "models": [],
        "judges": [],
    }
