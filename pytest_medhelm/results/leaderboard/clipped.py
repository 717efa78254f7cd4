"""Metrics whose mean alone is kept to 0..1: single examples graded by points may lie below 0, or above 1 for their
length. The cell's value is the clipped mean (HealthBench, openai/simple-evals).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from pytest_medhelm.results.leaderboard.cell_entry import Summary
from pytest_medhelm.results.stats.clipped import bootstrap_error, clipped
from pytest_medhelm.results.stats.intervals import mean_interval, standard_error

if TYPE_CHECKING:
    from pytest_medhelm.results.leaderboard.columns import Columns

MISSING_AT_MOST = 0.2
"""With more verdicts missing than this share the complete examples say too little of the others: no value."""
ANSWERED = frozenset({"ok", "judge_error"})


def clipped_summary(
    name: str, columns: Columns, sub_tasks: Sequence[str] | None, wanted: Sequence[str], confidence: float
) -> Summary:
    """As ``summary.summary_of``; ``wanted`` are the sub-tasks that must all be there.

    The interval is that of the unclipped mean over all that an example could score (``span``), with its ends clipped.
    Bounds take each missing example at what its verdicts leave open, and one without any verdict at the ends of the
    span. ``bootstrap_error`` is the standard error of the original: 1,000 seeded resamples of the clipped mean.
    """
    span = columns.spans[name]
    aside = columns.not_applicable.get(name, set())
    kept = [row for row, value in enumerate(columns.scores[name]) if value is not None and row not in aside]
    values = [value for row in kept if (value := columns.scores[name][row]) is not None]
    open_rows = [row for row, value in enumerate(columns.scores[name]) if value is None and row not in aside]
    limits = columns.limits.get(name, {})
    groups = None if sub_tasks is None else [sub_tasks[row] for row in kept]
    clusters = [columns.clusters[row] for row in kept]
    reasons = _reasons(columns, values, groups, wanted)
    everyone = None if sub_tasks is None else [sub_tasks[row] for row in (*kept, *open_rows)]
    worst, best = (mean_of([*values, *(limits.get(row, span)[end] for row in open_rows)], everyone) for end in (0, 1))
    answered = [value for row, value in zip(kept, values, strict=True) if columns.statuses[row] in ANSWERED]
    interval = (
        None if reasons else mean_interval(values, scale=span, clusters=clusters, strata=groups, confidence=confidence)
    )
    return {
        "value": None if reasons else _clipped(mean_of(values, groups)),
        "standard_error": None if reasons else standard_error(values, span, clusters, groups),
        "bootstrap_error": None if reasons else bootstrap_error(values),
        "low": clipped(interval.low) if interval else None,
        "high": clipped(interval.high) if interval else None,
        "method": f"{interval.method}, clipped to 0..1" if interval else "",
        "note": reasons or (interval.note if interval else ""),
        "answered": _clipped(mean_of(answered, None)),
        "worst": _clipped(worst),
        "best": _clipped(best),
        "n": len(values),
        "missing": len(open_rows),
        "scale": [0.0, 1.0],
        "span": list(span),
    }


def _reasons(columns: Columns, values: Sequence[float], groups: Sequence[str] | None, wanted: Sequence[str]) -> str:
    """Why there is no value; empty when there is one."""
    asked = sum(count for count, _ in columns.jury.items)
    missing = sum(count for _, count in columns.jury.items)
    if asked and missing > MISSING_AT_MOST * asked:
        return f"no value: {missing} of {asked} verdicts on criteria are missing, more than {MISSING_AT_MOST:.0%}"
    if not values:
        return "no value: no example has all verdicts"
    return "a sub-run is missing" if groups is not None and set(groups) != set(wanted) else ""


def _clipped(value: float | None) -> float | None:
    return None if value is None else clipped(value)


def mean_of(values: Sequence[float], groups: Sequence[str] | None) -> float | None:
    """The mean, with groups the unweighted mean of theirs; None of nothing."""
    if not values:
        return None
    if groups is None:
        return fmean(values)
    parts: dict[str, list[float]] = {}
    for group, value in zip(groups, values, strict=True):
        parts.setdefault(group, []).append(value)
    return fmean(map(fmean, parts.values()))
