"""All files of a suite that are made from its records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_medhelm.engine.store import ResponseStore
from pytest_medhelm.gates import GateResult, Rule, judge, unjudged
from pytest_medhelm.leaderboard.aggregate import Cell, make_leaderboard, read_cells
from pytest_medhelm.leaderboard.spending import paid_by
from pytest_medhelm.reports.files import write_json
from pytest_medhelm.reports.html import write_pages
from pytest_medhelm.results.manifest import with_benchmarks
from pytest_medhelm.results.suite import Suite


@dataclass(frozen=True)
class Outcome:
    """What a session came to."""

    cells: Sequence[Cell]
    gates: Sequence[GateResult]
    leaderboard: Mapping[str, Any]
    page: Path


def conclude(
    suite: Suite, rules: Sequence[Rule], models: Sequence[str], selected: Collection[str], stopped: str = ""
) -> Outcome:
    """Aggregate a suite, judge the rules and write leaderboard.json, leaderboard.html and manifest.json.

    No rule is judged of a run that was ``stopped`` before its end, for this reason.
    """
    suite.commit()
    cells, measured = read_cells(suite)
    runs = suite.runs()
    measured["spending"] |= _paid_now(suite, runs[-1])
    gates = unjudged(rules, models, stopped) if stopped else judge(rules, cells, models, selected)
    leaderboard = make_leaderboard(suite, cells, measured, [gate.as_json() for gate in gates])
    write_json(suite.folder / "leaderboard.json", leaderboard)
    write_json(
        suite.folder / "manifest.json",
        {"runs": runs[:-1], "latest": with_benchmarks(runs[-1], leaderboard["results"]["benchmarks"])},
    )
    page = write_pages(suite, leaderboard)
    return Outcome(cells, gates, leaderboard, page)


def _paid_now(suite: Suite, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The currency, and what the newest run paid; None without prices."""
    currency = manifest["settings"].get("currency", "USD")
    prices = manifest.get("prices")
    if not prices:
        return {"currency": currency, "paid_now": None}
    store = ResponseStore(suite.folder / "responses.sqlite")
    try:
        return {"currency": currency, "paid_now": paid_by(store.usages(manifest["run"]), prices)}
    finally:
        store.close()
