"""pytest's hooks where items run and models are asked: in the only process, or in each xdist worker.

The end of each test becomes a record, which travels with the report; what an item shows of itself holds no text.
"""

from __future__ import annotations

import gc
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Literal

import pytest

from pytest_medhelm.plugin import state
from pytest_medhelm.plugin.item_params import item_params, skips
from pytest_medhelm.plugin.outcomes import BUDGET_OF, Shortfall, add_text, hide_text
from pytest_medhelm.plugin.prefetch import Prefetcher
from pytest_medhelm.scoring.jury.jury import requests_about
from pytest_medhelm.util.errors import BudgetReached

if TYPE_CHECKING:
    from pytest_medhelm.plugin.asking import Asker


class WorkerPlugin:
    """Runs the share of this process."""

    def __init__(self, asker: Asker, rank: int | None) -> None:
        """``rank`` of ``asker.processes``: items rank, rank + processes, ... run here; None: not known which."""
        self._asker = asker
        self._settings = asker.settings
        self._rank = rank
        self._look_ahead = self._looking_ahead(())
        self._wanted = 0
        """Requests that the session asks for; counted with a budget only."""
        self._keywords: dict[str, Literal[1]] = {"medhelm": 1}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        # The share of a replacement worker, or under another scheduler, is not known: it asks on demand.
        known = self._rank is not None and self._rank < self._asker.processes
        self._look_ahead = self._looking_ahead(session.items[self._rank :: self._asker.processes] if known else ())
        if self._settings.max_cost is not None:
            self._wanted = sum(map(self._requests, session.items))
        # Tens of thousands of items live until the end: the garbage collector need not look at them each time.
        gc.freeze()
        try:
            return (yield)
        finally:
            self._asker.close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        # Within setup, so that what a prompt function prints is captured like a test's own output.
        self._look_ahead.advance_to(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        result = yield
        draft = item.stash.get(state.DRAFT, None)
        shortfall = draft.shortfall(strict=self._settings.strict) if draft else None
        if shortfall:
            raise Shortfall(shortfall, pytrace=False)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        reached = call.excinfo.value if call.excinfo is not None else None
        if isinstance(reached, BudgetReached):
            self._stop(item, report, reached)
        if item_params(item) is None:
            return report
        draft = item.stash.get(state.DRAFT, None)
        ended = report.when == "call" or (report.when == "setup" and not report.passed)
        if draft is not None and ended and not isinstance(reached, BudgetReached):
            report.medhelm = self._asker.record(draft)  # type: ignore[attr-defined]
        if not self._settings.show_text:
            hide_text(report, call, draft)
        elif report.when == "call" and draft is not None:
            add_text(report, draft)
        # pytest keeps items and reports until the end of the session: they must hold no texts, and little else.
        report.keywords = self._keywords
        if draft is not None and report.when == "teardown":
            del item.stash[state.DRAFT]
        return report

    def _looking_ahead(self, items: Sequence[pytest.Item]) -> Prefetcher:
        size = self._settings.prefetch
        if size is None:
            slots = [model.endpoint.concurrency for model in self._asker.lineup if model.endpoint]
            size = max(2, 2 * max(slots, default=1) // self._asker.processes)
        return Prefetcher(self._asker, items, size)

    # --medhelm-max-cost

    def _requests(self, item: pytest.Item) -> int:
        """How many requests an item asks for: the model's, and one for each judge and repeat."""
        names = getattr(item, "fixturenames", ())
        found = item_params(item) if "response" in names else None
        if found is None or skips(item):
            return 0
        rubric = self._asker.rubric(found.benchmark) if "jury" in names else None
        verdicts = 0 if rubric is None else requests_about(self._asker.panel, rubric, found.packed.criteria)
        return (found.model.answer is None) + verdicts

    def _stop(self, item: pytest.Item, report: pytest.TestReport, reached: BudgetReached) -> None:
        """The budget does not reach for this item: it has no record, and the session ends with it."""
        report.outcome = "skipped"
        report.longrepr = (str(item.path), (item.location[1] or 0) + 1, f"Skipped: {reached}")
        amount = f"{self._settings.max_cost:.10g} {self._settings.currency}"
        item.session.shouldstop = (
            f"{BUDGET_OF} {amount} reached after {reached.answered} of {self._wanted} requests; "
            "raise --medhelm-max-cost and run the same command to go on"
        )
