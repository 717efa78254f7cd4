"""The ways in which an instance is asked: as it is, once more, or changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytest_medhelm.tasks.data.compressed import CompressedInstance
from pytest_medhelm.util.settings import Settings


class Variant(NamedTuple):
    """One way of asking."""

    perturbation: str = ""
    """What was changed; empty for the instance as it is."""
    repeat: int = 0
    """Which of several askings of the same request."""

    @property
    def mark(self) -> str:
        """What an item's id gets after the instance's; empty for the first asking of an unchanged instance."""
        again = f"repeat{self.repeat + 1}" if self.repeat else ""
        return "".join(f"+{part}" for part in (self.perturbation, again) if part)


ONCE = Variant()
"""An instance as it is, asked for the first time."""


class Asked(NamedTuple):
    """An instance in one of the further ways; the first one is the instance alone."""

    packed: CompressedInstance
    variant: Variant


def askings(instances: Sequence[CompressedInstance], settings: Settings) -> Iterator[CompressedInstance | Asked]:
    """Every instance in all ways in which it is asked, one instance after the other."""
    for packed in instances:
        yield packed
        for repeat in range(1, settings.repeats):
            yield Asked(packed, Variant(repeat=repeat))
