"""The side of the plugin that there is once per session: in the only process, or on the xdist controller.

It connects to the endpoints, stores each record, and says when the session is concluded (``conclusion``).
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_medhelm.models.engine.store import stop_file
from pytest_medhelm.models.roster import ROSTER
from pytest_medhelm.plugin.conclusion import Conclusion
from pytest_medhelm.plugin.connection import Connection
from pytest_medhelm.plugin.header import header, power, selection
from pytest_medhelm.plugin.interrupt import end_soon
from pytest_medhelm.plugin.item_params import benchmarks
from pytest_medhelm.plugin.late_connection import forget, is_foreign
from pytest_medhelm.plugin.not_run import not_run_of
from pytest_medhelm.plugin.options import PLAN
from pytest_medhelm.plugin.outcomes import shorten
from pytest_medhelm.plugin.suite_writer import SuiteWriter
from pytest_medhelm.results.store.opening import is_there, prepare_suite, remove_if_empty
from pytest_medhelm.util.errors import MedhelmError, StoreFailed
from pytest_medhelm.util.sqlite import reason

if TYPE_CHECKING:
    from pytest_medhelm.gates.baseline import Baseline
    from pytest_medhelm.gates.gate_file import Gate
    from pytest_medhelm.util.settings import Settings


class Controller:
    """Leads a session from the first look at its endpoints to its reports."""

    def __init__(
        self, config: pytest.Config, settings: Settings, gates: Sequence[Gate], baseline: Baseline | None
    ) -> None:
        self.run = uuid.uuid4().hex
        self._config = config
        self._settings = settings
        self._gates = tuple(gates)
        self._baseline = baseline
        self.connection = Connection(config, settings, self.run)
        self._writer = SuiteWriter(config, self.run, settings.folder)
        self._conclusion = Conclusion(config, settings, self._gates, baseline)
        self._session: pytest.Session | None = None
        self._stopped = ""
        """The sentence with which the run stopped: its budget is reached, or asking on would bring nothing."""
        self._notices_shown: set[str] = set()
        self._not_run = False
        """A benchmark was selected and could not be run."""
        self._interrupted = False
        self._store_failed = ""
        """The sentence with which the run stopped since its suite cannot be written."""
        self._journal = "wal"
        self._is_new = False
        """This session has made the suite."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session
        if self._config.getoption("collectonly"):
            return
        try:
            roster = self.connection.connect(lambda model: not is_foreign(model, self._settings))
            self._is_new = not is_there(self._settings.folder)
            # Workers find it ready; what cannot be stored is not asked.
            self._journal = prepare_suite(self._settings.folder)
        except MedhelmError as error:
            self.connection.close()
            raise pytest.UsageError(str(error)) from None
        if self._gates and self._config.getoption("dist", "no") != "no":
            from pytest_medhelm.plugin.gate_check import check_without_items

            check_without_items(self._gates, self._config, judged=bool(roster.judges))
        if problem := self._conclusion.begin(roster, self.run):
            self.connection.say(f"medhelm: {problem}")

    def pytest_report_header(self) -> list[str]:
        lines = [*header(self._settings, self._config.stash[ROSTER], self._config.stash[PLAN])]
        if self._baseline is not None and self._config.getoption("dist", "no") != "no":
            lines += power(self._gates, self._baseline, None)
        lines.append(f"suite {self._settings.folder}")
        if self._journal != "wal":
            lines.append("this file system allows no write-ahead log; responses are written more slowly")
        return [f"medhelm: {line}" for line in lines]

    def pytest_report_collectionfinish(self, items: Sequence[pytest.Item]) -> list[str]:
        roster = self._config.stash[ROSTER]
        if self._gates or any(benchmark.task.gates for benchmark in benchmarks(items)):
            from pytest_medhelm.plugin.gate_check import check_gates

            check_gates(self._gates, self._config, items, judged=bool(roster.judges))
        lines = [*selection(items, self._settings, roster, self._config.stash[PLAN])]
        if self._baseline is not None:
            lines += power(self._gates, self._baseline, items)
        return [f"medhelm: {line}" for line in lines]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._stopped = self._stopped or getattr(report, "medhelm_stopped", "")
        for line in getattr(report, "medhelm_notices", ()):
            if line not in self._notices_shown:
                self._notices_shown.add(line)
                self.connection.say(f"medhelm: {line}")
        self._not_run = self._not_run or not_run_of(report) is not None
        if not self._store_failed:
            try:
                self._writer.take(report, self._session)
            except StoreFailed as error:
                self._store_failed = f"medhelm: {error}"
                self._stop_session(self._store_failed)

    def _stop_session(self, reason: str) -> None:
        """Run no further item, also where xdist's own loop runs them."""
        if self._session is not None:
            self._session.shouldstop = reason
        workers = self._config.pluginmanager.getplugin("dsession")
        if workers is not None:
            workers.shouldstop = reason

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of xdist has ended: was it by Ctrl-C, and what did it get since its last report?"""
        output = getattr(node, "workeroutput", {})
        if output.get("exitstatus") == pytest.ExitCode.USAGE_ERROR:
            # xdist would go on until nobody is left, and call that an internal error.
            raise pytest.UsageError("medhelm: the workers of -n refuse this command: add -n 0, which says why")
        self._interrupted = self._interrupted or bool(output.get("medhelm_interrupted"))
        if not self._store_failed:
            try:
                self._writer.receive(output.pop("medhelm_parcel", None))
            except StoreFailed as error:
                self._store_failed = f"medhelm: {error}"
                self._stop_session(self._store_failed)

    # Around the asking side's: when the reports are written, all texts are on disk.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        try:
            result = yield
        except session.Failed:
            self._conclude()
            raise
        except KeyboardInterrupt as stop:
            # Ctrl-C; a subclass is a stop by -x under xdist, by a budget or by a plugin.
            self._interrupted = self._interrupted or type(stop) is KeyboardInterrupt
            if not self._interrupted and not self._store_failed:
                self._conclude(self._stopped or getattr(stop, "medhelm_stopped", ""))
            raise
        batch = self._config.pluginmanager.getplugin("medhelm-batch")
        self._conclude("" if batch is None else batch.waiting)
        return result

    def _conclude(self, stopped: str = "") -> None:
        """Write everything; ``stopped``: why the run did not come to its end, so that no gate may be judged.

        What cannot be written ends the session as a stop does: nothing that was answered is lost.
        """
        try:
            if not self._config.getoption("collectonly") and (self._writer.suite is not None or self._gates):
                self._conclusion.write(self._writer, self._session, stopped)
        except (StoreFailed, OSError) as error:
            reason = (
                error if isinstance(error, StoreFailed) else f"{error.filename} cannot be written: {error.strerror}"
            )
            self._store_failed = f"medhelm: {reason}"
            raise pytest.Session.Interrupted(self._store_failed) from None

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        end_soon(self._config, excinfo)
        if self._interrupted and self._settings.folder.is_dir():
            self._stop_file.touch(mode=0o600)

    @property
    def _stop_file(self) -> Path:
        return stop_file(self._settings.folder, self.run)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._not_run and not self._writer.selected and session.exitstatus == pytest.ExitCode.OK:
            # Nothing was evaluated: whoever looks at the exit status alone must not take that for a success.
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
            self.connection.say(
                "\nmedhelm: nothing was evaluated (exit status 5); what to type is said for each benchmark"
            )
        if self._settings.folder.is_dir() and not self._config.getoption("collectonly"):
            self._end()
        shorten(self._config)
        self._stop_file.unlink(missing_ok=True)
        forget(self._settings.folder, self.run)
        self.connection.close()
        if self._is_new and self._writer.suite is None and self._settings.batch is None:
            # A batch's answers are to go into it.
            remove_if_empty(self._settings.folder)

    def _end(self) -> None:
        """Note how far an attempt came, and commit what is held back, each as far as it can be written."""
        for step in (partial(self._conclusion.cut_off, self._writer.suite), self._writer.close):
            try:
                step()
            except (StoreFailed, sqlite3.Error, OSError) as error:
                if not self._store_failed:
                    self._conclusion.lines.append(f"medhelm: {reason(error)}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._interrupted:
            terminalreporter.write_line(
                f"medhelm: interrupted; type 'medhelm report {self._settings.folder}' to see what is there, or the "
                "same pytest command to go on: nothing that was answered is asked again"
            )
        self._conclusion.print_lines(terminalreporter)
