"""Metrics in words: what each says, for a reader who knows medicine and not metrics, and which were not computed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TypedDict

from pytest_medhelm.results.leaderboard.cell_entry import CellEntry
from pytest_medhelm.results.leaderboard.robustness import DROP
from pytest_medhelm.results.leaderboard.steadiness import OF_K

_OF_K = {
    "pass_at": "Chance that at least one of {k} answers to the same question is right.",
    "pass_hat": "Chance that all of {k} answers to the same question are right: what one can rely on.",
    "worst_at": "The mean score of the worst of {k} answers to the same question.",
}


@cache
def _words() -> dict[str, str]:
    words: dict[str, str] = json.loads(
        (files("pytest_medhelm") / "reports" / "html" / "metric_words.json").read_text("utf-8")
    )
    return words


def words_of(metric: str) -> str:
    """One sentence; empty for a metric of someone's own benchmark that is not known here."""
    if metric in _words():
        return _words()[metric]
    if metric.endswith("_helm"):
        base = metric.removesuffix("_helm")
        return f"{base} as MedHELM 0.8.0 computes it, faults included: for comparison with published figures alone."
    if metric.endswith("_agreement") and metric.removesuffix("_agreement") in _words():
        return f"{_words()[metric.removesuffix('_agreement')]} Its confidence is the share of repeats that agree."
    if metric.startswith("jury_"):
        return f"Mean rating of the judges for {metric.removeprefix('jury_').replace('_', ' ')}."
    if matched := OF_K.fullmatch(metric):
        return _OF_K[matched[1]].format(k=matched[2])
    if metric.startswith(DROP):
        from pytest_medhelm.tasks.perturbations.chosen import BUILT_IN

        name = metric.removeprefix(DROP)
        words = BUILT_IN[name].words if name in BUILT_IN else name.replace("_", " ")
        return f"How much lower the score is with this change: {words}. 0 is no change, above 0 is worse."
    kind, _, group = metric.partition("_")
    if kind in ("axis", "level", "cluster", "fact") and group:
        return f"The judges' score over the criteria of the {kind} {group.replace('_', ' ')} alone."
    return ""


class Absence(TypedDict):
    """Metrics that could not be computed, for one reason."""

    reason: str
    models: list[str]
    counts: dict[str, tuple[int, int]]
    """By metric the smallest and the largest number of instances over the models."""


def outside_its_ends(cells: Iterable[CellEntry]) -> bool:
    """Whether a mean of complete instances lies beyond the mean of all with what is missing at worst, or at best."""
    for metric in (metric for cell in cells for metric in cell["metrics"].values()):
        value, ends = metric["value"], (metric["worst"], metric["best"])
        known = [end for end in ends if end is not None]
        if value is not None and len(known) == 2 and not min(known) - 1e-9 <= value <= max(known) + 1e-9:
            return True
    return False


def absences(cells: Iterable[CellEntry]) -> list[Absence]:
    """What cells of a benchmark lack.

    Models that lack the same metrics for the same reason stand together, with the smallest and the largest count.
    """
    by_reason: dict[tuple[str, ...], dict[str, list[int]]] = {}
    models: dict[tuple[str, ...], list[str]] = {}
    for cell in cells:
        for reason in sorted({absence["reason"] for absence in cell["absent"].values()}):
            counts = {name: absence["count"] for name, absence in cell["absent"].items() if absence["reason"] == reason}
            key = (reason, *sorted(counts))
            models.setdefault(key, []).append(cell["model"])
            for name in sorted(counts):
                by_reason.setdefault(key, {}).setdefault(name, []).append(counts[name])
    return [
        {
            "reason": key[0],
            "models": models[key],
            "counts": {name: (min(counts), max(counts)) for name, counts in by_reason[key].items()},
        }
        for key in by_reason
    ]
