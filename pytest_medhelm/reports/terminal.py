"""What the terminal shows at the end: a table that fits 80 columns, warnings, gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pytest_medhelm.hookspecs import Line
from pytest_medhelm.leaderboard.spending import money

NAMES = 49
"""Columns for the names of benchmark and model together."""


@pytest.hookimpl
def pytest_medhelm_report(leaderboard: Mapping[str, Any]) -> Iterator[Line]:
    """The leaderboard, and the gates last: they decide."""
    yield from table(leaderboard)
    yield from closing(leaderboard)
    for gate in leaderboard["results"]["gates"]:
        good = gate["verdict"] == "pass"
        yield f"gate {gate['sentence']}", {"green": good, "red": not good}


def table(leaderboard: Mapping[str, Any]) -> Iterator[str]:
    """One line per benchmark x model."""
    cells = leaderboard["results"]["cells"]
    wide = min(30, max((len(cell["model"]) for cell in cells), default=5))
    first = min(NAMES - wide, max((len(cell["benchmark"]) for cell in cells), default=9))
    yield f"{'benchmark':<{first}} {'model':<{wide}} {'value':>6} {'95 % interval':>15} {'n':>6}"
    seen = ""
    for cell in cells:
        name = cell["benchmark"] if cell["benchmark"] != seen else ""
        seen = cell["benchmark"]
        summary = cell["metrics"].get(cell["main_metric"])
        if summary is None or summary["value"] is None:
            numbers = f"{'-':>6} {'-':>15}"
        else:
            interval = f"{summary['low']:.2f} to {summary['high']:.2f}"
            numbers = f"{summary['value']:>6.2f} {interval:>15}"
        yield f"{_short(name, first):<{first}} {_short(cell['model'], wide):<{wide}} {numbers} {cell['n']:>6}"
        remarks = list(_remarks(cell))
        if remarks:
            yield f"{'':<{first}} {', '.join(remarks)}"[:80]


def _remarks(cell: Mapping[str, Any]) -> Iterator[str]:
    if cell["partial"]:
        yield f"PARTIAL: {sum(cell['statuses'].values())} of {cell['n']} have records"
    summary = cell["metrics"].get(cell["main_metric"])
    if summary is not None and summary["value"] is None and summary["note"]:
        yield f"no value: {summary['note']}"
    yield from (f"{count} {status}" for status, count in cell["statuses"].items() if status != "ok")
    if cell["unmatched"]:
        yield f"{cell['unmatched']} answer{'s' if cell['unmatched'] > 1 else ''} of the file fit no instance here"
    severe = cell["harm"]["counts"]["severe"] if cell["harm"] else 0
    if severe:
        yield f"{severe} with severe harm"
    if cell["flagged"]:
        yield f"{cell['flagged']} answer{'s' if cell['flagged'] > 1 else ''} try to steer the judges"


def _short(name: str, wide: int) -> str:
    return name if len(name) <= wide else f"{name[: wide - 3]}..."


def closing(leaderboard: Mapping[str, Any]) -> Iterator[str]:
    """Win rates, costs and warnings."""
    results = leaderboard["results"]
    rates = results["win_rate"]["rates"]
    if rates:
        listed = ", ".join(f"{model} {rate:.3f}" for model, rate in sorted(rates.items(), key=lambda row: -row[1]))
        yield f"mean win rate over {len(results['win_rate']['benchmarks'])} benchmarks: {listed}"
    for row in results["paired"]:
        first, second = row["models"]
        yield (
            f"{row['benchmark']}: {first} minus {second} = {row['difference']:+.3f} "
            f"(95 % {row['low']:+.3f} to {row['high']:+.3f}, n {row['n']})"
        )
    yield from _cost(leaderboard["measurements"]["spending"])
    if results["published"]:
        yield _published(results["published"], len(results["benchmarks"]))
    covered = sum(bool(entry["benchmarks"]) for entry in results["coverage"])
    yield f"coverage: {covered} of {len(results['coverage'])} subcategories have a benchmark here"
    sample = sorted({cell["benchmark"] for cell in results["cells"] if cell["sample"]})
    if sample:
        yield f"SAMPLE DATA in {_list(sample)}: these values show that it works, not how good a model is"
    # What was asked for and could not be had is said; what nobody asked for stands on the page.
    reasons = {entry["reason"] for cell in results["cells"] for entry in cell["absent"].values()}
    yield from (f"absent: {reason}" for reason in sorted(reasons) if reason.startswith("--medhelm-"))


def _published(published: Mapping[str, Any], benchmarks: int) -> str:
    """Where the paper's figures stand beside ours; on the page, since they are no part of this table."""
    reasons = "; ".join(f"{len(names)} {reason}" for reason, names in published["left_out"].items())
    return (
        f"published: {len(published['models'])} models of the MedHELM paper beside {len(published['cells'])} of "
        f"{benchmarks} benchmarks{f' ({reasons})' if reasons else ''}"
    )


def _cost(spending: Mapping[str, Any]) -> Iterator[str]:
    """What the suite cost, what this run paid of it, and whose cost is not known; nothing without prices."""
    parts, gaps = [], []
    for one, many in (("model", "models"), ("judge", "judges")):
        parties = spending[many]
        known = [entry["cost"] for entry in parties.values() if entry["cost"] is not None]
        if known:
            parts.append(f"{one if len(parties) == 1 else many} {money(sum(known))} {spending['currency']}")
        gaps += [f"{entry['unknown']} of {name}" for name, entry in parties.items() if entry["unknown"]]
    if parts:
        paid = f" (paid now {money(spending['paid_now'])})" if spending["paid_now"] is not None else ""
        yield f"cost: {', '.join(parts)}{paid}"
        if gaps:
            yield f"cost not known, for want of a price or of token counts, of responses: {_list(gaps)}"


def _list(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:3])} and {len(names) - 3} more"
