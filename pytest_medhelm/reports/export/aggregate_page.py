"""The aggregate as a page: what ``export.aggregate`` lets out, and nothing besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from pytest_medhelm.reports.export.columns import AGGREGATE
from pytest_medhelm.reports.html.templating import template
from pytest_medhelm.results.leaderboard.aggregate import rounded


def aggregate_page(suite: str, rows: Iterable[Mapping[str, object]]) -> str:
    """The page, from the rows of ``aggregate_rows``."""
    whole = ({column.name: row.get(column.name) for column in AGGREGATE} for row in rows)
    cells = [_cell(list(group)) for _, group in groupby(whole, lambda row: (row["benchmark"], row["model"]))]
    return template("aggregate.html").render(suite=suite, cells=rounded(cells))


def _cell(rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """One cell: its head, its statuses that may be there, and its metrics, the main one first."""
    measured = {row["name"]: row for row in rows if row["kind"] == "measured"}
    values = sorted(
        (row for row in rows if row["kind"] == "value"), key=lambda row: (not row["main_metric"], row["name"])
    )
    return {
        **{name: rows[0][name] for name in ("benchmark", "model", "model_kind", "size", "sample", "partial")},
        "suppressed": next((row["suppressed"] for row in rows if row["kind"] == "cell"), ""),
        "statuses": [row for row in rows if row["kind"] == "status"],
        "metrics": [{**row, "measured": measured[row["name"]]} for row in values],
    }
