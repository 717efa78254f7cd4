"""pytest's hooks where items run and models are asked: in the only process, or in each xdist worker.

The end of each test becomes a record, which travels with the report (what the report shows: text_guard.py).
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import pytest

from pytest_medhelm.models.engine.adaptive import START
from pytest_medhelm.models.roster import ROSTER, Roster, apply
from pytest_medhelm.plugin.interrupt import end_soon
from pytest_medhelm.plugin.item_params import item_params, skips
from pytest_medhelm.plugin.late_connection import announced, put_into
from pytest_medhelm.plugin.locations import Locations
from pytest_medhelm.plugin.options import PLAN, SETTINGS
from pytest_medhelm.plugin.outcomes import SafeSkip, Shortfall, add_text, shortfall
from pytest_medhelm.plugin.prefetch import FARTHEST, Prefetcher
from pytest_medhelm.plugin.recorder import BUILDER, RECORDER, Recorder
from pytest_medhelm.plugin.request_builder import REQUESTS, RequestBuilder
from pytest_medhelm.util.errors import AwaitsBatch, BudgetReached, RunStopped, StoreFailed
from pytest_medhelm.util.sqlite import unusable

if TYPE_CHECKING:
    from pytest_medhelm.plugin.request_builder import StartEngine
    from pytest_medhelm.scoring.record import RecordBuilder


_NOT_ASKED = AwaitsBatch | BudgetReached | RunStopped
"""An item that met one of these has no record."""


class Share(NamedTuple):
    """Items rank, rank + processes, ... run in this process."""

    rank: int | None
    """None: not known which."""
    processes: int


class WorkerPlugin:
    """Runs the share of this process."""

    def __init__(
        self,
        config: pytest.Config,
        run: str,
        share: Share,
        start_engine: StartEngine,
        tolerated: frozenset[tuple[str, str]],
    ) -> None:
        """``tolerated``: (status, benchmark or "*") that gate rules decide on."""
        self._config = config
        self.settings = config.stash[SETTINGS]
        self._run = run
        self._share = share
        self._start_engine = start_engine
        self._tolerated = tolerated
        self._requests: RequestBuilder
        self._recorder: Recorder
        self._prefetcher: Prefetcher
        self._locations = Locations()
        self._has_learnt = False
        self._planned = 0
        """Requests that the session asks for; counted with a budget only."""
        self._keywords: dict[str, Literal[1]] = {"medhelm": 1}
        self._selection: list[str] = []
        """What xdist's controller, which collects nothing, says of the selection."""

    # After the controller's, which finds out who answers where.
    @pytest.hookimpl
    def pytest_sessionstart(self) -> None:
        stash, hook, settings = self._config.stash, self._config.hook, self.settings
        roster = stash[ROSTER]
        self._requests = stash[REQUESTS] = RequestBuilder(hook, settings, roster, self._run, self._start_engine)
        self._recorder = stash[RECORDER] = Recorder(hook, settings, roster, self._tolerated, stash[PLAN])
        self._prefetcher = self._prefetching(())
        self._requests.meanwhile = lambda unanswered: self._prefetcher.fill_up(unanswered)

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        worker = getattr(self._config, "workerinput", {}).get("workerid")
        if worker == "gw0":
            from pytest_medhelm.plugin.header import selection

            stash = self._config.stash
            self._selection = [*selection(session.items, self.settings, stash[ROSTER], stash[PLAN])]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        # The share of a replacement worker, or under another scheduler, is not known: it asks on demand.
        rank, processes = self._share
        known = rank is not None and rank < processes
        self._prefetcher = self._prefetching(session.items[rank::processes] if known else ())
        if self.settings.max_cost is not None:
            self._planned = sum(map(self._requests_of, session.items))
        # Tens of thousands of items live until the end: the garbage collector need not look at them each time.
        gc.freeze()
        try:
            return (yield)
        finally:
            self._close(session)

    def _close(self, session: pytest.Session) -> None:
        """Write the texts that are held back: what the records refer to."""
        try:
            self._requests.close()
        except sqlite3.Error as error:
            raise session.Interrupted(unusable(self.settings.folder / "responses.sqlite", error)) from None

    def connected(self, session: pytest.Session, roster: Roster) -> None:
        """More is known of who answers where than when the items were collected."""
        self._config.stash[ROSTER] = roster
        self._requests.connected(roster)
        self._recorder.connected(roster)
        put_into(session.items, roster)

    def _learn(self, session: pytest.Session) -> None:
        """What the controller of xdist found out after collection."""
        self._has_learnt = True
        if hasattr(self._config, "workerinput"):
            resolved = announced(self.settings.folder, self._run)
            if resolved is not None:
                self.connected(session, apply(self._config.stash[ROSTER], resolved))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        self._locations.give(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if not self._has_learnt:
            self._learn(item.session)
        # Within setup, so that what a prompt function prints is captured like a test's own output.
        self._prefetcher.advance_to(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        result = yield
        builder = item.stash.get(BUILDER, None)
        if builder is not None and builder.episode is not None and isinstance(item, pytest.Function):
            from pytest_medhelm.plugin.checkpoints import run_checkpoints

            run_checkpoints(item.module, builder)
        reason = shortfall(builder, strict=self.settings.strict) if builder else None
        if reason:
            raise Shortfall(reason, pytrace=False)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        reached = call.excinfo.value if call.excinfo is not None else None
        if isinstance(reached, _NOT_ASKED):
            # As a skip: of any other exception pytest first writes the whole traceback, which takes 20 ms.
            skip = SafeSkip(str(reached)).with_traceback(reached.__traceback__)
            call.excinfo = pytest.ExceptionInfo.from_exception(skip)
        report = yield
        if isinstance(reached, _NOT_ASKED):
            report.outcome = "skipped"
            report.longrepr = (str(item.path), (item.location[1] or 0) + 1, f"Skipped: {reached}")
        self._tell(item.session, report, reached)
        builder = item.stash.get(BUILDER, None)
        if builder is None:
            return report
        ended = report.when == "call" or (report.when == "setup" and not report.passed)
        # As with a skip mark: what was measured before stays. Our own skips have a status.
        left_alone = isinstance(reached, pytest.skip.Exception) and builder.status is None
        if ended and not left_alone and not isinstance(reached, _NOT_ASKED):
            self._add_record(item.session, report, builder)
        if self.settings.show_text and report.when == "call":
            add_text(report, builder)
        # pytest keeps items and reports until the end of the session: they must hold no texts, and little else.
        report.keywords = self._keywords
        if report.when == "teardown":
            del item.stash[BUILDER]
        return report

    def _add_record(self, session: pytest.Session, report: pytest.TestReport, builder: RecordBuilder) -> None:
        try:
            report.medhelm = self._recorder.record(builder, self._requests.engine.store)  # type: ignore[attr-defined]
        except sqlite3.Error as error:
            self._tell(session, report, StoreFailed(unusable(self.settings.folder / "responses.sqlite", error)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C in a worker: xdist tells its controller of no difference to a stop."""
        end_soon(self._config, excinfo)
        if hasattr(self._config, "workeroutput") and excinfo.type is KeyboardInterrupt:
            self._config.workeroutput["medhelm_interrupted"] = True
            # What a worker's terminal would say in the end is shown to nobody, and takes seconds on a busy machine.
            self._config.pluginmanager.unregister(name="terminalreporter")

    def _prefetching(self, items: Sequence[pytest.Item]) -> Prefetcher:
        given = self.settings.prefetch is not None
        return Prefetcher(self._requests, self._recorder, items, self._window(), 1 if given else FARTHEST)

    def _window(self) -> Callable[[], int]:
        """How many items to look ahead: twice as many as may be asked at once, at every moment."""
        given = self.settings.prefetch
        if given is not None:
            return lambda: given
        slots = [model.endpoint.concurrency for model in self._config.stash[ROSTER] if model.endpoint]
        processes = self._share.processes
        fixed = max(2, 2 * max((count for count in slots if count != "auto"), default=1) // processes)
        if "auto" not in slots:
            return lambda: fixed
        return lambda: max(fixed, 2 * (self._requests.load[1] or START // processes))

    # --medhelm-max-cost

    def _requests_of(self, item: pytest.Item) -> int:
        """How many requests an item asks for: the model's, and one for each judge and repeat."""
        names = getattr(item, "fixturenames", ())
        params = item_params(item) if "response" in names else None
        if params is None or skips(item):
            return 0
        rubric = self._recorder.rubric(params.benchmark) if "jury" in names else None
        panel, each = self._requests.panel, 0
        if rubric is not None:
            from pytest_medhelm.scoring.jury.jury import requests_about

            each = requests_about(rubric, params.packed.criteria, panel.rubric_calls)
        return (params.model.answer is None) + len(panel.judges) * panel.repeats * each

    def _tell(self, session: pytest.Session, report: pytest.TestReport, reached: BaseException | None) -> None:
        """What the engine has to say goes with the report; where it stopped asking, the session ends with it."""
        if report.when == "teardown" and hasattr(self._config, "workerinput"):
            report.medhelm_load = self._requests.load  # type: ignore[attr-defined]
        notices, self._selection = [*self._selection, *self._requests.notices()], []
        if notices:
            report.medhelm_notices = notices  # type: ignore[attr-defined]
        stopped = self._requests.stopped
        if isinstance(reached, BudgetReached):
            amount = f"{self.settings.max_cost:.10g} {self.settings.currency}"
            stopped = (
                f"budget of {amount} reached after {reached.answered} of {self._planned} requests; "
                "raise --medhelm-max-cost and run the same command to go on"
            )
        elif isinstance(reached, RunStopped):
            stopped = stopped or str(reached)
        if stopped and not session.shouldstop:
            session.shouldstop = report.medhelm_stopped = stopped  # type: ignore[attr-defined]
