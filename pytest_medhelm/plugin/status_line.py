"""How far a run is, while it runs: one line that changes on a terminal, a line now and then in a log.

It takes the place of pytest's letters, of which a run of 50,000 instances prints 50,000. Short runs in a log keep them,
as does -v, which has a line for each test, and -s and live logs, which mix other output in.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, deque
from collections.abc import Generator
from typing import Any

import pytest

from pytest_medhelm.plugin.request_builder import REQUESTS
from pytest_medhelm.reports.html.overview import LOST

BETWEEN_DRAWINGS = 0.2
"""Seconds."""
BETWEEN_LINES = 60.0
"""Seconds between two lines in a log, unless a tenth of the run is done before."""
SHORT = 500
"""Tests up to which a log shows pytest's letters."""
WINDOW = 30.0
"""Seconds over which the rate is taken: it follows what the server does now."""


class StatusLine:
    """Once per session, in the process that has the terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._reporter: Any = None
        self._live = False
        self._session: pytest.Session | None = None
        self._on: bool | None = None
        """None until the first test: under xdist nobody knows before how many there are."""
        self._done = self._verdicts = self._failed = 0
        self._lost = Counter[str]()
        self._seen: deque[tuple[float, int]] = deque()
        self._loads: dict[str, tuple[int, int]] = {}
        """By worker of xdist: requests in flight when it last reported, and how many may be (RequestBuilder.load)."""
        self._first: tuple[float, int] | None = None
        """When the first result came, and how many there were: what comes before is loading."""
        self._said = 0.0
        self._tenth = 0
        self._drawn = False

    @pytest.hookimpl
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session
        self._reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if self._reporter is None:
            self._on = False
        else:
            terminal = bool(self._reporter.isatty()) and sys.__stdout__ is not None
            self._live = terminal and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"

    @property
    def _total(self) -> int:
        return self._session.testscollected if self._session else 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        if self._on is None:
            # Asked here: for live logs pytest turns -v on, but only once the run has begun.
            quiet = self._config.get_verbosity() <= 0
            self._on = quiet and (self._live or self._total > SHORT)
            self._said = time.monotonic()
            self._seen.append((self._said, 0))
            if self._on:
                self._reporter.showfspath = False
                self._reporter._show_progress_info = False

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, tuple[str, Any, Any], tuple[str, Any, Any]]:
        """Counted as ever, with no letter."""
        category, letter, word = yield
        return (category, "", "") if self._on else (category, letter, word)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        record = getattr(report, "medhelm", None)
        status = ""
        if isinstance(record, dict):
            self._verdicts += len(record["verdicts"])
            status = record["status"]
        if status in LOST:
            self._lost[status] += 1
        elif report.failed:
            self._failed += 1
        if report.when == "teardown":
            self._done += 1
            if hasattr(report, "medhelm_load"):
                self._loads[getattr(report, "worker_id", "")] = report.medhelm_load
            if self._on:
                self._show()

    def _show(self) -> None:
        now = time.monotonic()
        if self._live:
            if now - self._said >= BETWEEN_DRAWINGS:
                self._said = now
                self._draw(self.text(now, self._reporter._tw.fullwidth - 1))
            return
        tenth = 10 * self._done // max(1, self._total)
        if tenth > self._tenth or now - self._said >= BETWEEN_LINES:
            self._tenth, self._said = tenth, now
            self._reporter.write_line(self.text(now, 200), flush=True)

    def text(self, now: float, width: int) -> str:
        """What is known, the most important first, as far as it fits."""
        while self._seen and now - self._seen[0][0] > WINDOW:
            self._seen.popleft()
        before, done = self._seen[0] if self._seen else (now, self._done)
        self._seen.append((now, self._done))
        rate = (self._done - done) / (now - before) if now > before else 0.0
        requests = self._config.stash.get(REQUESTS, None)
        parts = [f"medhelm {self._done:,} of {self._total:,}"]
        if rate and self._total > self._done:
            # The slower of now and ever since: answers come in bursts, and benchmarks differ in length.
            since, had = self._first = self._first or (now, self._done)
            overall = (self._done - had) / (now - since) if now > since else rate
            parts.append(f"{duration((self._total - self._done) / (min(rate, overall) or rate))} left")
        parts += [f"{count} {status}" for status, count in self._lost.most_common()]
        if self._failed:
            parts.append(f"{self._failed} failed")
        parts.append(f"{rate:.3g}/s")
        loads = [requests.load] if requests is not None else [*self._loads.values()]
        flying, most = (sum(counts) for counts in zip((0, 0), *loads, strict=True))
        if flying:
            parts.append(f"{flying} in flight{f' of {most}' if most else ''}")
        if self._verdicts:
            parts.append(f"{self._verdicts:,} verdicts of judges")
        line = parts[0]
        for part in parts[1:]:
            if len(line) + len(part) + 3 <= width:
                line += f" | {part}"
        return line[:width]

    def _draw(self, text: str) -> None:
        assert sys.__stdout__ is not None
        # Noted first: Ctrl-C may come once the line stands and before anything more is done.
        self._drawn = True
        # Back at the first column, so that whatever is written next does not stand behind it.
        sys.__stdout__.write(f"\r{text}\x1b[K\r")
        sys.__stdout__.flush()

    def _clear(self) -> None:
        if self._drawn:
            self._draw("")
            self._drawn = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            self._clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self) -> None:
        """The run is over: the summary says FAILED and the like of each test again."""
        self._on = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self) -> None:
        self._clear()


def duration(seconds: float) -> str:
    """A time to wait, as people say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
