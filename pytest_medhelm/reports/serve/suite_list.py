"""What the list of suites says of each: when it was last run, which models are in it, what its gates decided."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pytest_medhelm.models.spec import gated_of
from pytest_medhelm.reports.rule_matrix import verdict_of
from pytest_medhelm.results.leaderboard.stored_results import earlier

LISTED = 4
"""Models that are named."""


class SuiteFacts(NamedTuple):
    """In words; empty where its results were not written yet."""

    date: str = ""
    models: str = ""
    verdict: str = ""


def suite_facts(folder: Path) -> SuiteFacts:
    """Of a suite as its leaderboard.json has it."""
    try:
        changed = (folder / "leaderboard.json").stat().st_mtime_ns
    except OSError:
        return SuiteFacts()
    return _read(folder, changed)


@lru_cache(maxsize=256)
def _read(folder: Path, changed: int) -> SuiteFacts:
    board = earlier(folder)
    if board is None:
        return SuiteFacts()
    results, runs = board["results"], board["measurements"]["runs"]
    names = gated_of({facts["name"]: facts["kind"] for facts in results["models"]})
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    judged = {name: verdict_of(results["gates"], name) for name in names}
    passing = [name for name, counts in judged.items() if counts and counts.keys() == {"pass"}]
    verdict = "no gate"
    if any(judged.values()):
        verdict = f"passed by {', '.join(passing)}" if passing else "not passed"
    return SuiteFacts(_minute(runs[-1]["started"]) if runs else "", ", ".join(names[:LISTED]) + more, verdict)


def _minute(started: str) -> str:
    """Day and time of day."""
    return f"{datetime.fromisoformat(started).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
