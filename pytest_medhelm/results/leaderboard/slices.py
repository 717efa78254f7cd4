"""The main value of a cell in each group of instances: by subject, by section, by kind of question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.summary import CONFIDENCE, summary_of

MOST = 30
"""Groups of one key that are shown apart; a key with more, such as a title, says little of any of them."""
_SHOWN = ("value", "low", "high", "n", "missing")


def slices_of(columns: Columns, facts: Mapping[str, Any], confidence: float = CONFIDENCE) -> dict[str, Any]:
    """By key and group: ``value``, ``low``, ``high`` (95 %), ``n`` and ``missing`` of the main metric.

    A key with one group is left out, as is one with more than ``MOST``: ``groups`` then says how many there are.
    Intervals are of each group alone: among many groups some differ by chance.
    """
    if columns.main_metric not in columns.scores:
        return {}
    found: dict[str, Any] = {}
    for key in sorted(columns.slices):
        rows: dict[str, list[int]] = {}
        for row, value in enumerate(columns.slices[key]):
            rows.setdefault(value, []).append(row)
        rows.pop("", None)
        if len(rows) > MOST:
            found[key] = {"groups": len(rows), "values": {}}
        elif len(rows) > 1:
            flat = {**facts, "strata": []}
            values = {}
            for value in sorted(rows):
                whole = summary_of(columns.main_metric, columns.only(rows[value]), flat, confidence)
                values[value] = {name: whole[name] for name in _SHOWN}
            found[key] = {"groups": len(rows), "values": values}
    return found
