"""A benchmark as one session runs it: its Task, the data found here, the instances chosen from them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_medhelm.datasets.packing import Packed
from pytest_medhelm.datasets.sampling import sample
from pytest_medhelm.datasets.sources import Source, find_source
from pytest_medhelm.errors import DataError
from pytest_medhelm.options import Settings
from pytest_medhelm.prompts import Message
from pytest_medhelm.task import Instance, Task

Prompt = Callable[[Instance], "str | Sequence[Message]"]


@dataclass(frozen=True)
class Benchmark:
    """What one module evaluates in this session."""

    task: Task
    prompt: Prompt
    source: Source
    instances: Sequence[Packed]
    """The evaluation set: what the limit asks for, before -k, -m and --lf."""
    total: int
    """Instances in the data."""
    majority: str
    """The most frequent reference of the data."""
    code: str
    """SHA-256 of the module: prompt, reading and scoring."""

    @cached_property
    def evaluation(self) -> str:
        """Hash of the evaluation set: benchmark, data files, instance ids."""
        parts = [
            self.task.name,
            sorted(self.source.sha256.items()),
            sorted(entry.id for entry in self.instances),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def messages(self, instance: Instance) -> Sequence[Message]:
        """The chat messages of an instance."""
        prompt = self.prompt(instance)
        return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt

    def facts(self) -> dict[str, Any]:
        """What the reports say of the benchmark, as plain values."""
        task = self.task
        return {
            "name": task.name,
            "title": task.title,
            "category": task.category,
            "subcategory": task.subcategory,
            "access": task.access,
            "kind": task.kind,
            "language": task.language,
            "licence": task.licence,
            "source": task.source,
            "main_metric": task.main_metric,
            "scale": list(task.scale),
            "chance": task.chance,
            "strata": sorted({entry.stratum for entry in self.instances} - {""}),
            "data": {
                "origin": self.source.origin,
                "sha256": dict(self.source.sha256),
                "accepted": list(self.source.accepted),
                "instances": self.total,
            },
            "code": self.code,
        }


def load_benchmark(module: Any, settings: Settings) -> Benchmark:
    """Read the data of a benchmark module and choose its instances.

    Raises DataError or DataMissing with a sentence for the user.
    """
    task: Task = module.TASK
    path = Path(module.__file__)
    accept: Mapping[str, Any] = settings.config.data.get(task.name, {})
    source = find_source(task, data=settings.data, samples=_samples(path, task.name), accept=accept.get("accept", ()))
    instances, answers = [], Counter[str]()
    for instance in task.load(*source.paths):
        instances.append(Packed(instance, task.strata))
        answers[instance.answer] += 1
    if not instances:
        raise DataError(f"{task.name}: {source.paths[0]} holds no instance")
    repeated = [key for key, count in Counter(entry.id for entry in instances).items() if count > 1]
    if repeated:
        raise DataError(f"{task.name}: {source.paths[0]} has {len(repeated)} instance ids that occur more than once")
    return Benchmark(
        task=task,
        prompt=module.prompt,
        source=source,
        instances=sample(instances, settings.limit, name=task.name),
        total=len(instances),
        majority=max(answers, key=lambda answer: (answers[answer], answer)),
        code=hashlib.sha256(path.read_bytes()).hexdigest()[:16],
    )


def _samples(module: Path, name: str) -> Path:
    """The folder of sample data: beside the module, or beside its category folder."""
    beside = module.parent / "samples"
    return beside if (beside / name).is_dir() else module.parent.parent / "samples"
