"""From the records of a suite to its leaderboard, and from there to the reports.

Every report is an implementation of the hook ``pytest_medhelm_report``; ours are the modules in REPORTS.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from _pytest.outcomes import OutcomeException
from pluggy import PluginManager

from pytest_medhelm import hookspecs
from pytest_medhelm.gates.baseline import Baseline
from pytest_medhelm.gates.gate_file import Gate
from pytest_medhelm.gates.judge import Evidence, judge, unjudged
from pytest_medhelm.gates.verdict import GateResult
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.plugin.options import Pages
from pytest_medhelm.reports import github, json_file, markdown, terminal
from pytest_medhelm.reports.html import leaderboard_page as html
from pytest_medhelm.reports.html import single_file as single
from pytest_medhelm.reports.html.agreement import document
from pytest_medhelm.reports.kept import earlier, pages_there
from pytest_medhelm.results.agreement.assessment import assess
from pytest_medhelm.results.agreement.validation import validated
from pytest_medhelm.results.leaderboard.aggregate import Cell, make_leaderboard, read_cells
from pytest_medhelm.results.leaderboard.published import published_rows
from pytest_medhelm.results.leaderboard.spending import paid_by
from pytest_medhelm.results.store.manifest import with_benchmarks
from pytest_medhelm.results.store.ratings import suite_ratings
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import ReportFailed
from pytest_medhelm.util.files import write_json

REPORTS: Mapping[str, ModuleType] = {
    "medhelm-github": github,
    "medhelm-html": html,
    "medhelm-markdown": markdown,
    "medhelm-json": json_file,
    "medhelm-terminal": terminal,
}
"""By plugin name, so that ``-p no:medhelm-html`` leaves one out. The last is called first."""
PAGES: Mapping[Pages, ModuleType | None] = {"pages": html, "single": single, "none": None}
"""What ``medhelm-html`` is, by --medhelm-html."""


@dataclass(frozen=True)
class Outcome:
    """What a session came to."""

    cells: Sequence[Cell]
    gates: Sequence[GateResult]
    leaderboard: Mapping[str, Any]


class Written(NamedTuple):
    """What the reports came to."""

    lines: list[hookspecs.Line]
    """For the terminal."""
    failures: Mapping[str, str]
    """By plugin name the sentence that says what failed."""


def conclude(
    suite: Suite,
    gates: Sequence[Gate],
    models: Sequence[str],
    selected: Collection[str],
    stopped: str = "",
    *,
    baseline: Baseline | None = None,
    published: bool | None = None,
) -> Outcome:
    """Aggregate a suite, judge the gates and write manifest.json; what the reports show is in the outcome.

    No rule is judged of a run that was ``stopped`` before its end, for this reason. With ``published`` the paper's
    figures stand beside; None: where they did before.
    """
    suite.commit()
    cells, measured = read_cells(suite)
    runs = suite.runs()
    measured["spending"] |= _paid_now(suite, runs[-1])
    ratings = suite_ratings(suite) if suite.ratings() else None
    validations = validated(ratings) if ratings and gates else {}
    evidence = Evidence(cells, measured["cells"], selected, runs[-1]["settings"], baseline, validations)
    results = [
        result
        for gate in gates
        for result in (unjudged(gate, models, stopped) if stopped else judge(gate, evidence, models))
    ]
    if published is None:
        published = bool(earlier(suite.folder).get("results", {}).get("published"))
    beside = published_rows(cells) if published else None
    agreement = document(assess(ratings)) if ratings else None
    leaderboard = make_leaderboard(suite, cells, measured, [result.as_json() for result in results], beside, agreement)
    write_json(
        suite.folder / "manifest.json",
        {
            "runs": runs[:-1],
            "latest": with_benchmarks(runs[-1], leaderboard["results"]["benchmarks"]),
            "last_record": suite.last_record(),
        },
    )
    return Outcome(cells, results, leaderboard)


def write_reports(
    manager: PluginManager, suite: Suite, leaderboard: Mapping[str, Any], pages: Pages = "pages"
) -> Written:
    """Call every report, ours and those of the manager's plugins, one by one: one that fails takes no other along."""
    for name, module in {**REPORTS, "medhelm-html": PAGES[pages]}.items():
        if module is not None and not manager.has_plugin(name):
            manager.register(module, name)
    lines: list[hookspecs.Line] = []
    failures: dict[str, str] = {}
    found = {impl.plugin_name: impl for impl in manager.hook.pytest_medhelm_report.get_hookimpls()}
    for name, mine in reversed(found.items()):
        others = [impl.plugin for impl in found.values() if impl.plugin is not mine.plugin]
        report = manager.subset_hook_caller("pytest_medhelm_report", others)
        try:
            for more in report(leaderboard=leaderboard, folder=suite.folder, suite=suite):
                lines += more
        except (Exception, OutcomeException) as error:
            failures[name] = _failure(name, inspect.getsourcefile(mine.function), error)
    return Written(lines, failures)


def _failure(name: str, file: str | None, error: BaseException) -> str:
    """Where it failed, in a sentence that quotes nothing of the error: its text may hold clinical text."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    place = f" at {Path(file).name}:{lines[-1]}" if file and lines else ""
    reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    remedy = "" if Path(name).suffix else f", or leave it out with -p no:{name}"
    return (
        f"the report of {Path(name).name} failed: {type(error).__name__}{reason}{place}; the other reports are "
        f"written; mend it{remedy}"
    )


def print_reports(suite: Suite, leaderboard: Mapping[str, Any], pages: Pages | None = None) -> None:
    """Write our own reports outside a pytest session and print their lines. Raises ReportFailed in the end.

    ``pages``: None for those that the suite has.
    """
    written = write_reports(own_reports(), suite, leaderboard, pages or pages_there(suite.folder))
    for line in written.lines:
        print(line if isinstance(line, str) else line[0])
    if written.failures:
        raise ReportFailed("; ".join(written.failures.values()))


def own_reports() -> PluginManager:
    """A manager that knows our reports only, for use outside a pytest session."""
    manager = PluginManager(pytest.hookspec.project_name)
    manager.add_hookspecs(hookspecs)
    return manager


def _paid_now(suite: Suite, manifest: Mapping[str, Any]) -> dict[str, Any]:
    store = ResponseStore(suite.folder / "responses.sqlite")
    try:
        return paid_now(store, manifest)
    finally:
        store.close()


def paid_now(store: ResponseStore, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The currency, and what a run paid; None without prices."""
    prices = manifest.get("prices")
    return {
        "currency": manifest["settings"].get("currency", "USD"),
        "paid_now": paid_by(store.usages(manifest["run"]), prices) if prices else None,
    }
