"""When a jury's value may decide: enough judges, and judges that were seen to agree with clinicians here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_medhelm.gates.result import Reading, Unread
from pytest_medhelm.gates.rule import Rule
from pytest_medhelm.leaderboard.cell import Cell

RATED_BY_TWO = 30
"""Instances that two clinicians rated, at the least, before agreement with them is believed."""


def unvalidated(rule: Rule, cell: Cell, agreement: Mapping[str, Any] | None) -> Unread | None:
    """Why a rule on a jury's value is inconclusive; None where it may decide, or is about something else."""
    raise NotImplementedError
