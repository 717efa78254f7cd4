"""What a gate file says was to be evaluated, against what was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_medhelm.gates.gate_file import Gate
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.tasks.perturbations.chosen import SETS

SHORT = 12
"""Characters of a checksum that a sentence shows."""


def deviations(gate: Gate, cell: Cell, run: Mapping[str, Any]) -> list[str]:
    """One sentence for each thing that differs; empty when the cell is what was agreed on.

    ``run``: the settings of the newest run, as the manifest has them.
    """
    stated = {**gate.evaluation, **gate.benchmarks.get(cell.benchmark, {})}
    return [*_instances(stated, cell), *_hashes(stated, cell), *_settings(stated, cell, run)]


def _instances(stated: Mapping[str, object], cell: Cell) -> Iterator[str]:
    n = stated.get("n")
    data = cell.metadata["data"]
    if n == "all" and cell.size != data["instances"]:
        yield f"it states all {data['instances']} instances, {cell.size} were to be run: type --medhelm-limit=all"
    elif isinstance(n, int) and n != cell.size:
        yield f"it states {n} instances, {cell.size} were to be run: type --medhelm-limit={n}"
    checksum = stated.get("data")
    if checksum is not None:
        sha256 = data["sha256"]
        wanted = checksum if isinstance(checksum, dict) else dict.fromkeys(sha256, checksum)
        if cell.metadata["access"] != "public" and sorted(map(str, wanted.values())) == sorted(sha256.values()):
            return  # Their names are hashes, with another key on another machine.
        for name in sorted(wanted.keys() | sha256.keys()):
            there, here = wanted.get(name), sha256.get(name)
            if there != here:
                yield f"it states other data: {name} is {_short(there)} there and {_short(here)} here"


def _hashes(stated: Mapping[str, object], cell: Cell) -> Iterator[str]:
    here = cell.provenance
    for key, now, what in (
        ("set", here["eval_set_hash"], "another evaluation set"),
        ("prompt", here["prompt"], "another prompt"),
        ("scoring", here["scoring"], "other scoring code"),
    ):
        if key in stated and stated[key] != now:
            yield f"it states {what}: {_short(stated[key])} there and {_short(now)} here"


def _settings(stated: Mapping[str, object], cell: Cell, run: Mapping[str, Any]) -> Iterator[str]:
    jury = cell.provenance["jury"]
    settings = {
        "shots": cell.provenance["shots"],
        "sampler": run.get("sampler", "hash"),
        "repeats": run.get("repeats", 1),
        "perturbations": _expanded(run.get("perturbations", ())),
        "perturb_limit": run.get("perturb_limit") or "all",
    }
    if cell.jury.judges:
        settings |= {
            "judges": sorted(jury["judges"] if jury else cell.jury.judges),
            "judge_repeats": jury["repeats"] if jury else 1,
        }
    for key, value in settings.items():
        wanted = stated.get(key, value)
        if isinstance(wanted, list):
            wanted = _expanded(wanted) if key == "perturbations" else sorted(wanted)
        if wanted != value:
            yield f"it states {key} = {_as_text(wanted)}, the run had {_as_text(value)}"


def _expanded(names: Iterable[str]) -> list[str]:
    """Perturbations, sets of them by what they hold."""
    return sorted({each for name in names for each in SETS.get(name, (name,))})


def _short(checksum: object) -> str:
    text = str(checksum or "")
    return "not known" if not text else (text if len(text) <= SHORT else f"{text[:SHORT]}...")


def _as_text(value: object) -> str:
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)
