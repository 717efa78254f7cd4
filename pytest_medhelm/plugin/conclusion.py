"""What a session comes to: after the last record gates are judged and reports written, with lines for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.models.roster import ROSTER, Roster
from pytest_medhelm.plugin.attempt import Attempt
from pytest_medhelm.plugin.suite_writer import SuiteWriter
from pytest_medhelm.plugin.verdicts import gate_reports, log_reports, phases

if TYPE_CHECKING:
    from pytest_medhelm.gates.baseline import Baseline
    from pytest_medhelm.gates.gate_file import Gate
    from pytest_medhelm.hookspecs import Line
    from pytest_medhelm.results.leaderboard.document import Leaderboard
    from pytest_medhelm.results.store.suite import Suite
    from pytest_medhelm.util.settings import Settings


class Conclusion:
    """Verdicts, reports and the entry in the ledger of one session."""

    def __init__(
        self, config: pytest.Config, settings: Settings, gates: Sequence[Gate], baseline: Baseline | None
    ) -> None:
        self._config = config
        self._settings = settings
        self._gates = gates
        self._baseline = baseline
        self._attempt: Attempt | None = None
        self.lines: list[Line] = []
        """What the end of the terminal's output shows."""

    def begin(self, roster: Roster, run: str) -> str:
        """Enter the session into the ledger; returns why that was impossible, or nothing."""
        self._attempt = Attempt(self._settings, roster, self._gates, run)
        return self._attempt.begin()

    def write(self, writer: SuiteWriter, session: pytest.Session | None, stopped: str) -> None:
        """Judge the gates and write the reports; ``stopped``: why the run did not come to its end, so that no gate may
        be judged. Raises StoreFailed, or OSError for a report."""
        from pytest_medhelm.gates.suite_outcome import conclude

        gates, given = tuple(self._gates), {rule.text for gate in self._gates for rule in gate.rules}
        if of_benchmarks := sorted(writer.rules - given):
            from pytest_medhelm.gates.gate_file import gate_of

            gates = (*gates, gate_of(of_benchmarks))
        suite = writer.open(session)
        outcome = conclude(
            suite,
            gates,
            self._config.stash[ROSTER].gated(),
            writer.selected,
            stopped,
            baseline=self._baseline,
            published=self._settings.show_published,
        )
        if self._attempt is not None and (problem := self._attempt.finish(outcome, gates, stopped)):
            self.lines.append(f"medhelm: {problem}")
        for gate in outcome.gates:
            log_reports(self._config.pluginmanager, gate_reports(gate))
        self._write_reports(suite, outcome.leaderboard)

    def _write_reports(self, suite: Suite, leaderboard: Leaderboard) -> None:
        from pytest_medhelm.reports.write import write_reports

        manager, settings = self._config.pluginmanager, self._settings
        verbose = self._config.get_verbosity() > 0
        written = write_reports(manager, suite, leaderboard, settings.html, settings.show_text, verbose=verbose)
        self.lines = [*written.lines, *self.lines]
        for name, sentence in written.failures.items():
            short = Path(name).name
            log_reports(manager, phases(f"medhelm report::{short}", "medhelm report", short, sentence, failed=True))

    def cut_off(self, suite: Suite | None) -> None:
        """Note in the ledger how far the session came, where it came to no verdict."""
        if self._attempt is not None and (problem := self._attempt.cut_off(suite)):
            self.lines.append(f"medhelm: {problem}")

    def print_lines(self, terminal: pytest.TerminalReporter) -> None:
        """Print the lines, under a heading."""
        if not self.lines:
            return
        terminal.section("medhelm leaderboard")
        for line in self.lines:
            text, markup = (line, {}) if isinstance(line, str) else line
            terminal.write_line(text, **markup)
