"""What to type next, when a selection ran nothing or benchmarks could not be run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_medhelm.plugin.not_run import NAME_A_MODEL, not_run_of
from pytest_medhelm.plugin.options import SETTINGS

NEXT = (
    "medhelm: the quick benchmarks ran; the same command without '-m quick' runs all of them",
    "medhelm: next, your own server: pytest benchmarks/ -m quick --medhelm-model=vllm/NAME "
    "--medhelm-base-url=http://localhost:8000/v1; your own data: medhelm new ward_triage; your own gate: "
    "--medhelm-gate='pubmed_qa.exact_match >= 0.7'",
)
"""Said after a first look."""
LISTED = 5
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
    settings = config.stash.get(SETTINGS, None)
    if reporter.stats.get("scored") and config.getoption("markexpr") == "quick":
        yield from NEXT
    ran = any(reporter.stats.get(kind) for kind in ("scored", "passed", "failed", "error", "skipped", "unmeasured"))
    left_out = config.pluginmanager.getplugin("medhelm-left-out")
    gone = reporter.stats.get("deselected") or (left_out and left_out.names)
    if settings is not None and settings.models and gone and not ran and not config.getoption("collectonly"):
        chosen = config.getoption("keyword") or config.getoption("markexpr")
        yield f"medhelm: nothing is called {chosen!r}; type 'pytest --collect-only -q' to see what there is"
