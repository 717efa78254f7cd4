"""How an item of a benchmark ends, and what --medhelm-show-text adds to its report."""

from __future__ import annotations

import textwrap
from typing import NamedTuple

import pytest
from _pytest.outcomes import Failed, Skipped

from pytest_medhelm.scoring.record import RecordBuilder


class PlumbingFailure(Failed):
    """No answer could be had: an ERROR of the item, never a wrong answer. Its text is safe to show."""


class Shortfall(Failed):
    """A never-event, or a wrong answer under --medhelm-strict. Its text is safe to show."""


class BenchmarkFailure(Failed):
    """A benchmark whose data cannot be read. Its text is safe to show."""


class NameTaken(pytest.Collector.CollectError):
    """Two benchmarks have the same name. Its text is safe to show."""


class SafeSkip(Skipped):
    """An item without a measurement. Its text is safe to show."""


# pytest shows the name of the type before the reason.
SafeSkip.__module__, SafeSkip.__qualname__ = "builtins", "Skipped"


def shortfall(builder: RecordBuilder, *, strict: bool) -> str | None:
    """Why the test fails although nothing was asserted, or None.

    A never-event fails below its floor; under --medhelm-strict a right-or-wrong metric fails unless right.
    """
    value = builder.scores.get(builder.main_metric)
    floor = builder.instance.must_pass
    if floor is not None and (value is None or _is_worse(value, floor, builder.scales[builder.main_metric])):
        measured = "not measured" if value is None else f"{value:g}"
        return f"must_pass: {builder.main_metric} is {measured}, at least {floor:g} is required"
    if strict:
        for name in sorted(builder.binary & builder.scores.keys()):
            if builder.scores[name] != builder.scales[name][1]:
                return f"--medhelm-strict: {name} is {builder.scores[name]:g}"
    return None


def _is_worse(value: float, floor: float, scale: tuple[float, float]) -> bool:
    worst, best = scale
    return value < floor if best > worst else value > floor


class _CrashLine(str):
    """What pytest shows of a failure in one line."""

    @property
    def message(self) -> str:
        return str(self)


class OneLine:
    """A failure that is a sentence, for --tb=line: pytest would write a text, and then its beginning once more."""

    def __init__(self, sentence: str) -> None:
        self.reprcrash = _CrashLine(sentence)

    def __str__(self) -> str:
        return str(self.reprcrash)

    def toterminal(self, writer: object) -> None:
        """Nothing: the line follows."""


def shorten(config: pytest.Config) -> None:
    """Have sentences that stand for failures shown once under --tb=line."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None and config.option.tbstyle == "line":
        for report in reporter.stats.get("failed", ()):
            if isinstance(report.longrepr, str):
                report.longrepr = OneLine(report.longrepr)


SHOWN = 4000
"""Characters of a prompt or an answer that --medhelm-show-text shows; the instance browser has all of it."""


class ReportStatus(NamedTuple):
    """What a report keeps of its record."""

    status: str
    value: float | None


def shown_status(
    report: pytest.TestReport | pytest.CollectReport,
) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
    """How pytest counts and shows a benchmark's item; None for what is not ours to say."""
    shown = getattr(report, "medhelm", None)
    if not isinstance(shown, ReportStatus) or report.failed:
        return None  # A record is on an xdist worker, where nothing is shown.
    if report.skipped:
        return "unmeasured", "u", "UNMEASURED"
    value = "" if shown.value is None else f" {shown.value:.2f}"
    letter = "," if shown.status == "ok" else shown.status[0]
    return "scored", letter, (f"SCORED {shown.status}{value}", {"cyan": True})


_WIDE = 120
"""Columns: pytest-html breaks no line."""


def add_text(report: pytest.TestReport, builder: RecordBuilder) -> None:
    """Add the request and the answer as sections of a report, as a terminal shows them and does nothing."""
    from pytest_medhelm.reports.html.instance_view import messages_of

    for message in messages_of(builder.request.payload) if builder.request else ():
        report.sections.append((f"medhelm request, {_shown(message['role'])}", _shown(message["content"])))
    if builder.response is not None:
        report.sections.append(("medhelm answer", _shown(builder.response.text)))


def _shown(text: str) -> str:
    from pytest_medhelm.util.escaping import visible

    lines = [part for line in text[:SHOWN].splitlines() for part in textwrap.wrap(visible(line, SHOWN), _WIDE) or [""]]
    return "\n".join([*lines, f"[{len(text) - SHOWN:,} characters more]"] if len(text) > SHOWN else lines)
