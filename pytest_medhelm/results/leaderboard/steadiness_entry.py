"""How steady a model's answers are, as leaderboard.json has it beside the metrics."""

from __future__ import annotations

from pytest_medhelm.results.leaderboard.cell_entry import PerturbationEntry, Steadiness
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.worst_slice import worst_slice
from pytest_medhelm.tasks.metadata import BenchmarkMetadata


def steadiness_of(columns: Columns, metadata: BenchmarkMetadata) -> Steadiness:
    """What was asked besides each instance once; values and intervals are among the metrics."""
    asked = [answers for answers in columns.answers if answers is not None]
    varied = [answers for answers in asked if answers.variants]
    return {
        "repeats": max((len(answers.repeats) for answers in asked), default=1),
        "varied": len(varied),
        "noise_floor": sum(len(answers.unperturbed) for answers in varied),
        "variants": sum(len(answers.variants) for answers in varied),
        "perturbations": {name: _entry(columns.perturbations[name]) for name in sorted(columns.perturbations)},
        "without": _without(columns, metadata) if varied else [],
        "worst_slice": worst_slice(columns, metadata),
    }


def _without(columns: Columns, metadata: BenchmarkMetadata) -> list[str]:
    there = {
        sub_task
        for sub_task, answers in zip(columns.sub_tasks, columns.answers, strict=True)
        if answers is not None and answers.variants
    }
    return [sub_task for sub_task in metadata["sub_tasks"] if sub_task not in there]


def _entry(counts: dict[str, int]) -> PerturbationEntry:
    return {
        "applied": counts.get("", 0),
        "of": sum(counts.values()),
        "refused": {reason: count for reason, count in sorted(counts.items()) if reason},
    }
