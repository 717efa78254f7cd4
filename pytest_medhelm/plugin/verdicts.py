"""The verdict of a gate becomes a test report, which decides the exit status: pytest counts it, CI systems show it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import pytest

from pytest_medhelm.util.escaping import visible

if TYPE_CHECKING:
    from pytest_medhelm.gates.verdict import GateResult


def gate_reports(gate: GateResult) -> list[pytest.TestReport]:
    """A judged rule as test reports. pytest prints them as they are: slices are named by what stands in the data."""
    nodeid, sentence = f"medhelm gate::{visible(gate.name)}", visible(gate.sentence())
    return phases(nodeid, "medhelm gate", visible(gate.rule), sentence, failed=gate.verdict != "pass")


def phases(nodeid: str, group: str, name: str, sentence: str, *, failed: bool) -> list[pytest.TestReport]:
    """Reports of a test's three phases, which is what report writers expect, for what is no item of the session."""

    def report(when: str) -> pytest.TestReport:
        return pytest.TestReport(
            nodeid=nodeid,
            location=(group, None, name),
            keywords={},
            outcome="failed" if failed and when == "call" else "passed",
            longrepr=sentence if failed and when == "call" else None,
            when=when,  # type: ignore[arg-type]
            sections=[(group, sentence)] if when == "call" and not failed else (),
        )

    return [report(when) for when in ("setup", "call", "teardown")]


def log_reports(manager: pytest.PytestPluginManager, reports: Collection[pytest.TestReport]) -> None:
    """Hand reports to all plugins, outside the percentage and the cache of failed tests."""
    reporter = manager.getplugin("terminalreporter")
    left_out = [
        plugin
        for plugin in (reporter, manager.getplugin("lfplugin"), manager.getplugin("stepwiseplugin"))
        if plugin is not None
    ]
    logreport: Callable[..., Any] = manager.subset_hook_caller("pytest_runtest_logreport", left_out)
    for report in reports:
        logreport(report=report)
        if reporter is not None and report.when == "call":
            reporter.stats.setdefault(report.outcome, []).append(report)
