"""The code behind each version, against the lock file: python -m tests.support.versions accepts it as it is now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules, walk_packages

from pytest_medhelm import agents
from pytest_medhelm.scoring import jury
from pytest_medhelm.scoring.answers import READER_VERSIONS
from pytest_medhelm.scoring.confidence import CONFIDENCE_VERSION
from pytest_medhelm.scoring.jury.judge_prompt import JURY_VERSION
from pytest_medhelm.scoring.metrics import MEASURE_VERSIONS, METRICS
from pytest_medhelm.tasks.catalogue import catalogue
from pytest_medhelm.tasks.module_code import module_hash
from pytest_medhelm.tasks.rubric_files import load_rubric, packaged
from pytest_medhelm.util.hashing import json_hash
from tests.support.paths import CHECKOUT

LOCK = CHECKOUT / "tests" / "scoring" / "versions.json"
COMMAND = "python -m tests.support.versions"
PARTS = ("pytest_medhelm.scoring.answers", "pytest_medhelm.scoring.metrics", "pytest_medhelm.benchmarks")
Lock = Mapping[str, tuple[int, str]]
"""What has a version -> the version, and a hash of the code behind it."""


def now() -> dict[str, tuple[int, str]]:
    """The lock as the code is now."""
    _load()
    return dict(sorted([*_readers(), *_metrics(), *_tasks(), *_rubrics(), *_jury()]))


def locked() -> Lock:
    """The lock as it was accepted."""
    return {name: (version, code) for name, (version, code) in json.loads(LOCK.read_text("utf-8")).items()}


def accept() -> None:
    """Write the lock anew."""
    lines = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in now().items()]
    LOCK.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def complaints(before: Lock, after: Lock) -> list[str]:
    """What must be decided, in sentences; empty where each version goes with the code behind it."""
    said = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if old is None or new is None:
            said.append(f"{name} is {'new' if old is None else 'gone'}: type {COMMAND}")
        elif new[0] < old[0]:
            said.append(f"{name}: its version went back from {old[0]} to {new[0]}: versions only rise")
        elif new[0] == old[0]:
            said.append(
                f"the code behind {name} changed: raise its version if scores may differ, which refuses older "
                f"baselines; in both cases accept the code with {COMMAND}"
            )
        else:
            said.append(f"{name} has a new version: accept it with {COMMAND}")
    return said


@cache
def _load() -> None:
    """Import all that counts: a hash takes in imported modules as far as they are loaded, which must not be chance."""
    for part in PARTS:
        for entry in walk_packages(import_module(part).__path__, f"{part}."):
            import_module(entry.name)


def _belongs(name: str, file: Path) -> bool:
    return name.startswith(PARTS)


def _code(name: str) -> str:
    return module_hash(import_module(name), _belongs)


def _readers() -> Iterator[tuple[str, tuple[int, str]]]:
    for name, version in READER_VERSIONS.items():
        where = "pytest_medhelm.scoring" + ("" if name == "response" else ".answers")
        yield f"reader {name}", (version, _code(f"{where}.{name}"))
    confidence = [_code(f"pytest_medhelm.scoring.{name}") for name in ("confidence", "answers.stated")]
    yield "reader confidence", (CONFIDENCE_VERSION, json_hash(confidence))


def _metrics() -> Iterator[tuple[str, tuple[int, str]]]:
    for name, metric in METRICS.items():
        declared = [list(metric.names), list(metric.scale), metric.binary]
        yield f"metric {name}", (metric.version, json_hash([_code(metric.compute.__module__), declared]))
    for name, version in MEASURE_VERSIONS.items():
        yield f"metric {name}", (version, _code(f"pytest_medhelm.scoring.metrics.{name}"))


def _tasks() -> Iterator[tuple[str, tuple[int, str]]]:
    for entry in catalogue().entries:
        module = import_module(f"pytest_medhelm.benchmarks.{entry.path.parent.name}.{entry.path.stem}")
        code = module_hash(module, _belongs)
        if entry.task.kind == "agentic":  # tools, hospital and checks are what its scores mean
            code = json_hash([code, _agents()])
        yield f"task {entry.task.name}", (entry.task.version, code)


@cache
def _agents() -> str:
    names = [entry.name for entry in walk_packages(agents.__path__, f"{agents.__name__}.") if not entry.ispkg]
    return json_hash([module_hash(import_module(name), lambda *_: False) for name in names])


def _rubrics() -> Iterator[tuple[str, tuple[int, str]]]:
    for name in packaged():
        rubric = load_rubric(name)
        yield f"rubric {name}", (rubric.version, rubric.digest)


def _jury() -> Iterator[tuple[str, tuple[int, str]]]:
    modules = [f"{jury.__name__}.{entry.name}" for entry in iter_modules(jury.__path__)]
    yield "jury", (JURY_VERSION, json_hash([module_hash(import_module(name), lambda *_: False) for name in modules]))


if __name__ == "__main__":
    accept()
