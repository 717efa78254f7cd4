"""A map of the main value by two groupings at once, e.g. a record's length and the depth of what is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pytest_medhelm.results.leaderboard.cell_entry import CellEntry, SliceValue
from pytest_medhelm.results.leaderboard.slices import CROSS
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

_UNITS = {"k": 1e3, "m": 1e6}


class SliceMap(NamedTuple):
    """Rows and columns in their natural order, and what stands at (row, column)."""

    rows: list[str]
    columns: list[str]
    values: Mapping[tuple[str, str], SliceValue]


def slice_map(cell: CellEntry, metadata: BenchmarkMetadata) -> SliceMap | None:
    """The map of a cell; None for a benchmark that declares none, or without values."""
    key = CROSS.join(metadata.get("map_by", ()))
    group = cell["slices"].get(key)
    if not key or group is None or not group["values"]:
        return None
    values = {
        (row, column): value for name, value in group["values"].items() for row, _, column in [name.partition(CROSS)]
    }
    return SliceMap(
        sorted({row for row, _ in values}, key=natural), sorted({column for _, column in values}, key=natural), values
    )


def in_natural_order(names: Iterable[str]) -> list[str]:
    """Groups as a reader counts them: 2k, 8k, 32k."""
    return sorted(names, key=natural)


def natural(name: str) -> tuple[float, Any]:
    """Puts 2k before 128k before 1m, and 10 % before 90 %; names without a number by the alphabet, behind them."""
    number = re.match(r"(\d+(?:\.\d+)?)\s?([km])?", name)
    return (float(number[1]) * _UNITS.get(number[2], 1), name) if number else (float("inf"), name)
