"""An evaluation in the ledger: it begins before anything is asked, and ends with verdicts or is cut off."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from typing import TYPE_CHECKING

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.spec import CANDIDATE

if TYPE_CHECKING:
    from pytest_medhelm.gates.gate_file import Gate
    from pytest_medhelm.gates.suite_outcome import Outcome
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.results.store.suite import Suite
    from pytest_medhelm.util.settings import Settings


class Attempt:
    """The entry of a session; each step returns why it could not be written, in a sentence, or nothing."""

    def __init__(self, settings: Settings, roster: Roster, gates: Collection[Gate], run: str) -> None:
        self._settings = settings
        self._models = roster.gated()
        self._gates = gates
        self._run = run
        # Candidates are evaluated, or a gate is judged: both are written.
        self._counts = bool(gates) or any(model.kind == CANDIDATE for model in roster.models)
        self._is_open = False

    def begin(self) -> str:
        """Before anything is asked, so that a run that is killed is in the ledger too."""
        if not self._counts:
            return ""
        from pytest_medhelm.gates.ledger.attempts import begin

        settings = self._settings
        use_cache = not settings.no_cache
        problem = begin(settings.ledger, self._run, settings.suite, self._models, self._gates, use_cache)
        self._is_open = not problem
        return problem

    def finish(self, outcome: Outcome, gates: Collection[Gate], stopped: str) -> str:
        """With the verdicts of ``gates``; ``stopped``: why the run did not come to its end."""
        if not self._counts:
            return ""
        from pytest_medhelm.gates.ledger.attempts import finish

        problem = finish(self._settings.ledger, outcome, self._models, gates, self._run, source="run", stopped=stopped)
        self._is_open = not problem and "attempt" not in outcome.leaderboard["measurements"]
        return problem

    def cut_off(self, suite: Suite | None) -> str:
        """It came to no verdict: how far it came, so that nobody takes it for one that was killed."""
        if not self._is_open:
            return ""
        from pytest_medhelm.gates.ledger.attempts import cut_off

        settings = self._settings
        with closing(ResponseStore(settings.folder / "responses.sqlite")) as store:
            asked = any(store.usages(self._run))
        return cut_off(settings.ledger, self._run, settings.folder, suite, self._models, self._gates, asked)
