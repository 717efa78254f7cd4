"""How an item of a benchmark fails, and what may be shown of it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from _pytest.outcomes import Failed

from pytest_medhelm.scoring.record import RecordBuilder
from pytest_medhelm.util.errors import MedhelmError

BUDGET_OF = "budget of"
"""How the reason begins for which a session stops at its budget: only the text travels from xdist's workers."""


class PlumbingFailure(Failed):
    """No answer could be had: an ERROR of the item, never a wrong answer. Its text is safe to show."""


class Shortfall(Failed):
    """A never-event, or a wrong answer under --medhelm-strict. Its text is safe to show."""


SHOWN = 4000
"""Characters of a prompt or an answer that --medhelm-show-text shows; the instance browser has all of it."""


_WIDE = 120
"""Columns: pytest-html breaks no line."""


def add_text(report: pytest.TestReport, draft: RecordBuilder) -> None:
    """Add the request and the answer as sections of a report, as a terminal shows them and does nothing."""
    from pytest_medhelm.reports.html.instance_view import messages_of

    for message in messages_of(draft.request.payload) if draft.request else ():
        report.sections.append((f"medhelm request, {_shown(message['role'])}", _shown(message["content"])))
    if draft.response is not None:
        report.sections.append(("medhelm answer", _shown(draft.response.text)))


def _shown(text: str) -> str:
    from pytest_medhelm.util.escaping import visible

    lines = [part for line in text[:SHOWN].splitlines() for part in textwrap.wrap(visible(line, SHOWN), _WIDE) or [""]]
    return "\n".join([*lines, f"[{len(text) - SHOWN:,} characters more]"] if len(text) > SHOWN else lines)


def hide_text(report: pytest.TestReport, call: pytest.CallInfo[None], draft: RecordBuilder | None) -> None:
    """Keep operands of assertions and captured output, which may be clinical text, out of all reports."""
    if report.sections:
        report.sections = []
    if not report.failed or call.excinfo is None:
        return
    where = call.excinfo.traceback[-1]
    if isinstance(call.excinfo.value, PlumbingFailure | Shortfall | MedhelmError):
        report.longrepr = str(call.excinfo.value)
        return
    request = f", request {draft.response.key[:12]}" if draft and draft.response else ""
    name = f" ({report.nodeid.partition('[')[2].rstrip(']')}{request})"
    report.longrepr = (
        f"{call.excinfo.typename} at {Path(where.path).name}:{where.lineno + 1}{name}; "
        "type --medhelm-show-text to see its text"
    )
