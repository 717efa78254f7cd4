"""Open the databases of a suite: a new one, one of an earlier version, one that can only be read."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.results.store.suite_tables import SCHEMA
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.sqlite import brought_up_to_date, open_reading, reason, unusable


def prepare_suite(folder: Path) -> str:
    """Make both databases of a suite, or bring them up to date, and see that they can be read and written.

    Returns the journal mode of responses.sqlite. Raises ConfigError naming the file, and what to type: nothing has
    been asked yet.
    """
    journal = ""
    for name in ("suite.sqlite", "responses.sqlite"):
        file = folder / name
        try:
            if file.exists() and not os.access(file, os.W_OK):
                raise PermissionError(errno.EACCES, f"{name} is read-only")
            if name == "suite.sqlite":
                suite = Suite(folder)
                suite.check()
                suite.close()
            else:
                store = ResponseStore(file)
                store.check()
                journal = store.journal
                store.close()
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            raise ConfigError(unusable(file, error)) from None
        except OSError as error:
            raise ConfigError(
                f"the suite {folder} cannot be written ({error.strerror}): name a folder with --medhelm-results"
            ) from None
    return journal


def is_there(folder: Path) -> bool:
    """Whether a suite has been made there."""
    return (folder / "suite.sqlite").exists() or (folder / "responses.sqlite").exists()


def remove_if_empty(folder: Path) -> None:
    """Remove a suite that holds neither a run nor an answer: nobody is to stumble over it."""
    try:
        with closing(Suite(folder)) as suite, closing(ResponseStore(folder / "responses.sqlite")) as store:
            if suite.newest_run() or store.short_keys():
                return
        for file in ("suite.sqlite", "responses.sqlite"):
            for end in ("", "-wal", "-shm"):
                (folder / f"{file}{end}").unlink(missing_ok=True)
        folder.rmdir()
    except (OSError, sqlite3.Error, ConfigError):
        return  # It is somebody's, or has more in it.


def is_writable(folder: Path) -> bool:
    """Whether a suite can be changed; one in an archive, or of somebody else, can be read all the same."""
    files = [file for name in ("suite.sqlite", "responses.sqlite") if (file := folder / name).exists()]
    return all(os.access(path, os.W_OK) for path in (folder, *files))


def open_responses(folder: Path) -> ResponseStore:
    """The texts of a suite, to be read."""
    file = folder / "responses.sqlite"
    return ResponseStore(file, None if is_writable(folder) else open_reading(file))


def _reading(file: Path) -> sqlite3.Connection:
    connection = open_reading(file)
    SCHEMA.refuse_newer(connection)
    return brought_up_to_date(connection, SCHEMA)


def open_suite(folder: Path) -> Suite:
    """The suite in a folder, to be read where it cannot be written.

    Raises ConfigError when it holds none that can be read, or one without any run.
    """
    if not (folder / "suite.sqlite").is_file():
        raise ConfigError(f"{folder} is no suite: it holds no suite.sqlite; name e.g. medhelm-results/default")
    try:
        suite = Suite(folder, None if is_writable(folder) else _reading(folder / "suite.sqlite"))
        runs = suite.newest_run()
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"{folder}: suite.sqlite cannot be read ({reason(error)}); name another suite") from None
    if not runs:
        suite.close()
        raise ConfigError(f"{folder} holds no run yet: run pytest with --medhelm-model first")
    return suite
