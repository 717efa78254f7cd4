"""Figures of several answers to an instance are compared only where these were asked for in the same way."""

from __future__ import annotations

from typing import Any

from pytest_medhelm.results.leaderboard.cell_entry import Provenance
from pytest_medhelm.results.leaderboard.confidence_column import AGREEMENT
from pytest_medhelm.results.leaderboard.robustness import DROP, OF_VARIANTS

_OF_THE_NUMBER = ("flip_rate", "majority_vote")
"""Metrics that grow with the number of repeats; those of k answers, and variances, do not."""
_OF_THE_WORST = ("worst_case_drop", "worst_case_helm")


def other_askings(metric: str, here: Provenance, there: Provenance) -> str:
    """How the baseline was asked in another way, as far as that matters for a metric; empty where it was not."""
    if metric in _OF_THE_NUMBER or metric.endswith(f"_{AGREEMENT}"):
        counts = here.get("repeats", 1), there.get("repeats", 1)
        return f"each request was asked {counts[1]} times there and {counts[0]} times here" * (counts[0] != counts[1])
    if metric.startswith(DROP):
        name = metric.removeprefix(DROP)
        versions = _perturbations(here).get(name), _perturbations(there).get(name)
        return f"{name} is of another version there" * (versions[0] != versions[1])
    if metric not in OF_VARIANTS:
        return ""
    if _perturbations(here) != _perturbations(there):
        words = [", ".join(sorted(_perturbations(made))) or "nothing" for made in (there, here)]
        return f"other words are {words[0]} there and {words[1]} here"
    floors = [_variants(made).get("noise_floor") for made in (there, here)]
    if metric in _OF_THE_WORST and floors[0] != floors[1]:
        often = ["as often" if floor is None else f"{floor} times" for floor in floors]
        return f"the same was asked again unchanged {often[0]} there and {often[1]} here"
    return ""


def _variants(made: Provenance) -> dict[str, Any]:
    return dict(made.get("variants", {}))


def _perturbations(made: Provenance) -> dict[str, int]:
    perturbations: dict[str, int] = _variants(made).get("perturbations", {})
    return perturbations
