"""The main value of a cell in each group of instances: by subject, by section, by kind of question."""

from __future__ import annotations

from pytest_medhelm.results.leaderboard.cell_entry import Slice, SliceValue
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.summary import CONFIDENCE, summary_of
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

CROSS = " x "
"""Between the names of two groupings that are taken together, and between those of their groups."""
MOST = 30
"""Groups of one key that are shown apart; a key with more, such as a title, says little of any of them."""


def slices_of(columns: Columns, facts: BenchmarkMetadata, confidence: float = CONFIDENCE) -> dict[str, Slice]:
    """By key and group: ``value``, ``low``, ``high`` (95 %), ``n`` and ``missing`` of the main metric.

    A key with one group is left out, as is one with more than ``MOST``: ``groups`` then says how many there are.
    Intervals are of each group alone: among many groups some differ by chance.
    """
    if columns.main_metric not in columns.scores:
        return {}
    found: dict[str, Slice] = {}
    groupings = {key: columns.slices[key] for key in sorted(columns.slices)} | _crossed(columns, facts)
    for key, grouping in groupings.items():
        rows: dict[str, list[int]] = {}
        for row, value in enumerate(grouping):
            rows.setdefault(value, []).append(row)
        rows.pop("", None)
        if len(rows) > MOST:
            found[key] = {"groups": len(rows), "values": {}}
        elif len(rows) > 1:
            flat: BenchmarkMetadata = {**facts, "sub_tasks": []}
            values: dict[str, SliceValue] = {}
            for value in sorted(rows):
                whole = summary_of(columns.main_metric, columns.only(rows[value]), flat, confidence)
                values[value] = {
                    "value": whole["value"],
                    "low": whole["low"],
                    "high": whole["high"],
                    "n": whole["n"],
                    "missing": whole["missing"],
                }
            found[key] = {"groups": len(rows), "values": values}
    return found


def _crossed(columns: Columns, facts: BenchmarkMetadata) -> dict[str, list[str]]:
    """The grouping by two slices together that a benchmark declares (``Task.map_by``)."""
    names = facts.get("map_by", [])
    if len(names) != 2 or not set(names) <= columns.slices.keys():
        return {}
    pairs = zip(columns.slices[names[0]], columns.slices[names[1]], strict=True)
    return {CROSS.join(names): [CROSS.join(pair) if all(pair) else "" for pair in pairs]}
