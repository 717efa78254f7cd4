"""A run folder of HELM as it stands on disk: run_spec.json, scenario_state.json, per_instance_stats.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.files import parse_json
from pytest_medhelm.util.json_types import JsonObject

SPEC, STATE, STATS = "run_spec.json", "scenario_state.json", "per_instance_stats.json"
MISSHAPEN = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)
"""What reading JSON of another shape ends in."""


@dataclass(frozen=True)
class HelmRun:
    """One benchmark, or one sub-task of it, by one model."""

    folder: Path
    name: str
    model: str
    """As HELM names it."""
    adapter: JsonObject
    """What was asked for: token budget, temperature, solved examples."""
    groups: object
    states: list[JsonObject]
    """A request with its result for each instance, trial and perturbation."""
    stats: Mapping[tuple[str, int], Mapping[str, float]]
    """By instance and trial the mean of each stat, without perturbations."""


def run_folders(path: Path) -> list[Path]:
    """All run folders at or below a path, sorted. Raises DataError where there is none."""
    folders = sorted({file.parent for name in (SPEC, STATE) for file in path.rglob(name)}) if path.is_dir() else []
    if not folders:
        raise DataError(f"{path} holds no run of HELM ({SPEC}): name benchmark_output/runs/SUITE, or one run in it")
    return folders


def read_run(folder: Path) -> HelmRun:
    """Read a run. Raises DataError, naming file and fault, for one that is missing, cut off or of another shape."""
    spec, state, stats = (_json(folder / name) for name in (SPEC, STATE, STATS))
    try:
        return HelmRun(
            folder=folder,
            name=name_of(spec["name"]),
            model=name_of(spec["adapter_spec"]["model"]),
            adapter=spec["adapter_spec"],
            groups=spec.get("groups"),
            states=list(state["request_states"]),
            stats=_by_instance(stats),
        )
    except MISSHAPEN as error:
        raise misshapen(folder, error) from None


def misshapen(folder: Path, error: Exception) -> DataError:
    """One sentence for a run that cannot be understood; it quotes nothing of its content."""
    return DataError(f"{folder.name}: not the shape of a HELM run ({type(error).__name__}); run it again")


def name_of(value: object) -> str:
    """A name as text. Raises ValueError for one that is empty or has no UTF-8."""
    name = "" if value is None else str(value).encode().decode()
    if not name:
        raise ValueError("a name is empty")
    return name


def _json(file: Path) -> Any:
    try:
        return parse_json(file.read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(f"{file.parent.name}: {file.name} is missing, the run did not come to its end") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file.parent.name}: {file.name} cannot be read ({type(error).__name__})") from None


def _by_instance(stats: Any) -> dict[tuple[str, int], dict[str, float]]:
    """HELM writes one element per metric object: several for the same instance."""
    by_instance: dict[tuple[str, int], dict[str, float]] = {}
    for entry in stats:
        if entry.get("perturbation"):
            continue
        values = by_instance.setdefault((str(entry["instance_id"]), int(entry.get("train_trial_index", 0))), {})
        for stat in entry["stats"]:
            if not stat["name"].get("perturbation") and stat.get("count"):
                values[str(stat["name"]["name"])] = float(stat["sum"]) / int(stat["count"])
    return by_instance
