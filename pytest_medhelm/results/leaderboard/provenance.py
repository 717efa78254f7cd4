"""What a comparison must know of a cell beside its scores: what it was made with, and the single judges' ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_medhelm.results.leaderboard.columns import JuryColumns, Ratings

if TYPE_CHECKING:
    from pytest_medhelm.results.leaderboard.columns import Columns
    from pytest_medhelm.results.store.suite import Suite

ALL = "jury"
"""Stands for the criteria where judges name a class."""


def provenance_of(columns: Columns, facts: Mapping[str, Any], suite: Suite) -> dict[str, Any]:
    """What must be alike for two cells to be compared, as plain values.

    ``evaluation`` and ``data``: instances and files; ``code``, ``prompt`` and ``scoring``: hashes of the benchmark's
    module, of a prompt as sent, of what computes scores; ``jury``: judges, rubric, wording; ``model``: the settings
    that belong to the model; ``versions`` of this package. What is not known is None.
    """
    made_with = suite.settings(columns.settings)
    packages = [suite.run(number).get("packages", {}) for number in sorted(columns.runs)]
    return {
        "evaluation": columns.evaluation,
        "data": dict(facts["data"]["sha256"]),
        "origin": facts["data"]["origin"],
        "shots": facts.get("shots", 0),
        "settings": columns.settings,
        **{name: made_with.get(name) for name in ("code", "prompt", "scoring", "jury", "model")},
        "versions": sorted({entry["pytest-medhelm"] for entry in packages if "pytest-medhelm" in entry}),
    }


def ratings_as_json(jury: JuryColumns) -> dict[str, dict[str, list[float | None]]] | None:
    """{judge: {criterion: one score or None per instance}}; None without a jury."""
    if not jury.judges:
        return None
    return {
        judge: {
            criterion: [row[judge][place] if row and judge in row else None for row in jury.ratings]
            for place, criterion in enumerate(jury.criteria or (ALL,))
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
        judges={judge: {} for judge in ratings},
    )
