"""Published rows: what the MedHELM paper reports of nine models, beside the benchmarks of a suite.

They are other runs, with other prompts and other judges, so they stand apart: no cell, no gate, no win rate and no
paired difference takes them up. Beside each stands our comparable value, which repeats what MedHELM 0.8.0 computes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, TypedDict

from pytest_medhelm.results.leaderboard.document import Published

if TYPE_CHECKING:
    from pytest_medhelm.results.leaderboard.cell import Cell

NOTE = (
    "published figures: real data, at most 1,000 instances a benchmark, other prompts and other judges than here; "
    "outside of gates, win rates and paired differences"
)


class PublishedBenchmark(TypedDict):
    """A column of the paper's table."""

    benchmark: str
    published_as: str
    """The column's name."""
    metric: str
    """Ours that is comparable."""
    scale: list[float]
    """(worst, best)."""
    values: list[float]
    """One per model."""


class PublishedFigures(TypedDict):
    """The figures as published."""

    source: str
    models: list[str]
    mean_win_rates: list[float]
    """Over all 37 benchmarks."""
    benchmarks: list[PublishedBenchmark]


def read_published() -> PublishedFigures:
    """The figures as published."""
    figures: PublishedFigures = json.loads(
        (files("pytest_medhelm") / "results" / "leaderboard" / "published.json").read_text("utf-8")
    )
    return figures


def published_rows(cells: Sequence[Cell]) -> Published:
    """The published values of the benchmarks that a suite has on the same data.

    ``cells`` is benchmark -> {published model: value}, ``local`` benchmark -> {model of the suite: value of the same
    metric, None where it was not measured}; ``metrics`` names that metric, ``published_as`` the paper's column, and
    ``scales`` gives (worst, best). ``left_out`` names the suite's other benchmarks by the reason.
    """
    table = read_published()
    known = {benchmark["benchmark"]: benchmark for benchmark in table["benchmarks"]}
    local: dict[str, dict[str, float | None]] = {}
    reasons: dict[str, str] = {}
    for cell in cells:
        reason = "not published" if cell.benchmark not in known else _other_data(cell)
        if reason:
            reasons[cell.benchmark] = reason
            continue
        summary = cell.metrics.get(known[cell.benchmark]["metric"])
        local.setdefault(cell.benchmark, {})[cell.model] = None if summary is None else summary["value"]
    names = sorted(local)
    left_out = {name: reason for name, reason in sorted(reasons.items()) if name not in local}
    return {
        "source": table["source"],
        "note": NOTE,
        "models": table["models"],
        "win_rates": dict(zip(table["models"], table["mean_win_rates"], strict=True)),
        "published_as": {name: known[name]["published_as"] for name in names},
        "metrics": {name: known[name]["metric"] for name in names},
        "scales": {name: known[name]["scale"] for name in names},
        "cells": {name: dict(zip(table["models"], known[name]["values"], strict=True)) for name in names},
        "local": {name: local[name] for name in names},
        "left_out": {
            reason: [name for name, why in left_out.items() if why == reason]
            for reason in sorted(set(left_out.values()))
        },
    }


def _other_data(cell: Cell) -> str:
    """Why a cell's data is not that of the paper; empty where it is."""
    data = cell.metadata["data"]
    if data["origin"] == "sample":
        return "sample data"
    if data["origin"] == "own" or data["accepted"]:
        return "data of one's own"
    return ""
