"""What a perturbation is, and how one of a text becomes one of an instance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal, get_args

from pytest_medhelm.tasks.task import Excluded, Instance
from pytest_medhelm.util.errors import ConfigError

Family = Literal["surface", "options", "wording", "clinical", "invariance"]
"""What a Task may say that its gold survives (``Task.keeps_gold``)."""
FAMILIES: tuple[Family, ...] = get_args(Family)

Perturb = Callable[[Instance, int], "Instance | Excluded"]
"""(instance, seed) -> the changed instance, its answer included; or why it cannot be changed."""
ChangeText = Callable[[str, Random], str]
"""(text, random numbers) -> the changed text; the same text where there is nothing to change."""


@dataclass(frozen=True, slots=True)
class Perturbation:
    """A way of changing an instance so that its right answer stays right, or becomes another known one."""

    name: str
    perturb: Perturb
    words: str
    """What it changes, in a few words that a clinician understands, e.g. "letters typed in the wrong order"."""
    family: Family = "surface"
    languages: tuple[str, ...] = ()
    """BCP 47 codes of the languages that it knows; empty for all."""
    version: int = 1
    """Raised when the same instance is changed in another way than before."""

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ConfigError(
                f"the perturbation {self.name!r} names the family {self.family!r}: name one of {', '.join(FAMILIES)}"
            )


@dataclass(frozen=True, slots=True)
class OfText:
    """A perturbation of texts, lifted over fields of an instance."""

    change: ChangeText
    nothing: str
    """Why it cannot be applied where no text changes."""

    def __call__(
        self, instance: Instance, seed: int, fields: Sequence[str] = ("question", "context")
    ) -> Instance | Excluded:
        """``fields``: those that the benchmark declares (``Task.perturbed_fields``), texts or several of them."""
        random = Random(seed)
        changed: dict[str, Any] = {}
        for name in fields:
            text = getattr(instance, name)
            whole = isinstance(text, str)
            changed[name] = self.change(text, random) if whole else tuple(self.change(part, random) for part in text)
        if all(text == getattr(instance, name) for name, text in changed.items()):
            return Excluded(self.nothing)
        return replace(instance, **changed)
