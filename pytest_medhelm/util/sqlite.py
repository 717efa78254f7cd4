"""Open a SQLite file to read it only: a run that writes it is neither locked out nor changed, and nothing is made."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from urllib.parse import quote

BUSY_SECONDS = 5
_WRITE_AHEAD = b"\x02\x02"
"""Bytes 18 and 19 of a file in WAL mode (https://www.sqlite.org/fileformat.html, 1.3)."""


def open_reading(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, in a transaction: whatever it reads is of one moment.

    A file in WAL mode that nobody has open has no log beside it. It is then read alone (``immutable``): else SQLite
    would make a log and an index of it, and fail in a folder that cannot be written. Since nothing is locked then,
    whoever reads compares ``state`` before and after. Raises OSError or sqlite3.Error.
    """
    log = path.with_name(path.name + "-wal")
    found = path.stat()
    known = found.st_size > 0 and _in_wal_mode(path, found.st_ino)
    alone = known and not (log.exists() and log.stat().st_size)
    mode = "mode=ro&immutable=1" if alone else "mode=ro"
    address = f"file:{quote(str(path.absolute()))}?{mode}"
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute("BEGIN")
    return connection


@cache
def _in_wal_mode(path: Path, inode: int) -> bool:
    # Once only: closing a descriptor of a database drops the locks that this process holds on it (store.open_private).
    with path.open("rb") as file:
        return file.read(20)[18:20] == _WRITE_AHEAD


Stamp = tuple[int, int, int] | None
"""Inode, size and time of a file; None where there is none."""


def state(path: Path) -> tuple[Stamp, Stamp]:
    """What changes when a database is written: the stamps of its file and of its log."""
    return stamp(path), stamp(path.with_name(path.name + "-wal"))


def stamp(file: Path) -> Stamp:
    """What changes when a file is written."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
