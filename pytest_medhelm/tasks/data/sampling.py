"""Which instances a limit keeps."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from pytest_medhelm.tasks.data.compressed import CompressedInstance
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.util.settings import Sampler

SEED = "medhelm-1"


def sample(
    instances: Sequence[CompressedInstance], limit: int | None, *, name: str, sampler: Sampler = "hash"
) -> list[CompressedInstance]:
    """The instances that a limit keeps, in file order. Where a benchmark has sub-runs it holds for each of them.

    ``hash`` keeps the smallest keyed hashes of the ids: limit 100 is a subset of limit 200, and the order of the file
    does not matter. ``helm`` draws as MedHELM does, with numpy's seed 0 over the file's order.
    """
    if limit is None:
        return list(instances)
    groups: dict[str, list[CompressedInstance]] = defaultdict(list)
    for instance in instances:
        groups[instance.group].append(instance)
    choose = _helm if sampler == "helm" else _smallest
    kept = {instance.id for group in groups.values() for instance in choose(group, limit, name)}
    return [instance for instance in instances if instance.id in kept]


def rank(name: str, instance: str) -> bytes:
    """The keyed hash of an instance id by which samples are drawn."""
    return hashlib.sha256(f"{SEED}:{name}:{instance}".encode()).digest()


def _smallest(group: list[CompressedInstance], limit: int, name: str) -> Sequence[CompressedInstance]:
    return sorted(group, key=lambda instance: rank(name, instance.id))[:limit]


def _helm(group: list[CompressedInstance], limit: int, name: str) -> Sequence[CompressedInstance]:
    if len(group) <= limit:
        return group
    import numpy as np

    return [group[index] for index in np.random.RandomState(0).choice(len(group), limit, replace=False)]


def spread(examples: Iterable[Instance], *, name: str) -> list[Instance]:
    """Solved examples in the order in which they are shown: by keyed hash, the answers taking turns.

    So that the first few do not all have the same answer, where answers are labels.
    """
    turns: dict[str, int] = defaultdict(int)
    placed = []
    for example in sorted(examples, key=lambda entry: rank(name, entry.id)):
        placed.append((turns[example.answer], example))
        turns[example.answer] += 1
    placed.sort(key=lambda entry: entry[0])
    return [example for _, example in placed]
