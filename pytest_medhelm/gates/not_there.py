"""Why a cell has no number for a metric that exists, and what to type for one."""

from __future__ import annotations

from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.confidence_column import AGREEMENT
from pytest_medhelm.results.leaderboard.confidence_measure import SCALES
from pytest_medhelm.results.leaderboard.robustness import ABOVE_NOISE, DROP, OF_VARIANTS
from pytest_medhelm.results.leaderboard.steadiness import needed_repeats


def why_not_there(cell: Cell, metric: str) -> str:
    """One sentence on a metric that a cell was not aggregated with."""
    repeats = max((len(answers.repeats) for answers in cell.columns.answers if answers is not None), default=1)
    if metric in cell.absent:
        return f"metric {metric!r} is absent: {cell.absent[metric]['reason']}"
    if metric in SCALES and metric.endswith(AGREEMENT):
        if repeats > 1:
            return f"{metric} needs several answers to a question that name an option, and no question has them"
        return f"{metric} needs how sure the model is of its options: run with --medhelm-repeats=5"
    if metric in SCALES:
        option = "--medhelm-confidence=logprobs or stated"
        return f"{metric} needs how sure the model is of its options: run with {option}"
    if (needed := needed_repeats(metric)) > 1:
        return (
            _of_repeats(cell, metric, repeats)
            if repeats >= needed
            else (f"{metric} needs {needed} answers: add --medhelm-repeats={needed}")
        )
    if metric in OF_VARIANTS or metric.startswith(DROP):
        return _of_variants(cell, metric)
    return f"metric {metric!r} was not recorded; known are: {', '.join(sorted(cell.metrics)) or 'none'}"


def _of_repeats(cell: Cell, metric: str, repeats: int) -> str:
    if cell.columns.scores.get(f"worst_at_{repeats}", [None]).count(None) == len(cell.instances):
        return f"no instance has all of its {repeats} answers"
    return f"{metric} is of answers that are right or wrong, or that can be told apart: {cell.main_metric} is neither"


def _of_variants(cell: Cell, metric: str) -> str:
    name, asked = metric.removeprefix(DROP) if metric.startswith(DROP) else "", cell.columns.perturbations
    if not asked:
        return f"{metric} needs answers to other words: run with --medhelm-perturb={name or 'robustness'}"
    if name and name not in asked:
        return f"{name} was applied to no instance of it; asked for were: {', '.join(sorted(asked))}"
    refused = "; ".join(sorted(reason for reason in (asked[name] if name else {}) if reason))
    if refused:
        return f"{name} could be applied to no instance: {refused}"
    if metric in ABOVE_NOISE and any(answers and answers.variants for answers in cell.columns.answers):
        return f"{metric} needs the same asked again unchanged: run without --medhelm-noise-floor=off"
    return f"{metric} needs answers to other words, and nothing that was asked for could be applied to an instance"
