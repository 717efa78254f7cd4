"""One metric over the instances of a cell, or of a slice of it: value, interval, bounds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from pytest_medhelm.results.leaderboard.cell_entry import Summary
from pytest_medhelm.results.leaderboard.clipped import clipped_summary
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.jury_summary import NOTE, ONE_SIDED, add_jury_extras, harm_summary
from pytest_medhelm.results.stats.intervals import bounds, mean_interval, standard_error
from pytest_medhelm.results.stats.labels import label_summaries
from pytest_medhelm.scoring.jury.harm import HARM
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

CONFIDENCE = 0.95
ANSWERED = frozenset({"ok", "judge_error"})
"""Statuses of instances that the model answered."""


def metrics_of(columns: Columns, facts: BenchmarkMetadata, confidence: float) -> dict[str, Summary]:
    """A summary of each metric; where references are marked as wrong, beside it the value without these instances."""
    found = {name: summary_of(name, columns, facts, confidence) for name in sorted(columns.scores)} | label_summaries(
        columns.labels, columns.clusters, _strata(columns, facts), facts, confidence
    )
    if columns.marks:
        rows = [row for row, name in enumerate(columns.ids) if name not in columns.marks]
        rest = metrics_of(columns.only(rows), facts, confidence)
        for name, summary in found.items():
            without = rest.get(name)
            summary["without_marked"] = {
                "value": without and without["value"],
                "low": without and without["low"],
                "high": without and without["high"],
                "n": without["n"] if without else 0,
                "marked": len(columns.marks),
            }
    return found


def _strata(columns: Columns, facts: BenchmarkMetadata) -> Sequence[str] | None:
    """The sub-run of each instance; None where the benchmark has none."""
    return columns.sub_tasks if facts["sub_tasks"] else None


def summary_of(name: str, columns: Columns, facts: BenchmarkMetadata, confidence: float = CONFIDENCE) -> Summary:
    """The main value with its interval; beside it the value among answered instances and the bounds."""
    if name in HARM:
        # Shown with a bound of 95 % on one side; a gate with a level of its own asks for that.
        return harm_summary(name, columns, ONE_SIDED if confidence == CONFIDENCE else (1 + confidence) / 2)
    summary: Summary
    if name in columns.spans:
        summary = clipped_summary(name, columns, _strata(columns, facts), facts["sub_tasks"], confidence)
        return _with_jury(summary, name, columns, facts)
    ends = (columns.scales[name][0], columns.scales[name][1])
    aside = columns.not_applicable.get(name, set())
    scores = [None if index in aside else score for index, score in enumerate(columns.scores[name])]
    kept = [index for index, score in enumerate(scores) if score is not None]
    values = [score for score in scores if score is not None]
    answered = [score for index, score in zip(kept, values, strict=True) if columns.statuses[index] in ANSWERED]
    strata = [columns.sub_tasks[index] for index in kept] if facts["sub_tasks"] else None
    incomplete = strata is not None and set(strata) != set(facts["sub_tasks"])
    clusters = [columns.clusters[index] for index in kept]
    interval = (
        None
        if incomplete
        else mean_interval(values, scale=ends, clusters=clusters, strata=strata, confidence=confidence)
    )
    missing = len(scores) - len(values) - len(aside)
    worst, best = bounds(values, missing, scale=ends) if values or missing else (None, None)
    summary = {
        "value": None if incomplete or not values else _mean(values, strata),
        "standard_error": None if incomplete else standard_error(values, ends, clusters, strata),
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "method": interval.method if interval else "",
        "note": "a sub-run is missing" if incomplete else (interval.note if interval else ""),
        "answered": fmean(answered) if answered else None,
        "worst": worst,
        "best": best,
        "n": len(values),
        "missing": missing,
        "scale": list(ends),
    }
    return _with_jury(summary, name, columns, facts)


def _with_jury(summary: Summary, name: str, columns: Columns, facts: BenchmarkMetadata) -> Summary:
    if columns.jury.is_jury_metric(name):
        add_jury_extras(summary, name, columns, _strata(columns, facts))
        summary["note"] = "; ".join(filter(None, (summary["note"], NOTE)))
    return summary


def _mean(values: Sequence[float], strata: Sequence[str] | None) -> float:
    if strata is None:
        return fmean(values)
    groups: dict[str, list[float]] = defaultdict(list)
    for stratum, value in zip(strata, values, strict=True):
        groups[stratum].append(value)
    return fmean(fmean(group) for group in groups.values())
