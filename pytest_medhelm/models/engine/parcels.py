"""What the store of a worker gets that does not share the suite's disk: sent with its reports, put into the suite.

Such a worker has a responses.sqlite of its own, for as long as it runs. It begins with the answers that the suite has.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from pytest_medhelm.models.engine.store import SCHEMA
from pytest_medhelm.util.files import create_private
from pytest_medhelm.util.sqlite import open_private

ANSWERS = ("responses", "contexts", "tool_calls")
TABLES = (*ANSWERS, "texts")
"""What is sent; all other tables are about a run."""

Parcel = list[tuple[str, list[Sequence[str | int | float]]]]
"""(table, rows), as plain values."""


class Outbox:
    """Finds what is new in a worker's store; belongs to one thread."""

    def __init__(self, path: Path) -> None:
        self._connection = open_private(path, SCHEMA)
        self._seen = dict.fromkeys(TABLES, 0)
        self.take()

    def take(self) -> Parcel:
        """All rows that were committed since the last look; an answer that was replaced comes again."""
        parcel: Parcel = []
        for table in TABLES:
            # Rows are not numbered again: what is replaced gets a number above all others.
            rows = self._connection.execute(
                f"SELECT rowid, * FROM {table} WHERE rowid > ? ORDER BY rowid", (self._seen[table],)
            ).fetchall()
            if rows:
                self._seen[table] = rows[-1][0]
                parcel.append((table, [row[1:] for row in rows]))
        return parcel

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def unpack(parcel: Parcel, path: Path) -> None:
    """Put what a worker sent into the suite's responses.sqlite. Raises sqlite3.Error."""
    with closing(open_private(path, SCHEMA)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in parcel:
            connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)
        connection.execute("COMMIT")


def stored_answers(path: Path) -> bytes:
    """The answers of a suite without their prompts, for ``begin_with``."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        SCHEMA.prepare(copy)
        copy.execute("ATTACH ? AS suite", (str(path),))
        for table in ANSWERS:
            copy.execute(f"INSERT INTO main.{table} SELECT * FROM suite.{table}")
        copy.execute("DETACH suite")
        copy.execute("UPDATE responses SET request = ''")
        copy.execute("VACUUM")
        return zlib.compress(copy.serialize(), 1)


def begin_with(answers: bytes, path: Path) -> None:
    """Make the store of a worker from the answers that the suite has."""
    with open(create_private(path), "wb") as file:
        file.write(zlib.decompress(answers))
