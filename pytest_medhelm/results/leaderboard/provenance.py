"""What a comparison must know of a cell beside its scores: what it was made with, and the single judges' ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_medhelm.results.leaderboard.cell_entry import Provenance
from pytest_medhelm.results.leaderboard.jury_columns import JudgeCounts, JuryColumns, Ratings
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

if TYPE_CHECKING:
    from pytest_medhelm.results.leaderboard.columns import Columns
    from pytest_medhelm.results.store.suite import Suite

ALL = "jury"
"""Stands for the criteria where judges name a class."""


def provenance_of(columns: Columns, facts: BenchmarkMetadata, suite: Suite) -> Provenance:
    """What must be alike for two cells to be compared, as plain values.

    ``evaluation`` and ``data``: instances and files; ``code``, ``prompt`` and ``scoring``: hashes of the benchmark's
    module, of a prompt as sent, of what computes scores; ``jury``: judges, rubric, wording; ``model``: the settings
    that belong to the model; ``versions`` of this package. What is not known is None.
    """
    made_with = suite.fingerprint_inputs(columns.fingerprint)
    runs = [run for number in sorted(columns.runs) if (run := suite.run(number))]
    provenance: Provenance = {
        "eval_set_hash": columns.eval_set_hash,
        "data": dict(facts["data"]["sha256"]),
        "origin": facts["data"]["origin"],
        "shots": facts.get("shots", 0),
        "fingerprint": columns.fingerprint,
        "code": made_with and made_with["code"],
        "prompt": made_with and made_with["prompt"],
        "scoring": made_with and made_with["scoring"],
        "jury": made_with and made_with["jury"],
        "model": made_with and made_with["model"],
        "versions": sorted({run["packages"]["pytest-medhelm"] for run in runs if "pytest-medhelm" in run["packages"]}),
    }
    if made_with is not None and "repeats" in made_with:
        provenance["repeats"] = made_with["repeats"]
    if made_with is not None and "variants" in made_with:
        provenance["variants"] = made_with["variants"]
    return provenance


def unknown_provenance(columns: Columns) -> Provenance:
    """The provenance of a cell of which nothing but its records is known."""
    return {
        "eval_set_hash": columns.eval_set_hash,
        "data": {},
        "origin": "",
        "shots": 0,
        "fingerprint": columns.fingerprint,
        "code": None,
        "prompt": None,
        "scoring": None,
        "jury": None,
        "model": None,
        "versions": [],
    }


def ratings_as_json(jury: JuryColumns) -> dict[str, dict[str, list[float | None]]] | None:
    """{judge: {criterion: one score or None per instance}}; None without a jury."""
    if not jury.judges:
        return None
    return {
        judge: {
            criterion: [row[judge][position] if row and judge in row else None for row in jury.ratings]
            for position, criterion in enumerate(jury.criteria or (ALL,))
        }
        for judge in sorted(jury.judges)
    }


def ratings_from_json(
    ratings: Mapping[str, Mapping[str, Sequence[float | None]]], values: Sequence[float | None]
) -> JuryColumns:
    """The columns again; ``values`` are the jury's scores.

    An answer with a value that no judge rated is one that failed, with the same value from every judge.
    """
    names = next(iter(ratings.values()), {}).keys()
    columns = {judge: list(zip(*table.values(), strict=True)) for judge, table in ratings.items()}
    rows: list[Ratings | None] = []
    for index, value in enumerate(values):
        given = {judge: column[index] for judge, column in columns.items() if None not in column[index]}
        rows.append(given if given or value is None else None)
    return JuryColumns(
        criteria=() if set(names) == {ALL} else tuple(names),
        ratings=rows,
        judges={judge: JudgeCounts() for judge in ratings},
    )
