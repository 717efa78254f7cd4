"""SQLite files: their schema versions, and opening one for its owner alone, or to read it only.

Who only reads neither locks out nor changes a run that writes, and nothing is made.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.files import make_private_folder

BUSY_SECONDS = 5
WRITER_BUSY_SECONDS = 60
SWITCH_TRIES = 100
SWITCH_PAUSE = 0.05
"""Seconds."""
_NOT_UTF_8 = "Could not decode to UTF-8"
_WRITE_AHEAD = b"\x02\x02"
"""Bytes 18 and 19 of a file in WAL mode (https://www.sqlite.org/fileformat.html, 1.3)."""


def open_reading(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, in a transaction: whatever it reads is of one moment.

    A file in WAL mode that nobody has open has no log beside it. It is then read alone (``immutable``): else SQLite
    would make a log and an index of it, and fail in a folder that cannot be written. Since nothing is locked then,
    whoever reads compares ``state`` before and after. Raises OSError or sqlite3.Error.
    """
    log = path.with_name(path.name + "-wal")
    status = path.stat()
    known = status.st_size > 0 and _in_wal_mode(path, status.st_ino)
    alone = known and not (log.exists() and log.stat().st_size)
    mode = "mode=ro&immutable=1" if alone else "mode=ro"
    address = f"file:{quote(str(path.absolute()))}?{mode}"
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute("BEGIN")
    return connection


def open_private(path: Path, schema: Schema) -> sqlite3.Connection:
    """Open a SQLite file that only its owner can read (0600 in a 0700 folder), in WAL mode where possible.

    Its tables are those of ``schema`` then. Raises ConfigError for a file of a later version, which is not touched.
    """
    make_private_folder(path.parent)
    path.parent.chmod(0o700)
    # Only a new file is opened here: closing a descriptor of a database would drop the locks that SQLite holds on it
    # elsewhere in this process (https://www.sqlite.org/howtocorrupt.html, 2.2).
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=WRITER_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    schema.refuse_newer(connection)
    _use_write_ahead_log(connection)
    # A killed process loses nothing in WAL mode; only a power cut could take the last moments.
    connection.execute("PRAGMA synchronous=NORMAL")
    # Several connections are open, each row is written or read once: a large page cache would serve nothing.
    connection.execute("PRAGMA cache_size=-500")
    schema.prepare(connection)
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that writes, of a connection in autocommit mode; an exception undoes it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextlib.contextmanager
def of_one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is read within is of one moment, however many statements read it; as it is in ``open_reading``."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def close_whole(connection: sqlite3.Connection) -> None:
    """Close a connection that wrote, with what its log holds moved into the file, where no reader is in the way.

    SQLite does so itself when the last connection closes, unless that one only reads (``medhelm serve`` beside a run):
    the file, copied alone, would lack the end of the run then.
    """
    # Where it fails, the log beside the file keeps what it holds.
    with closing(connection), contextlib.suppress(sqlite3.Error):
        connection.execute(f"PRAGMA busy_timeout={1000 * BUSY_SECONDS}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode; a file system that cannot keeps its rollback journal."""
    for _ in range(SWITCH_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            # Another process is switching this very moment; SQLite's busy time-out does not cover it.
            time.sleep(SWITCH_PAUSE)


@cache
def _in_wal_mode(path: Path, inode: int) -> bool:
    # Once only: closing a descriptor of a database drops the locks that this process holds on it (open_private).
    with path.open("rb") as file:
        return file.read(20)[18:20] == _WRITE_AHEAD


@dataclass(frozen=True)
class Schema:
    """The tables of a file, and how a file of an earlier version comes to have them.

    The version of a file is SQLite's ``user_version``. Version 0 is also what a file has that was written before files
    had versions.
    """

    file: str
    """Name of the file, for messages."""
    tables: str
    """Statements that make what is missing of the present tables: CREATE TABLE IF NOT EXISTS ..."""
    steps: Sequence[str]
    """Statements that turn a file of version i into one of version i + 1."""

    @property
    def version(self) -> int:
        """The version that this package writes."""
        return len(self.steps)

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables, or bring those of an earlier version up to date, in one transaction.

        ``connection`` is in autocommit mode. Raises ConfigError for a file of a later version, which is not touched.
        """
        self.refuse_newer(connection)
        if _version(connection) == self.version:
            return
        with transaction(connection):
            # Another process may have done it while this one waited for the lock.
            is_new = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
            steps = () if is_new else self.steps[_version(connection) :]
            for step in (*steps, self.tables):
                for statement in _statements(step):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {self.version}")

    def check(self, connection: sqlite3.Connection) -> None:
        """Raise sqlite3.DatabaseError for a file that is damaged or lacks a table."""
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        present = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        for name in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", self.tables):
            if name not in present:
                raise sqlite3.DatabaseError(f"it has no table {name}")

    def refuse_newer(self, connection: sqlite3.Connection) -> None:
        """Raise ConfigError for a file of a later version: what it means is not known here."""
        version = _version(connection)
        if version > self.version:
            raise ConfigError(
                f"{self.file} has format {version} and was written by a newer pytest-medhelm; this one knows format "
                f"{self.version}: type pip install -U pytest-medhelm, or name another suite"
            )


def brought_up_to_date(connection: sqlite3.Connection, schema: Schema) -> sqlite3.Connection:
    """A connection that only reads; of a file of an earlier version a copy in memory with the present tables."""
    if _version(connection) >= schema.version:
        return connection
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    connection.close()
    schema.prepare(copy)
    return copy


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _statements(script: str) -> list[str]:
    # executescript would commit the transaction that it runs in; none of our statements holds a semicolon.
    return [statement for statement in map(str.strip, script.split(";")) if statement]


Stamp = tuple[int, int, int] | None
"""Inode, size and time of a file; None where there is none."""


def state(path: Path) -> tuple[Stamp, Stamp]:
    """What changes when a database is written: the stamps of its file and of its log."""
    return stamp(path), stamp(path.with_name(path.name + "-wal"))


def stamp(file: Path) -> Stamp:
    """What changes when a file is written."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def reason(error: Exception) -> str:
    """What an error says, without the text that Python quotes where it is no UTF-8: it may be clinical."""
    said = str(error)
    return "a text in it is not UTF-8" if said.startswith(_NOT_UTF_8) else said


def unusable(file: Path, error: Exception) -> str:
    """One sentence about a database that cannot be used, and what to type."""
    if isinstance(error, sqlite3.OperationalError) and not _is_damaged(error):
        return f"{file} cannot be used now ({reason(error)}): see that the disk has room and no other run holds it"
    spare = "responses.sqlite next to it holds the answers: " if file.name == "suite.sqlite" else ""
    return (
        f"{file} is damaged or no database ({reason(error)}): take it from a backup, or move it away and type the same "
        f"command ({spare}{'nothing is asked again' if spare else 'everything is asked again'})"
    )


def _is_damaged(error: Exception) -> bool:
    name = getattr(error, "sqlite_errorname", "")
    return str(error).startswith(_NOT_UTF_8) or name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR"))
