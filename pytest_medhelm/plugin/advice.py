"""What to type next, when a selection ran nothing or benchmarks could not be run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import get_args

import pytest

from pytest_medhelm.plugin.marks import COLLECTED
from pytest_medhelm.plugin.not_run import NAME_A_MODEL, not_run_of
from pytest_medhelm.tasks.taxonomy import CATEGORIES, Access, Kind, slug

NEXT = (
    "medhelm: the quick benchmarks ran; the same command without '-m quick' runs all of them",
    "medhelm: next, your own server: pytest benchmarks/ -m quick --medhelm-model=vllm/NAME "
    "--medhelm-base-url=http://localhost:8000/v1; your own data: medhelm new ward_triage; your own gate: "
    "--medhelm-gate='pubmed_qa.exact_match >= 0.7'",
)
"""Said after a first look."""
LISTED = 2
"""Benchmarks whose reason is given."""


def advice(reporter: pytest.TerminalReporter, config: pytest.Config) -> Iterator[str]:
    """Lines for the end of a session: benchmarks were skipped or deselected for want of a model or a right name."""
    skipped = [not_run for report in reporter.stats.get("skipped", ()) if (not_run := not_run_of(report))]
    unnamed = sum(not_run.why == "no_model" for not_run in skipped)
    if unnamed:
        yield f"medhelm: {unnamed} tests skipped: {NAME_A_MODEL}"
    reasons = sorted({not_run.reason for not_run in skipped if not_run.why == "no_data"})
    yield from (f"medhelm: {reason}" for reason in reasons[:LISTED])
    if len(reasons) > LISTED:
        yield (
            f"medhelm: {len(reasons) - LISTED} more benchmarks were skipped; 'medhelm tasks' says what each needs, "
            "-rs shows all reasons"
        )
    if reporter.stats.get("scored") and config.getoption("markexpr") == "quick":
        yield from NEXT
    ran = any(reporter.stats.get(kind) for kind in ("scored", "passed", "failed", "error", "skipped", "unmeasured"))
    left_out = config.pluginmanager.getplugin("medhelm-left-out")
    gone = reporter.stats.get("deselected") or (left_out and left_out.names)
    session = reporter._session
    if COLLECTED in config.stash and gone and not ran and not (session is not None and session.items):
        yield _nothing(config)
    yield from _legend(reporter, config)


def _nothing(config: pytest.Config) -> str:
    """Nothing has the names that were typed: what may have been meant."""
    chosen = config.getoption("keyword") or config.getoption("markexpr")
    categories = [slug(text) for pair in CATEGORIES.items() for text in (pair[0], *pair[1])]
    known = [*config.stash[COLLECTED], *categories, *get_args(Access), *get_args(Kind), "quick"]
    words = [word for word in re.findall(r"\w+", chosen) if word not in (*known, "and", "or", "not")]
    near = [match for word in words for match in get_close_matches(word, known, n=1, cutoff=0.7)]
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"medhelm: nothing is called {chosen!r}: {hint}'medhelm tasks' lists the benchmarks"


def _legend(reporter: pytest.TerminalReporter, config: pytest.Config) -> Iterator[str]:
    """What the letters of the progress mean, those that occurred."""
    if config.get_verbosity() != 0:
        return
    statuses = {report.medhelm.status for report in reporter.stats.get("scored", ())}
    words = [", answered"] if "ok" in statuses else []
    words += [f"{status[0]} {status}" for status in sorted(statuses - {"ok"})]
    words += ["u without a measurement"] if reporter.stats.get("unmeasured") else []
    if len(words) > 1:
        yield f"medhelm: letters of the progress: {'; '.join(words)}"
