"""Which instances a limit keeps."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from pytest_medhelm.task import Instance

SEED = "medhelm-1"


def sample(instances: Sequence[Instance], limit: int | None, *, name: str, strata: str = "") -> list[Instance]:
    """The instances with the smallest keyed hashes of their ids, in file order.

    So limit 100 is a subset of limit 200, and the order of the file does not matter. With ``strata`` (the name of a
    slice whose groups are sub-runs) the limit holds for each group.
    """
    if limit is None:
        return list(instances)
    groups: dict[str, list[Instance]] = defaultdict(list)
    for instance in instances:
        groups[instance.slices.get(strata, "") if strata else ""].append(instance)
    kept: set[str] = set()
    for group in groups.values():
        group.sort(key=lambda instance: _rank(name, instance.id))
        kept.update(instance.id for instance in group[:limit])
    return [instance for instance in instances if instance.id in kept]


def _rank(name: str, instance: str) -> bytes:
    return hashlib.sha256(f"{SEED}:{name}:{instance}".encode()).digest()
