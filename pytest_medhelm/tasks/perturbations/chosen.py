"""Which perturbations a run asks for, and what they make of an instance."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches

from pytest_medhelm.tasks.perturbations import clinical, invariance, options, surface, wording
from pytest_medhelm.tasks.perturbations.perturbation import OfText, Perturbation
from pytest_medhelm.tasks.task import Excluded, Instance, Task
from pytest_medhelm.tasks.variants import NOISE_FLOOR
from pytest_medhelm.util.errors import ConfigError, DataError

BUILT_IN: Mapping[str, Perturbation] = {
    perturbation.name: perturbation
    for family in (surface, options, wording, clinical, invariance)
    for perturbation in family.PERTURBATIONS
}
SETS: Mapping[str, tuple[str, ...]] = {
    "robustness": ("mild_mix", "typos", "fillers", "option_shuffle", "question_first", "irrelevant_sentence"),
    "clinical": ("abbreviations", "units", "irrelevant_sentence"),
    "invariance": ("gender", "first_names"),
    "helm": ("mild_mix",),
}
"""``helm``: what HELM's own robustness value is of."""


_AS_GOOD_AS_THE_SAME = 0.8
"""How alike a name is that can only be misspelt, where others may exist that are not known here."""


def chosen_perturbations(names: Sequence[str], known: Mapping[str, Perturbation]) -> tuple[Perturbation, ...]:
    """The perturbations that names and names of sets stand for, each once. Raises ConfigError for an unknown name."""
    chosen: dict[str, Perturbation] = {}
    for name in names:
        for each in SETS.get(name, (name,)):
            if each not in known:
                near = nearest(each, [*known, *SETS])
                meant = f" (did you mean {near}?)" if near else ""
                raise ConfigError(
                    f"--medhelm-perturb={name}: there is no such perturbation{meant}; name a set "
                    f"({', '.join(SETS)}) or some of {', '.join(sorted(known))}"
                )
            chosen[each] = known[each]
    return tuple(chosen.values())


def nearest(name: str, own: Iterable[str]) -> str:
    """The perturbation, built in or ``own``, that a misspelt name can only mean; empty where it is one, or none."""
    there = {*BUILT_IN, *own}
    near = get_close_matches(name, sorted(there), n=1, cutoff=_AS_GOOD_AS_THE_SAME)
    return near[0] if near and name not in there else ""


def all_known(more: Iterable[Mapping[str, Perturbation]]) -> dict[str, Perturbation]:
    """The built-in ones and those of hooks. Raises ConfigError for a name that is taken or no perturbation."""
    known = dict(BUILT_IN)
    for entries in more:
        if not (isinstance(entries, Mapping) and all(isinstance(each, Perturbation) for each in entries.values())):
            raise ConfigError("pytest_medhelm_perturbations must return a dict of Perturbations by name")
        for name, perturbation in entries.items():
            if name in known or name in SETS or name == NOISE_FLOOR:
                raise ConfigError(f"the perturbation {name!r} of a hook needs another name: there is one of this name")
            if name != perturbation.name:
                raise ConfigError(f"a hook returns {name!r} for a perturbation whose name is {perturbation.name!r}")
            known[name] = perturbation
    return known


def why_not(perturbation: Perturbation, task: Task) -> str:
    """Why a perturbation is not for a benchmark; empty where it is."""
    if perturbation.family not in task.keeps_gold and perturbation.name not in task.keeps_gold:
        return "the benchmark does not say that its answers stay right"
    language = task.language.partition("-")[0]
    if perturbation.languages and language not in perturbation.languages:
        return f"its text is not in {' or '.join(perturbation.languages)}"
    if perturbation.name == "paraphrase" and task.paraphrase is None:
        return "the benchmark has no other wording"
    return ""


def perturbed(perturbation: Perturbation, instance: Instance, task: Task) -> Instance | Excluded:
    """The changed instance under its own id, or why there is none; the same in every run and process.

    Raises DataError where a perturbation of a hook returns anything else.
    """
    seed = hashlib.sha256(f"{perturbation.name}\0{task.name}\0{instance.id}".encode("utf-8", "replace")).digest()
    number = int.from_bytes(seed[:8])
    changed: object
    if isinstance(perturbation.perturb, OfText):
        changed = perturbation.perturb(instance, number, task.perturbed_fields)
    else:
        changed = perturbation.perturb(instance, number)
    if isinstance(changed, Instance) and changed.id == instance.id:
        return changed
    if isinstance(changed, Excluded) and changed.rule:
        return changed
    raise DataError(
        f"the perturbation {perturbation.name!r} returned neither an Instance of the same id nor Excluded with a reason"
    )


def applicable(perturbations: Collection[Perturbation], instance: Instance, task: Task) -> dict[str, str]:
    """By name why a perturbation cannot be applied to an instance; empty where it can."""
    reasons: dict[str, str] = {}
    for perturbation in perturbations:
        changed = perturbed(perturbation, instance, task)
        reasons[perturbation.name] = changed.rule if isinstance(changed, Excluded) else ""
    return reasons
