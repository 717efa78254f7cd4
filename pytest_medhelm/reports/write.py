"""From the records of a suite to its leaderboard, and from there to the reports.

Every report is an implementation of the hook ``pytest_medhelm_report``; ours are the modules in REPORTS.
"""

from __future__ import annotations

import inspect
import sqlite3
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from _pytest.outcomes import OutcomeException
from pluggy import PluginManager

from pytest_medhelm import hookspecs
from pytest_medhelm.reports import github, json_file, markdown, terminal
from pytest_medhelm.reports.html import leaderboard_page as html
from pytest_medhelm.reports.html import single_file as single
from pytest_medhelm.reports.kept import pages_there
from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import ReportFailed
from pytest_medhelm.util.settings import Pages
from pytest_medhelm.util.sqlite import reason

REPORTS: Mapping[str, ModuleType] = {
    "medhelm-github": github,
    "medhelm-html": html,
    "medhelm-markdown": markdown,
    "medhelm-json": json_file,
}
"""By plugin name, so that ``-p no:medhelm-html`` leaves one out. The last is called first, that for the terminal before
all."""


class ReportResult(NamedTuple):
    """What the reports came to."""

    lines: list[hookspecs.Line]
    """For the terminal."""
    failures: Mapping[str, str]
    """By plugin name the sentence that says what failed."""


def write_reports(
    manager: PluginManager,
    suite: Suite,
    leaderboard: Leaderboard,
    pages: Pages = "pages",
    show_text: bool = False,
    *,
    verbose: bool = False,
) -> ReportResult:
    """Call every report, ours and those of the manager's plugins, one by one: one that fails takes no other along.

    ``show_text``: a single file for e-mail holds instances of gated and private data too; ``verbose``: the terminal
    names single instances.
    """
    page = {"pages": html, "single": single.SingleFile(show_text), "none": None}[pages]
    chosen = {**REPORTS, "medhelm-html": page, "medhelm-terminal": terminal.Terminal(verbose=verbose)}
    for name, module in chosen.items():
        if module is not None and not manager.has_plugin(name):
            manager.register(module, name)
    lines: list[hookspecs.Line] = []
    failures: dict[str, str] = {}
    reports = {impl.plugin_name: impl for impl in manager.hook.pytest_medhelm_report.get_hookimpls()}
    for name, written in reversed(reports.items()):
        others = [impl.plugin for impl in reports.values() if impl.plugin is not written.plugin]
        report = manager.subset_hook_caller("pytest_medhelm_report", others)
        try:
            for more in report(leaderboard=leaderboard, folder=suite.folder, suite=suite):
                lines += more
        except (Exception, OutcomeException) as error:
            failures[name] = _failure(name, inspect.getsourcefile(written.function), error)
    return ReportResult(lines, failures)


def _failure(name: str, file: str | None, error: BaseException) -> str:
    """Where it failed, in a sentence that quotes nothing of the error: its text may hold clinical text."""
    if isinstance(error, sqlite3.Error):
        return (
            f"the report of {Path(name).name} failed: a database of the suite cannot be used ({reason(error)}); take "
            "suite.sqlite and responses.sqlite from a backup, and type medhelm report SUITE"
        )
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" at {Path(file).name}:{lines[-1]}" if file and lines else ""
    said = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    remedy = "" if Path(name).suffix else f", or leave it out with -p no:{name}"
    return (
        f"the report of {Path(name).name} failed: {type(error).__name__}{said}{where}; the other reports are "
        f"written; fix it{remedy}"
    )


def print_reports(
    suite: Suite, leaderboard: Leaderboard, pages: Pages | None = None, show_text: bool = False, *, quiet: bool = False
) -> None:
    """Write our own reports outside a pytest session and print their lines. Raises ReportFailed in the end.

    ``pages``: None for those that the suite has; ``show_text`` as in ``write_reports``; ``quiet``: print nothing.
    """
    written = write_reports(own_reports(), suite, leaderboard, pages or pages_there(suite.folder), show_text)
    for line in () if quiet else written.lines:
        print(line if isinstance(line, str) else line[0])
    if written.failures:
        raise ReportFailed("; ".join(written.failures.values()))


def print_table(suite: Suite, leaderboard: Leaderboard) -> None:
    """Print what the terminal shows of a suite, and write nothing."""
    for line in terminal.lines(leaderboard, suite):
        print(line if isinstance(line, str) else line[0])


def own_reports() -> PluginManager:
    """A manager that knows our reports only, for use outside a pytest session."""
    manager = PluginManager(pytest.hookspec.project_name)
    manager.add_hookspecs(hookspecs)
    return manager
