"""Looks at the endpoints of a session: at those of this machine when it starts, at others once tests ask for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.models.roster import ROSTER, Roster, connect
from pytest_medhelm.plugin.late_connection import asked_by, asked_by_ids, is_foreign, tell
from pytest_medhelm.util.errors import MedhelmError

if TYPE_CHECKING:
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.util.settings import Settings


class Connection:
    """What a session is connected to, on the controller."""

    def __init__(self, config: pytest.Config, settings: Settings, run: str) -> None:
        self._config = config
        self._settings = settings
        self._run = run
        self._stack = ExitStack()
        self._has_seen_ids = False

    def connect(self, only: Callable[[Model], bool]) -> Roster:
        """Look at the endpoints of some models. Raises ModelError naming the address and what to check."""
        roster = self._config.stash[ROSTER]
        if any(model.endpoint is not None and only(model) for model in roster) and self._will_ask:
            # The HTTP client is imported while a server is waited for.
            Thread(target=import_module, args=("pytest_medhelm.models.engine.background",), daemon=True).start()
        roster = connect(roster, self._settings, self._stack, self.say, only)
        self._config.stash[ROSTER] = roster
        return roster

    @property
    def _will_ask(self) -> bool:
        """This process will surely ask: nothing is stored yet, no batch file is written, and no worker asks for it."""
        is_new = not (self._settings.folder / "responses.sqlite").exists()
        return is_new and self._settings.batch is None and self._config.getoption("dist", "no") == "no"

    def close(self) -> None:
        """End what was started."""
        self._stack.close()

    def say(self, line: str) -> None:
        """A line on the terminal, if there is one."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(line, flush=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        roster = self._connect_late(asked_by(session.items))
        worker = self._config.pluginmanager.getplugin("medhelm-worker")
        if roster is not None and worker is not None:
            worker.connected(session, roster)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        if self._has_seen_ids:
            return
        self._has_seen_ids = True  # All workers collect the same.
        roster = self._connect_late(asked_by_ids(self._config.stash[ROSTER], ids))
        if roster is not None:
            tell(self._settings.folder, self._run, roster)

    def _connect_late(self, names: Collection[str]) -> Roster | None:
        """Look at other hosts than this machine that tests are left for; None where there are none."""
        roster, settings = self._config.stash[ROSTER], self._settings
        wanted = {model.name for model in roster.models if model.name in names and is_foreign(model, settings)}
        wanted |= {judge.name for judge in roster.judges if names and is_foreign(judge, settings)}
        if not wanted or self._config.getoption("collectonly"):
            return None
        try:
            return self.connect(lambda model: model.name in wanted and is_foreign(model, settings))
        except MedhelmError as error:
            raise pytest.UsageError(str(error)) from None
