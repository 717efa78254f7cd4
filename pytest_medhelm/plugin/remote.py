"""Workers of xdist that do not share the suite's disk: on other hosts, or where it is hidden from them.

They ask with a store of their own in a folder that ends with them. What it gets travels with each report, and the
controller puts it into the suite before the record (plugin/suite_writer.py).
"""

from __future__ import annotations

import atexit
import os
import shutil
from collections.abc import Generator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from pytest_medhelm.models.engine.parcels import Outbox, begin_with, stored_answers
from pytest_medhelm.models.roster import ROSTER, Roster, connect
from pytest_medhelm.plugin.late_connection import asked_by, is_foreign
from pytest_medhelm.plugin.request_builder import REQUESTS
from pytest_medhelm.tasks.public_ids import KEY_VARIABLE, id_key
from pytest_medhelm.util.errors import ConfigError, MedhelmError
from pytest_medhelm.util.settings import Settings

_LOOK = """
import os
path = channel.receive()
try:
    found = os.stat(path)
    channel.send((found.st_dev, found.st_ino))
except OSError:
    channel.send(None)
"""


def refuse_remote(settings: Settings, roster: Roster, spec: str) -> None:
    """Raise ConfigError for what workers cannot do that do not share the disk."""
    if settings.max_cost is not None:
        raise ConfigError(
            f"--tx={spec}: workers that do not share this disk cannot keep --medhelm-max-cost together: use -n N"
        )
    embedded = [model.name for model in roster if model.provider == "local"]
    if embedded:
        raise ConfigError(f"--tx={spec}: {embedded[0]} runs on this machine and is not reached from there: use -n N")


def shares_disk(gateway: Any, file: Path) -> bool:
    """Whether a worker sees this very file; asked of it before it begins. One on another host is taken not to.

    SQLite's write-ahead log does not work over a network's file system.
    """
    if not gateway.spec.popen:
        return False
    channel = gateway.remote_exec(_LOOK)
    channel.send(str(file))
    seen, here = channel.receive(), file.stat()
    channel.waitclose()
    return bool(seen == (here.st_dev, here.st_ino))


def luggage(settings: Settings) -> dict[str, object]:
    """What a worker must be sent that does not share the disk, as plain values."""
    stored = b"" if settings.no_cache else stored_answers(settings.folder / "responses.sqlite")
    return {"stored": stored, "id_key": id_key()}


class RemoteWorker:
    """The worker's side."""

    def __init__(self, config: pytest.Config, sent: Mapping[str, Any]) -> None:
        self._config = config
        # Node ids of private data must be those of all other workers.
        os.environ[KEY_VARIABLE] = sent["id_key"]
        self._folder = Path(mkdtemp(prefix="medhelm-worker-"))
        # Where the controller was killed, no hook is called at the end.
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self._stored = sent["stored"]
        self._outbox: Outbox | None = None

    def settings(self, settings: Settings) -> Settings:
        """With a suite's folder of its own, in which the answers are that the suite has."""
        settings = replace(settings, results=self._folder)
        file = settings.folder / "responses.sqlite"
        settings.folder.mkdir(mode=0o700)
        if self._stored:
            begin_with(self._stored, file)
        self._outbox, self._stored = Outbox(file), b""
        return settings

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Look at other hosts that tests are left for: the controller's findings are in a file, not seen here."""
        roster, worker = self._config.stash[ROSTER], self._config.pluginmanager.getplugin("medhelm-worker")
        settings, names = worker.settings, asked_by(session.items)
        wanted = {model.name for model in roster.models if model.name in names}
        wanted |= {judge.name for judge in roster.judges if names}
        if any(model.name in wanted and is_foreign(model, settings) for model in roster):
            # The controller has looked as well, and ends the session where nobody answers.
            with suppress(MedhelmError), ExitStack() as stack:
                connected = connect(
                    roster, settings, stack, lambda line: None,
                    lambda model: model.name in wanted and is_foreign(model, settings),
                )  # fmt: skip
                worker.connected(session, connected)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.when != "setup" or not report.passed:
            report.medhelm_parcel = self._new()  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self._config.workeroutput["medhelm_parcel"] = self._new()  # type: ignore[attr-defined]

    def pytest_unconfigure(self) -> None:
        if self._outbox is not None:
            self._outbox.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _new(self) -> object:
        assert self._outbox is not None
        requests = self._config.stash.get(REQUESTS, None)
        if requests is not None:
            requests.flush()
        return self._outbox.take()
