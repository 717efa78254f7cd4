"""The side of the plugin that there is once per session: in the only process, or on the xdist controller.

It connects to the endpoints, collects records, judges gates and writes the reports.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_medhelm.gates.gate_file import Gate, gate_of
from pytest_medhelm.models.engine.store import ResponseStore, stop_file
from pytest_medhelm.models.roster import Roster, connect, describe
from pytest_medhelm.models.spec import CANDIDATE
from pytest_medhelm.plugin import state
from pytest_medhelm.plugin.item_params import benchmarks
from pytest_medhelm.plugin.outcomes import BUDGET_OF
from pytest_medhelm.results.store.manifest import make_manifest, place
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.record import Record
from pytest_medhelm.tasks.taxonomy import slug
from pytest_medhelm.util.errors import MedhelmError
from pytest_medhelm.util.escaping import visible

if TYPE_CHECKING:
    from pytest_medhelm.gates.baseline import Baseline
    from pytest_medhelm.gates.verdict import GateResult
    from pytest_medhelm.hookspecs import Line
    from pytest_medhelm.tasks.benchmark import Benchmark
    from pytest_medhelm.tasks.task import Task
    from pytest_medhelm.util.settings import Settings


LISTED = 6
"""Benchmarks that the header names."""


class ReportStatus(NamedTuple):
    """What a report keeps of its record."""

    status: str
    value: float | None


class Controller:
    """Owns the suite of a session."""

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        lineup: Roster,
        gates: Collection[Gate],
        baseline: Baseline | None,
    ) -> None:
        self.config = config
        self.settings = settings
        self.lineup = lineup
        self.run = uuid.uuid4().hex
        self._gates = tuple(gates)
        self._baseline = baseline
        self._brought: set[str] = set()
        self._stack = ExitStack()
        self._suite: Suite | None = None
        self._session: pytest.Session | None = None
        self._selected: set[str] = set()
        self._lines: list[Line] = []
        self._interrupted = False
        self._attempt_is_open = False
        self._journal = "wal"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session
        if self.config.getoption("collectonly"):
            return
        try:
            self.lineup = connect(self.lineup, self.settings, self._stack, self._say)
        except MedhelmError as error:
            self._stack.close()
            raise pytest.UsageError(str(error)) from None
        self._journal = self._make_store()
        self._begin_attempt()
        self.config.stash[state.LINEUP] = self.lineup
        asker = self.config.stash.get(state.ASKER, None)
        if asker is not None:
            asker.lineup, asker.run = self.lineup, self.run

    @property
    def _is_attempt(self) -> bool:
        """Candidates are evaluated, or a gate is judged: both are written to the ledger."""
        if self.settings.from_store is not None:
            return False
        return bool(self._gates) or any(model.kind == CANDIDATE for model in self.lineup.models)

    def _begin_attempt(self) -> None:
        """Before anything is asked, so that a run that is killed is in the ledger too."""
        if not self._is_attempt:
            return
        from pytest_medhelm.gates.ledger.attempts import begin

        settings = self.settings
        problem = begin(settings.ledger, self.run, settings.suite, self.lineup.gated(), self._gates, settings.cache)
        if problem:
            self._say(f"medhelm: {problem}")
        self._attempt_is_open = not problem

    def _end_attempt(self) -> None:
        """An attempt that came to no verdict: how far it came, so that nobody takes it for one that was killed."""
        if not self._attempt_is_open:
            return
        from pytest_medhelm.gates.ledger.attempts import cut_off

        settings = self.settings
        with closing(ResponseStore(settings.folder / "responses.sqlite")) as store:
            asked = any(store.usages(self.run))
        problem = cut_off(
            settings.ledger, self.run, settings.folder, self._suite, self.lineup.gated(), self._gates, asked
        )
        self._lines += [f"medhelm: {problem}"] * bool(problem)

    def _make_store(self) -> str:
        """Make responses.sqlite once, so that workers find it ready; returns its journal mode."""
        folder = self.settings.folder
        try:
            store = ResponseStore(folder / "responses.sqlite")
            for file in (folder / "responses.sqlite", folder / "suite.sqlite"):
                if file.exists() and not os.access(file, os.W_OK):
                    raise PermissionError(f"{file.name} is read-only")
        except (OSError, sqlite3.Error) as error:
            self._stack.close()
            raise pytest.UsageError(
                f"the suite {folder} cannot be written ({error}): name a folder with --medhelm-results"
            ) from None
        store.close()
        return store.journal

    def _say(self, line: str) -> None:
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(line, flush=True)

    def _open_suite(self) -> Suite:
        if self._suite is None:
            plan = self.settings.from_store
            self._suite = Suite(self.settings.folder if plan is None else plan.parent)
            manifest = make_manifest(self.settings, self.lineup, self.config.invocation_params.args, self.run)
            manifest["tests"] = self._session.testscollected if self._session else 0
            manifest["place"] = place(self.config, self.settings, self.lineup)
            self._suite.begin(self.run, manifest, {model.name: describe(model) for model in self.lineup.models})
        return self._suite

    def pytest_report_header(self) -> list[str]:
        settings = self.settings
        limit = "all instances" if settings.limit is None else f"at most {settings.limit} instances a benchmark"
        if settings.limit_is_default:
            limit += " (default; --medhelm-limit=N|all)"
        lines = [f"medhelm: {', '.join(model.name for model in self.lineup.models)}; {limit}"]
        budgets = {f"{model.name} {model.body['max_tokens']}" for model in self.lineup if "max_tokens" in model.body}
        if budgets:
            lines.append(f"medhelm: tokens an answer may have: {', '.join(sorted(budgets))}")
        lines += [f"medhelm: {model.name} has {model.answer}" for model in self.lineup.models if model.kind == "human"]
        if self.lineup.judges:
            lines += self._jury_header()
        if settings.max_cost is not None:
            lines.append(f"medhelm: budget of this run: {settings.max_cost:.10g} {settings.currency}")
        if self.config.getoption("dist", "no") != "no":
            lines += self._power_lines(None)
        lines.append(f"medhelm: suite {settings.folder}")
        if self._journal != "wal":
            lines.append("medhelm: this file system allows no write-ahead log; responses are written more slowly")
        return lines

    def _jury_header(self) -> list[str]:
        from pytest_medhelm.models.vendor import same_family

        settings = self.settings
        lines = [f"medhelm: judged by {', '.join(judge.name for judge in self.lineup.judges)}"]
        if settings.judge_repeats > 1:
            lines[0] += f", {settings.judge_repeats} times each"
        lines += [
            f"medhelm: {judge.name} judges {model.name} of its own family ({family}): judges tend to favour their kin"
            for judge in self.lineup.judges
            for model in self.lineup.models
            if (family := same_family((judge.name, judge.served), (model.name, model.served)))
        ]
        return lines

    def pytest_report_collectionfinish(self, items: Sequence[pytest.Item]) -> list[str]:
        found = benchmarks(items)
        sizes = sorted(f"{entry.task.name} {len(entry.instances)} of {entry.total}" for entry in found)
        more = f" and {len(sizes) - LISTED} more" if len(sizes) > LISTED else ""
        lines = [f"medhelm: instances: {', '.join(sizes[:LISTED])}{more}"] if sizes else []
        lines += self._power_lines(found)
        return lines + self._rubric_lines([entry.task for entry in found])

    def _power_lines(self, found: Sequence[Benchmark] | None) -> list[str]:
        """What each comparison with the baseline can show; ``found``: None where workers collect, unseen from here."""
        if self._baseline is None:
            return []
        from pytest_medhelm.gates.power_lines import Planned, planned_as, power_lines

        lines = []
        for gate in self._gates:
            planned = (
                planned_as(self._baseline, gate)
                if found is None
                else {
                    entry.task.name: Planned(
                        len(entry.instances), {slug(entry.task.category), slug(entry.task.subcategory)}
                    )
                    for entry in found
                }
            )
            lines += [f"medhelm: {line}" for line in power_lines(gate, planned, self._baseline)]
        return lines

    def _rubric_lines(self, tasks: Sequence[Task]) -> list[str]:
        """Where [rubrics] of the config file takes effect, and where it does not."""
        rubrics = self.settings.config.rubrics
        if not rubrics or not self.lineup.judges:
            return []
        from pytest_medhelm.tasks.rubric_files import override

        used = {
            task.name: key
            for task in tasks
            if (key := override(self.settings.config, task.name, task.rubric if isinstance(task.rubric, str) else ""))
        }
        lines = [f"medhelm: {name} is judged by {rubrics[key]} ([rubrics] {key})" for name, key in sorted(used.items())]
        idle = sorted(rubrics.keys() - used.values())
        return lines + ([f"medhelm: [rubrics] without effect here: {', '.join(idle)}"] if idle else [])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        record: Record | None = getattr(report, "medhelm", None)
        if record is None or isinstance(record, ReportStatus):
            return
        self._selected.add(record["benchmark"])
        # With the first record of each process: the rules that the benchmark itself brings along.
        self._brought.update(record.get("benchmark_facts", {}).get("gates", ()))
        self.config.hook.pytest_medhelm_update_record(record=record)
        self._open_suite().add(record)
        # pytest keeps every report until the end: of the record it still needs what the terminal shows.
        report.medhelm = ReportStatus(record["status"], record["scores"].get(record["main_metric"]))  # type: ignore[attr-defined]

    # Around the asking side's: when the reports are written, all texts are on disk.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        try:
            result = yield
        except session.Failed:
            self._conclude()
            raise
        except KeyboardInterrupt as stop:
            # With a reason it is a stop by -x under xdist or by a plugin; Ctrl-C has none, or comes from a worker.
            self._interrupted = not str(stop) or "keyboard-interrupt" in str(stop)
            if not self._interrupted:
                self._conclude(str(stop) if str(stop).startswith(BUDGET_OF) else "")
            raise
        self._conclude()
        return result

    def _conclude(self, stopped: str = "") -> None:
        """Write everything; ``stopped``: why the run did not come to its end, so that no gate may be judged."""
        if self.config.getoption("collectonly") or (self._suite is None and not self._gates):
            return
        if self.settings.from_store is not None:
            return  # The command takes the records over, and writes the reports.
        from pytest_medhelm.gates.suite_outcome import conclude
        from pytest_medhelm.reports.write import write_reports

        given = {rule.text for gate in self._gates for rule in gate.rules}
        brought = sorted(self._brought - given)
        gates = (*self._gates, *([gate_of(brought)] if brought else []))
        suite = self._open_suite()
        outcome = conclude(
            suite,
            gates,
            self.lineup.gated(),
            self._selected,
            stopped,
            baseline=self._baseline,
            published=self.settings.published,
        )
        if self._is_attempt:
            from pytest_medhelm.gates.ledger.attempts import finish

            problem = finish(
                self.settings.ledger, outcome, self.lineup.gated(), gates, self.run, source="run", stopped=stopped
            )
            self._lines += [f"medhelm: {problem}"] * bool(problem)
            self._attempt_is_open = not problem and "attempt" not in outcome.leaderboard["measurements"]
        for gate in outcome.gates:
            self._report(gate_reports(gate))
        written = write_reports(self.config.pluginmanager, suite, outcome.leaderboard, self.settings.html)
        self._lines = [*written.lines, *self._lines]
        for name, sentence in written.failures.items():
            short = Path(name).name
            self._report(phases(f"medhelm report::{short}", "medhelm report", short, sentence, failed=True))

    def _report(self, reports: Collection[pytest.TestReport]) -> None:
        """What is no item becomes a test report all the same, outside the percentage and the cache of failed tests."""
        manager = self.config.pluginmanager
        reporter = manager.getplugin("terminalreporter")
        aside = [
            plugin
            for plugin in (reporter, manager.getplugin("lfplugin"), manager.getplugin("stepwiseplugin"))
            if plugin is not None
        ]
        logreport: Callable[..., Any] = manager.subset_hook_caller("pytest_runtest_logreport", aside)
        for report in reports:
            logreport(report=report)
            if reporter is not None and report.when == "call":
                reporter.stats.setdefault(report.outcome, []).append(report)

    def pytest_keyboard_interrupt(self) -> None:
        if self._interrupted and self.settings.folder.is_dir():
            self._stop_file.touch()

    @property
    def _stop_file(self) -> Path:
        return stop_file(self.settings.folder, self.run)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self._end_attempt()
        if self._suite is not None:
            self._suite.close()
        self._stop_file.unlink(missing_ok=True)
        self._stack.close()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._interrupted:
            terminalreporter.write_line(
                f"medhelm: interrupted; type 'medhelm report {self.settings.folder}' to see what is there, or the "
                "same pytest command to go on: nothing that was answered is asked again"
            )
        if not self._lines:
            return
        terminalreporter.section("medhelm leaderboard")
        for line in self._lines:
            text, markup = (line, {}) if isinstance(line, str) else line
            terminalreporter.write_line(text, **markup)


def gate_reports(gate: GateResult) -> list[pytest.TestReport]:
    """A judged rule as test reports. pytest prints them as they are: slices are named by what stands in the data."""
    nodeid, sentence = f"medhelm gate::{visible(gate.name)}", visible(gate.sentence())
    return phases(nodeid, "medhelm gate", visible(gate.rule), sentence, failed=gate.verdict != "pass")


def phases(nodeid: str, group: str, name: str, sentence: str, *, failed: bool) -> list[pytest.TestReport]:
    """Reports of a test's three phases, which is what report writers expect, for what is no item of the session."""

    def report(when: str) -> pytest.TestReport:
        return pytest.TestReport(
            nodeid=nodeid,
            location=(group, None, name),
            keywords={},
            outcome="failed" if failed and when == "call" else "passed",
            longrepr=sentence if failed and when == "call" else None,
            when=when,  # type: ignore[arg-type]
            sections=[(group, sentence)] if when == "call" and not failed else (),
        )

    return [report(when) for when in ("setup", "call", "teardown")]
