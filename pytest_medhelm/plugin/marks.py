"""Marks that select benchmarks, and advice for a selection that selected nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from pytest_medhelm.plugin import state
from pytest_medhelm.tasks.taxonomy import CATEGORIES, Access, Kind, slug

LACKING = ("has no data here", "medhelm[", "is not sent to", " lacks ", "--medhelm-shots")
"""What tells a benchmark that was skipped for want of something from one that its author skips."""
LISTED = 5
NAME_A_MODEL = "no model named: type e.g. --medhelm-model=local/smollm2-135m or --medhelm-model=baseline/lexical"


def register_marks(config: pytest.Config) -> None:
    """Register categories, subcategories, access tiers and kinds, so that --strict-markers is content.

    A benchmark's own name is registered when its module is collected.
    """
    for category, subcategories in CATEGORIES.items():
        config.addinivalue_line("markers", f"{slug(category)}: benchmarks of the category {category}")
        for subcategory in subcategories:
            config.addinivalue_line("markers", f"{slug(subcategory)}: benchmarks of the subcategory {subcategory}")
    for access in get_args(Access):
        config.addinivalue_line("markers", f"{access}: benchmarks whose data is {access}")
    for kind in get_args(Kind):
        config.addinivalue_line("markers", f"{kind}: benchmarks of the kind {kind}")


def advice(reporter: pytest.TerminalReporter, config: pytest.Config) -> Iterator[str]:
    """What to type next, when benchmarks were skipped or deselected for want of a model or a right name."""
    reasons = [report.longrepr[2] for report in reporter.stats.get("skipped", ()) if isinstance(report.longrepr, tuple)]
    unnamed = sum(NAME_A_MODEL in reason for reason in reasons)
    if unnamed:
        yield f"medhelm: {unnamed} tests skipped: {NAME_A_MODEL}"
    lacking = sorted(
        {reason.removeprefix("Skipped: ") for reason in reasons if any(told in reason for told in LACKING)}
    )
    yield from (f"medhelm: {reason}" for reason in lacking[:LISTED])
    if len(lacking) > LISTED:
        yield (
            f"medhelm: {len(lacking) - LISTED} more benchmarks were skipped; 'medhelm tasks' says what each needs, "
            "-rs shows all reasons"
        )
    lineup = config.stash.get(state.LINEUP, None)
    if (
        lineup is not None
        and reporter.stats.get("deselected")
        and not any(
            reporter.stats.get(kind) for kind in ("scored", "passed", "failed", "error", "skipped", "unmeasured")
        )
    ):
        chosen = config.getoption("keyword") or config.getoption("markexpr")
        yield f"medhelm: nothing is called {chosen!r}; type 'pytest --collect-only -q' to see what there is"
