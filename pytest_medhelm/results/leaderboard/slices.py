"""The main value of a cell in each group of instances: by subject, by section, by kind of question."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_medhelm.results.leaderboard.cell_entry import Slice, SliceValue
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.measure import measures_of
from pytest_medhelm.results.leaderboard.summary import summary_of
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

CROSS = " x "
"""Between the names of two groupings that are taken together, and between those of their groups."""
MOST = 30
"""Groups of one key that are shown apart; a key with more, such as a title, says little of any of them."""


def slice_values(columns: Columns, key: str) -> list[str]:
    """The values that a slice has in a cell, sorted."""
    return sorted(set(columns.slices.get(key, ())) - {""})


def slice_of(
    columns: Columns, metadata: BenchmarkMetadata, grouping: Sequence[str], value: str
) -> tuple[Columns, BenchmarkMetadata]:
    """The instances of one slice as if they were all; their value is the unweighted mean over *its* sub-tasks."""
    part = columns.only([row for row, value_of_row in enumerate(grouping) if value_of_row == value])
    there = set(part.sub_tasks)
    return part, {**metadata, "sub_tasks": [name for name in metadata["sub_tasks"] if name in there]}


def slices_of(columns: Columns, metadata: BenchmarkMetadata) -> dict[str, Slice]:
    """By key and group: ``value``, ``low``, ``high`` (95 %), ``n`` and ``missing`` of the main metric.

    A key with one group is left out, as is one with more than ``MOST``: ``groups`` then says how many there are.
    Intervals are of each group alone: among many groups some differ by chance.
    """
    slices: dict[str, Slice] = {}
    groupings = {key: columns.slices[key] for key in sorted(columns.slices)} | _crossed(columns, metadata)
    for key, grouping in groupings.items():
        names = sorted(set(grouping) - {""})
        if len(names) > MOST:
            slices[key] = {"groups": len(names), "values": {}}
        elif len(names) > 1:
            values = {name: _value(*slice_of(columns, metadata, grouping, name)) for name in names}
            known = {name: value for name, value in values.items() if value is not None}
            if known:
                slices[key] = {"groups": len(names), "values": known}
    return slices


def _value(columns: Columns, metadata: BenchmarkMetadata) -> SliceValue | None:
    measure = measures_of(columns, metadata).get(columns.main_metric)
    if measure is None:
        return None
    whole = summary_of(columns.main_metric, measure, columns)
    return {
        "value": whole["value"],
        "low": whole["low"],
        "high": whole["high"],
        "n": whole["n"],
        "missing": whole["missing"],
    }


def _crossed(columns: Columns, metadata: BenchmarkMetadata) -> dict[str, list[str]]:
    """The grouping by two slices together that a benchmark declares (``Task.map_by``)."""
    names = metadata.get("map_by", [])
    if len(names) != 2 or not set(names) <= columns.slices.keys():
        return {}
    pairs = zip(columns.slices[names[0]], columns.slices[names[1]], strict=True)
    return {CROSS.join(names): [CROSS.join(pair) if all(pair) else "" for pair in pairs]}
