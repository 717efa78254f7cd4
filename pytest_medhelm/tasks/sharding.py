"""Several CI jobs share an evaluation: which of its instances belong to which job.

Every job knows the whole evaluation set and asks its own part, so that one alone is incomplete and passes no gate, and
all of them merged are the whole. The parts are fixed by the instances alone: whatever -n, -k, models or file order.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_medhelm.tasks.data.compressed import CompressedInstance
from pytest_medhelm.tasks.data.sampling import rank
from pytest_medhelm.util.settings import Shard


def in_shard(instances: Sequence[CompressedInstance], shard: Shard | None, *, name: str) -> list[CompressedInstance]:
    """The instances of a benchmark that a job asks, in their order.

    The longest texts are dealt out first, forth and back over the jobs, so that each gets about as many instances and
    about as much text: what a request costs. Ties are broken by the keyed hash that samples are drawn by.
    """
    if shard is None:
        return list(instances)
    ordered = sorted(instances, key=lambda instance: (-instance.length, rank(name, instance.id)))
    dealt = {instance.id for index, instance in enumerate(ordered) if _dealt_to(index, shard.count) == shard.number}
    return [instance for instance in instances if instance.id in dealt]


def _dealt_to(index: int, count: int) -> int:
    turn, seat = divmod(index, count)
    return seat + 1 if turn % 2 == 0 else count - seat
