"""Remove what a retention rule demands from a suite, and say what is left.

Texts are prompts, answers, thinking, references, judges' reasons and messages of errors: all of responses.sqlite, some
fields of suite.sqlite, and the pages and tables made of them. SQLite is told to overwrite what it frees; a file system
that keeps earlier versions, and backups, are beyond this.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pytest_medhelm.models.engine.store import SCHEMA as RESPONSES
from pytest_medhelm.results.store.suite_tables import SCHEMA as RECORDS
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.sqlite import open_private

KEPT = ("suite.sqlite", "responses.sqlite", "leaderboard.json", "manifest.json", "summary.md")
"""Files that hold no text once the databases are emptied of it."""
_TABLES = ("scores", "verdicts", "cells", "aggregate")
MADE = (
    "leaderboard.html", "instances.html", "browser", "instances", "*.part", ".stop-*", ".rescoring-*", "*.lock",
    *(f"{table}.{form}" for table in _TABLES for form in ("csv", "jsonl", "parquet", "html")),
    *(f"{name}{end}" for name in KEPT[:2] for end in ("-wal", "-shm", "-journal")),
)  # fmt: skip
"""What is made of the databases and can be made again, as far as there are texts."""


def purge_texts(folder: Path) -> list[str]:
    """Remove all texts; returns the names of files that are left and are not a suite's own.

    Scores, statuses, ids of instances and what the leaderboard shows stay. Raises ConfigError while another process
    uses the suite.
    """
    for name, schema, clean in (
        ("responses.sqlite", RESPONSES, _empty_responses),
        ("suite.sqlite", RECORDS, _empty_records),
    ):
        if not (folder / name).is_file():
            continue
        with closing(open_private(folder / name, schema)) as connection:
            connection.execute("PRAGMA busy_timeout = 2000")
            connection.execute("PRAGMA secure_delete = ON")
            try:
                connection.execute("BEGIN EXCLUSIVE")
                clean(connection)
                connection.execute("COMMIT")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError as error:
                raise ConfigError(f"{folder} cannot be purged now ({error}): wait until its run has ended") from None
    _remove(folder, (*MADE,))
    return _others(folder)


def purge_all(folder: Path) -> list[str]:
    """Remove the suite; returns the names of files that are left since they are not its own."""
    _remove(folder, (*MADE, *KEPT))
    left = _others(folder)
    if not left:
        folder.rmdir()
    return left


def _empty_responses(connection: sqlite3.Connection) -> None:
    # An answer without its text must not be taken for a stored one: whoever runs this suite again asks again.
    for table in ("responses", "texts", "awaited", "tool_calls"):
        connection.execute(f"DELETE FROM {table}")


def _empty_records(connection: sqlite3.Connection) -> None:
    rows = connection.execute("SELECT rowid, record FROM records").fetchall()
    connection.executemany(
        "UPDATE records SET record = ? WHERE rowid = ?",
        [(json.dumps(_without_texts(json.loads(text))), number) for number, text in rows],
    )
    connection.execute("UPDATE marks SET reason = 'purged'")


def _without_texts(value: Any) -> Any:
    """A record without what a server, a judge or an author said in words."""
    if isinstance(value, dict):
        return {
            key: "" if key in ("error", "reason", "text") and isinstance(item, str) else _without_texts(item)
            for key, item in value.items()
        }
    return [_without_texts(item) for item in value] if isinstance(value, list) else value


def _remove(folder: Path, patterns: tuple[str, ...]) -> None:
    for path in list(_matching(folder, patterns)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _matching(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    return (path for path in folder.iterdir() if any(fnmatchcase(path.name, pattern) for pattern in patterns))


def _others(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in KEPT)
