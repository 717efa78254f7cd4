"""How steady each model is: what the section of the page holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from pytest_medhelm.reports.steadiness_words import Line, is_asked_more, lines_of
from pytest_medhelm.results.leaderboard.cell_entry import CellEntry, Summary
from pytest_medhelm.results.leaderboard.robustness import DROP
from pytest_medhelm.tasks.metadata import BenchmarkMetadata


class Change(NamedTuple):
    """What one perturbation does."""

    name: str
    words: str
    applied: int
    of: int
    drop: str
    interval: str
    chart: Markup
    refused: str
    """Why it was not applied to the rest; empty where it was applied to all."""
    left_out: str
    """Why there is no figure, or of which instances it is not; empty where it is of all that it was applied to."""


class Part(NamedTuple):
    """One model on one benchmark."""

    title: str
    model: str
    lines: Sequence[Line]
    changes: Sequence[Change]


def steadiness_parts(cells: Sequence[CellEntry], facts: Mapping[str, BenchmarkMetadata]) -> list[Part]:
    """A part for each cell of which more was asked than each instance once."""
    return [
        Part(facts[cell["benchmark"]]["title"], cell["model"], [*lines_of(cell)], [*_changes(cell)])
        for cell in cells
        if is_asked_more(cell)
    ]


def _changes(cell: CellEntry) -> Iterator[Change]:
    worst, best = next(
        iter(summary["scale"] for name, summary in cell["metrics"].items() if name.startswith(DROP)), [1, -1]
    )
    for name, counts in cell["steadiness"]["perturbations"].items():
        from pytest_medhelm.tasks.perturbations.chosen import BUILT_IN

        summary = cell["metrics"].get(DROP + name)
        value = summary["value"] if summary is not None else None
        known = BUILT_IN.get(name)
        yield Change(
            name,
            known.words if known is not None else name.replace("_", " "),
            counts["applied"],
            counts["of"],
            "–" if value is None else _signed(value),
            "–"
            if summary is None or summary["low"] is None
            else f"{_signed(summary['low'])} to {_signed(summary['high'] or 0.0)}",
            _chart(summary, abs(worst - best) / 2),
            "; ".join(f"{count} × {reason}" for reason, count in counts["refused"].items()),
            summary["note"] if summary is not None and (value is None or summary["missing"]) else "",
        )


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}"


def _chart(summary: Summary | None, reach: float) -> Markup:
    """The interval of a drop on a line from all better to all worse, 0 in the middle."""
    if summary is None or summary["value"] is None or summary["low"] is None or summary["high"] is None:
        return Markup("")
    ends = [90 + 80 * value / reach for value in (summary["value"], summary["low"], summary["high"])]
    return Markup(
        '<svg width="180" height="16" viewBox="0 0 180 16" role="img" aria-label="{label}">'
        '<line class="axis" x1="10" x2="170" y1="8" y2="8"/><line class="axis" x1="90" x2="90" y1="1" y2="15"/>'
        '<line class="span" x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8"/><circle cx="{value:.1f}" cy="8" r="4"/></svg>'
    ).format(
        label=f"drop {summary['value']:+.2f}, interval {summary['low']:+.2f} to {summary['high']:+.2f}",
        value=ends[0], low=ends[1], high=ends[2],
    )  # fmt: skip
