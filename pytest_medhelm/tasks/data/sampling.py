"""Which instances a limit keeps."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappush, heappushpop

from pytest_medhelm.tasks.data.compressed import TOGETHER, CompressedInstance, compress
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.util.settings import Sampler

SEED = "medhelm-1"


def sample(
    instances: Sequence[CompressedInstance],
    limit: int | None,
    *,
    name: str,
    sampler: Sampler = "hash",
    validation: Mapping[str, int] | None = None,
) -> list[CompressedInstance]:
    """The instances that a limit keeps, in file order. Where a benchmark has sub-tasks it holds for each of them.

    ``hash`` keeps the smallest keyed hashes of the ids: limit 100 is a subset of limit 200, and the order of the file
    does not matter. ``helm`` draws as MedHELM does, with numpy's seed 0 over the file's order; ``validation`` is how
    many instances of the validation split stand there before those of a group and are drawn with them.
    """
    if limit is None:
        return list(instances)
    groups: dict[str, list[CompressedInstance]] = defaultdict(list)
    for instance in instances:
        groups[instance.group].append(instance)
    kept: set[str] = set()
    for key, group in groups.items():
        before = (validation or {}).get(key, 0)
        chosen = _helm(group, limit, before) if sampler == "helm" else _smallest(group, limit, name)
        kept.update(instance.id for instance in chosen)
    return [instance for instance in instances if instance.id in kept]


class Keeper:
    """While a file is read, drops the content of instances that ``sample`` with the same arguments cannot keep, and
    compresses the others where all are kept."""

    def __init__(self, limit: int | None, *, name: str, sampler: Sampler) -> None:
        self._limit = limit if sampler == "hash" else None
        self._name = name
        self._waiting: list[CompressedInstance] = []
        self._size = 0
        """Bytes of those that wait."""
        # Which sub-tasks are evaluated is known at the end only.
        self._kept: dict[tuple[str, str], list[tuple[int, int, CompressedInstance]]] = defaultdict(list)

    def add(self, number: int, instance: CompressedInstance) -> None:
        """Take the next instance; ``number`` tells it from all others."""
        if self._limit is None:
            self._waiting.append(instance)
            self._size += instance.size
            if self._size >= TOGETHER:
                compress(self._waiting)
                self._waiting, self._size = [], 0
            return
        kept = self._kept[instance.group, instance.sub_task]
        ranked = (-int.from_bytes(rank(self._name, instance.id), "big"), number, instance)
        if len(kept) < self._limit:
            heappush(kept, ranked)
        else:
            heappushpop(kept, ranked)[2].drop()


def rank(name: str, instance: str) -> bytes:
    """The keyed hash of an instance id by which samples are drawn."""
    return hashlib.sha256(f"{SEED}:{name}:{instance}".encode()).digest()


def _smallest(group: list[CompressedInstance], limit: int, name: str) -> Sequence[CompressedInstance]:
    return sorted(group, key=lambda instance: rank(name, instance.id))[:limit] if len(group) > limit else group


def _helm(group: list[CompressedInstance], limit: int, before: int) -> Sequence[CompressedInstance]:
    return [group[index] for index in helm_positions(len(group), limit, before)]


def helm_positions(count: int, limit: int, before: int = 0) -> Sequence[int]:
    """Which of ``count`` instances MedHELM's sampler keeps, ``before`` others standing before them in its order."""
    if before + count <= limit:
        return range(count)
    import numpy as np

    drawn = np.random.RandomState(0).choice(before + count, limit, replace=False)
    return [int(index) - before for index in drawn if index >= before]


def spread(examples: Iterable[Instance], *, name: str) -> list[Instance]:
    """Solved examples in the order in which they are shown: by keyed hash, the answers taking turns.

    So that the first few do not all have the same answer, where answers are labels.
    """
    turns: dict[str, int] = defaultdict(int)
    ranked = []
    for example in sorted(examples, key=lambda example: rank(name, example.id)):
        ranked.append((turns[example.answer], example))
        turns[example.answer] += 1
    ranked.sort(key=lambda pair: pair[0])
    return [example for _, example in ranked]
