"""Which instances a limit keeps."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from pytest_medhelm.datasets.packing import Packed

SEED = "medhelm-1"


def sample(instances: Sequence[Packed], limit: int | None, *, name: str) -> list[Packed]:
    """The instances with the smallest keyed hashes of their ids, in file order.

    So limit 100 is a subset of limit 200, and the order of the file does not matter. Where a benchmark has sub-runs
    the limit holds for each of them.
    """
    if limit is None:
        return list(instances)
    groups: dict[str, list[Packed]] = defaultdict(list)
    for instance in instances:
        groups[instance.stratum].append(instance)
    kept: set[str] = set()
    for group in groups.values():
        group.sort(key=lambda instance: _rank(name, instance.id))
        kept.update(instance.id for instance in group[:limit])
    return [instance for instance in instances if instance.id in kept]


def _rank(name: str, instance: str) -> bytes:
    return hashlib.sha256(f"{SEED}:{name}:{instance}".encode()).digest()
