"""One metric over the instances of a cell, or of a slice of it, as leaderboard.json has it."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_medhelm.results.leaderboard.cell_entry import Summary
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.measure import Measure, answered_positions, measures_of, worst_and_best
from pytest_medhelm.results.leaderboard.score_measure import ONE_SIDED, ScoreMeasure
from pytest_medhelm.results.stats.intervals import Interval
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

CONFIDENCE = 0.95


def metrics_of(columns: Columns, metadata: BenchmarkMetadata) -> dict[str, Summary]:
    """A summary of each metric; where references are marked as wrong, with the value without these instances."""
    summaries = {name: summary_of(name, each, columns) for name, each in measures_of(columns, metadata).items()}
    for name, summary in summaries.items():
        if columns.jury.is_jury_metric(name):
            from pytest_medhelm.results.leaderboard.jury_summary import NOTE, add_jury_extras

            add_jury_extras(summary, name, columns, columns.sub_tasks if metadata["sub_tasks"] else None)
            summary["note"] = "; ".join(filter(None, (summary["note"], NOTE)))
    if columns.marks:
        rows = [row for row, name in enumerate(columns.ids) if name not in columns.marks]
        _add_without_marked(summaries, metrics_of(columns.only(rows), metadata), len(columns.marks))
    return summaries


def _add_without_marked(summaries: Mapping[str, Summary], rest: Mapping[str, Summary], marked: int) -> None:
    for name, summary in summaries.items():
        without = rest.get(name)
        summary["without_marked"] = {
            "value": without and without["value"],
            "low": without and without["low"],
            "high": without and without["high"],
            "n": without["n"] if without else 0,
            "marked": marked,
        }


def _note(measure: Measure, interval: Interval | None) -> str:
    if interval is None:
        return measure.why_not() or measure.no_limits()
    left_out = measure.note() if isinstance(measure, ScoreMeasure) else ""
    return "; ".join(filter(None, (interval.note, left_out)))


def summary_of(name: str, measure: Measure, columns: Columns) -> Summary:
    """The value with its interval; with it the value among answered instances, and with the missing at either end."""
    interval = measure.interval(CONFIDENCE)
    worst, best = worst_and_best(measure)
    summary: Summary = {
        "value": measure.value(),
        "standard_error": measure.standard_error(),
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "method": interval.method if interval else "",
        "note": _note(measure, interval),
        "answered": measure.only(answered_positions(name, columns)).value(),
        "worst": worst,
        "best": best,
        "n": measure.n,
        "missing": measure.missing,
        "scale": list(measure.scale),
    }
    if isinstance(measure, ScoreMeasure) and measure.exact:
        summary["one_sided"] = ONE_SIDED
    if isinstance(measure, ScoreMeasure) and name in columns.spans:
        from pytest_medhelm.results.stats.clipped import bootstrap_error

        known = [score for score in measure.scores if score is not None]
        summary["bootstrap_error"] = None if measure.why_not() else bootstrap_error(known)
        summary["span"] = list(measure.span)
    return summary
