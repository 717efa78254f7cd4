"""One served model under several names: said loudly, and ranked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.results.store.run_manifest import RunManifest
from pytest_medhelm.util.hashing import json_hash


def several_names(models: Mapping[str, ModelMetadata], runs: Iterable[RunManifest]) -> list[list[str]]:
    """The names of each model that has more than one: the same id, at the same address, with the same settings.

    With other settings it is another candidate: somebody wants to know which are better.
    """
    addresses = {facts["name"]: facts["base_url"] for run in runs for facts in run["models"]}
    groups: dict[str, list[str]] = {}
    for name, facts in models.items():
        address = addresses.get(name, "")
        if facts["kind"] == "candidate" and address:
            settings = [facts["served"], facts["body"], facts["system_prompt"], facts.get("structured"), address]
            groups.setdefault(json_hash(settings), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def ranked_once(candidates: Sequence[str], groups: Sequence[Sequence[str]]) -> list[str]:
    """The candidates without the further names of one model."""
    further = {name for names in groups for name in names[1:]}
    return [name for name in candidates if name not in further]


def same_model_sentences(groups: Sequence[Sequence[str]]) -> list[str]:
    """What is to be said of them."""
    return [
        f"SAME MODEL: {' and '.join(names)} are one served model with the same settings: ranked once, as {names[0]}"
        for names in groups
    ]
