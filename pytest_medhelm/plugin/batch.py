"""--medhelm-batch: a session that asks nobody, and writes what it would ask to a file."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.models.engine.batch_file import BatchFile, file_of_model
from pytest_medhelm.util.errors import ConfigError

if TYPE_CHECKING:
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.util.settings import Settings


class Batch:
    """The batch file of a session, made when the first request is."""

    def __init__(self, config: pytest.Config, settings: Settings, roster: Roster) -> None:
        """Raises ConfigError for what cannot go together with a batch, and for a file that cannot be written."""
        assert settings.batch is not None
        _check(config, settings, roster)
        self._settings = settings
        self._path = settings.batch
        self._file: BatchFile | None = None
        self._is_whole = True

    def start(self) -> BatchFile:
        """What answers in the engine's place."""
        self._file = BatchFile(self._settings.folder / "responses.sqlite", self._path)
        return self._file

    @property
    def waiting(self) -> str:
        """Why the run is not at its end, as a sentence; empty where it is."""
        return "" if self._file is None else self._file.waiting

    # Within the asking side's, which puts the file in its place at the end.
    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except BaseException:
            self._is_whole = False
            if self._file is not None:
                self._file.discard()
            raise

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        lines = [] if self._file is None else self._file.lines
        for line in lines:
            terminalreporter.write_line(f"medhelm: {line}")
        if lines:
            terminalreporter.write_line(
                f"medhelm: run the batch, then type 'medhelm batch collect RESULTS --suite={self._settings.folder}' "
                "and the same pytest command (docs/batch.md)"
            )
        else:
            why = (
                "there is nothing to ask" if self._is_whole else "the run was stopped; the same command begins it anew"
            )
            terminalreporter.write_line(f"medhelm: {self._path} is not written: {why}")


def _check(config: pytest.Config, settings: Settings, roster: Roster) -> None:
    path = settings.batch
    assert path is not None
    if config.getoption("dist", "no") != "no":
        raise ConfigError("--medhelm-batch asks nobody, which workers cannot do faster: leave -n out, or type -n 0")
    if settings.no_cache:
        raise ConfigError("--medhelm-batch writes what is not stored, and --medhelm-no-cache takes nothing as stored")
    if settings.max_cost is not None:
        raise ConfigError("--medhelm-max-cost cannot bound what a batch costs elsewhere: leave it out")
    embedded = [model.name for model in roster if model.provider == "local"]
    if embedded:
        raise ConfigError(f"--medhelm-batch: {embedded[0]} is embedded and runs no batch: leave it out")
    for file in (path, *(file_of_model(path, model.name) for model in roster)):
        if file.exists():
            raise ConfigError(f"--medhelm-batch: {file} is there already: name another file, or remove it")
    if not path.parent.is_dir():
        raise ConfigError(f"--medhelm-batch: {path.parent} is no folder that is there")
