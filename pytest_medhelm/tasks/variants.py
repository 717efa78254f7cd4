"""The ways in which an instance is asked: as it is, once more, or changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pytest_medhelm.tasks.data.compressed import CompressedInstance

NOISE_FLOOR = "unperturbed"
"""Stands where a perturbation is named for the unchanged instance, asked again to know what chance alone does."""
NOISE_FROM = 1000
"""The repeat index of the first asking of the noise floor: its answers are others than those of the repeats."""


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

    @property
    def request_repeat(self) -> int:
        """The repeat index in the request's key."""
        return self.repeat + NOISE_FROM * (self.perturbation == NOISE_FLOOR)


ONCE = Variant()
"""An instance as it is, asked for the first time."""


class Asked(NamedTuple):
    """An instance in one of its ways."""

    packed: CompressedInstance
    variant: Variant
    refused: Mapping[str, str] = {}
    """Of the first asking: by perturbation why it cannot be applied, empty where it is."""
