"""With pytest-html's --html: columns for status and score, a link to each instance, the leaderboard in short.

pytest-html takes HTML from its hooks and escapes neither that nor the names of tests, so everything is escaped here.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from markupsafe import escape

from pytest_medhelm.reports.html.browser_files import PAGE, address
from pytest_medhelm.reports.html.overview import in_order
from pytest_medhelm.reports.html.templating import template
from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.util.settings import Settings

LEADERBOARD = "leaderboard.html"
LISTED = 1000
"""Rows of answers that came and were scored; all that went wrong is always listed."""
_TEST = 1
"""Index of the test's name among pytest-html's own columns; ours follow it."""


class PytestHtml:
    """The hooks of pytest-html, for one session."""

    def __init__(self, settings: Settings, report: Path) -> None:
        self._pages = settings.html
        self._suite = quote(os.path.relpath(settings.folder, report.resolve().parent), safe="/.")
        self._board: Leaderboard | None = None
        self._scored = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep where the instance is shown; the record itself goes to the suite after this."""
        record = getattr(report, "medhelm", None)
        if isinstance(record, dict) and self._pages != "none":
            page = PAGE if self._pages == "pages" else LEADERBOARD
            where = address(record["benchmark"], record["model"], page)
            report.medhelm_link = f"{self._suite}/{where}&instance={quote(record['public_id'], safe='')}"  # type: ignore[attr-defined]

    @pytest.hookimpl
    def pytest_medhelm_report(self, leaderboard: Leaderboard) -> None:
        """Keep the leaderboard for the summary, which pytest-html writes at the end."""
        self._board = leaderboard

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        cells[_TEST + 1 : _TEST + 1] = [
            '<th class="sortable" data-column-type="status">Status</th>',
            '<th class="sortable" data-column-type="score">Score</th>',
        ]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        shown = getattr(report, "medhelm", None)
        if shown is not None and report.when == "call" and report.passed:
            self._scored += 1
            if self._scored > LISTED:
                cells.clear()
                return
        link = getattr(report, "medhelm_link", "")
        value = "" if shown is None or shown.value is None else f"{shown.value:.3f}"
        phase = "" if report.when == "call" else f"::{report.when}"
        cells[_TEST : _TEST + 1] = [
            f'<td class="col-testId">{escape(report.nodeid + phase)}</td>',
            f'<td class="col-status">{escape(shown.status if shown else "")}</td>',
            f'<td class="col-score">{value}</td>',
        ]
        if link:
            cells[-1] = f'<td class="col-links"><a href="{escape(link)}">instance</a></td>'

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        if self._board is not None:
            page = None if self._pages == "none" else f"{self._suite}/{LEADERBOARD}"
            results = self._board["results"]
            prefix.append(
                template("pytest_html.html").render(
                    board=self._board,
                    results=results,
                    models=in_order(results),
                    page=page,
                    left_out=max(0, self._scored - LISTED),
                )
            )
