"""In which ways the instances of a run are asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_medhelm.tasks.data.compressed import CompressedInstance
from pytest_medhelm.tasks.data.sampling import rank
from pytest_medhelm.tasks.task import Excluded, Instance, Task
from pytest_medhelm.tasks.variants import NOISE_FLOOR, ONCE, Asked, Variant

if TYPE_CHECKING:
    from pytest_medhelm.tasks.perturbations.perturbation import Perturbation


@dataclass(frozen=True)
class Plan:
    """How the instances of a run are asked."""

    repeats: int = 1
    perturbations: tuple[Perturbation, ...] = ()
    limit: int | None = None
    """Instances of each sub-task that are changed, a seeded sample; None: all."""
    noise_floor: int | None = None
    """How often a changed instance is asked again unchanged; None: as often as changed, 0: not at all."""

    def askings(
        self, chosen: Sequence[CompressedInstance], evaluated: Sequence[CompressedInstance], task: Task
    ) -> Iterator[CompressedInstance | Asked]:
        """``chosen`` instances, some of those ``evaluated``, in all their ways, one instance after the other."""
        if self.repeats == 1 and not self.perturbations:
            yield from chosen
            return
        # Here, as below: a run that changes nothing does not pay for what all changes need.
        from pytest_medhelm.tasks.perturbations.chosen import applicable, why_not

        fit = [perturbation for perturbation in self.perturbations if not why_not(perturbation, task)]
        varied = self._varied(evaluated, task) if fit else frozenset()
        for packed in chosen:
            refused = applicable(fit, packed.unpack(), task) if packed.id in varied else {}
            yield Asked(packed, ONCE, refused) if refused else packed
            for repeat in range(1, self.repeats):
                yield Asked(packed, Variant(repeat=repeat))
            applied = [name for name, reason in refused.items() if not reason]
            yield from (Asked(packed, Variant(name)) for name in applied)
            floor = len(applied) if self.noise_floor is None else self.noise_floor
            yield from (Asked(packed, Variant(NOISE_FLOOR, repeat)) for repeat in range(floor if applied else 0))

    def _varied(self, evaluated: Sequence[CompressedInstance], task: Task) -> frozenset[str]:
        """The instances that are changed. Of each sub-task as many, as with --medhelm-limit: each has its figure."""
        by_sub_task: dict[str, list[str]] = defaultdict(list)
        for instance in evaluated:
            by_sub_task[instance.sub_task].append(instance.id)
        ranked = (sorted(ids, key=lambda name: rank(task.name, name)) for ids in by_sub_task.values())
        return frozenset(name for ids in ranked for name in ids[: self.limit])

    def instance(self, variant: Variant, instance: Instance, task: Task) -> Instance:
        """The instance as a variant has it."""
        perturbation = next((known for known in self.perturbations if known.name == variant.perturbation), None)
        if perturbation is None:
            return instance
        from pytest_medhelm.tasks.perturbations.chosen import perturbed

        changed = perturbed(perturbation, instance, task)
        assert not isinstance(changed, Excluded), f"{variant.perturbation} was applied to it when it was collected"
        return changed

    def left_out(self, task: Task) -> dict[str, str]:
        """By perturbation why it is not for a benchmark."""
        if not self.perturbations:
            return {}
        from pytest_medhelm.tasks.perturbations.chosen import why_not

        return {
            perturbation.name: reason for perturbation in self.perturbations if (reason := why_not(perturbation, task))
        }

    def facts(self) -> dict[str, Any]:
        """What results are made with; empty where each instance is asked once and as it is."""
        facts: dict[str, Any] = {"repeats": self.repeats} if self.repeats > 1 else {}
        if self.perturbations:
            facts["variants"] = {
                "perturbations": {perturbation.name: perturbation.version for perturbation in self.perturbations},
                "limit": self.limit,
                "noise_floor": self.noise_floor,
            }
        return facts
