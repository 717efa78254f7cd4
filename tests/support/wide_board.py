"""A leaderboard as wide as a hospital's: what two small benchmarks came to, under thirteen names."""

from __future__ import annotations

from typing import Any

TITLES = {
    "letters": ("MedCalc-Bench", "SCT-Bench", "Medec", "HeadQA", "MedMCQA", "MedQA", "PubMedQA", "RaceBias"),
    "talks": ("ACI-Bench", "MTSamples Procedures", "MTSamples", "MedicationQA", "MEDIQA"),
}
CATEGORIES = ("Clinical Decision Support", "Clinical Note Generation", "Medical Research Assistance")


def widened(board: dict[str, Any]) -> dict[str, Any]:
    """The same results, each benchmark of ``TITLES`` under several names; rules over all of one hold for each."""
    results = board["results"]
    copies = {base: [title.lower().replace(" ", "_").replace("-", "_") for title in TITLES[base]] for base in TITLES}
    title = {name: text for base, names in copies.items() for name, text in zip(names, TITLES[base], strict=True)}

    def each(rows: list[dict[str, Any]], key: str = "benchmark") -> list[dict[str, Any]]:
        return [row | {key: name} for row in rows for name in copies[row[key]]]

    def named(names: list[str]) -> list[str]:
        return [name for base in names for name in copies[base]]

    benchmarks = [
        row | {"title": title[row["name"]], "category": CATEGORIES[place % 3]}
        for place, row in enumerate(each(results["benchmarks"], "name"))
    ]
    wide = results | {
        "benchmarks": benchmarks,
        "cells": each(results["cells"]),
        "paired": each(results["paired"]),
        "above_baseline": each(results["above_baseline"]),
        "gates": each(results["gates"]),
        "letters": {name: row for base, row in results["letters"].items() for name in copies[base]},
        "coverage": [row | {"benchmarks": named(row["benchmarks"])} for row in results["coverage"]],
        "categories": [row | {"benchmarks": named(row["benchmarks"])} for row in results["categories"]],
        "win_rate": results["win_rate"] | {"benchmarks": named(results["win_rate"]["benchmarks"])},
        "jury": results["jury"] | {"benchmarks": {}},
    }
    measured = board["measurements"]["cells"]
    cells = {
        f"{name} {model}": entry
        for key, entry in measured.items()
        for base, _, model in [key.partition(" ")]
        for name in copies[base]
    }
    return board | {"results": wide, "measurements": board["measurements"] | {"cells": cells}}
