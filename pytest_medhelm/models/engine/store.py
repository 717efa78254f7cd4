"""responses.sqlite: every request and response of a suite, by request key, on disk before anyone sees it.

All processes of a session append to it. Clinical text lives here and in suite.sqlite, nowhere else.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from pytest_medhelm.models.engine.parts import divided, whole
from pytest_medhelm.models.engine.reply import plain
from pytest_medhelm.models.engine.request import Alternative, Completion, Request, ToolCall
from pytest_medhelm.models.engine.spending_sums import SpendingSums
from pytest_medhelm.util import quick_json
from pytest_medhelm.util.errors import StoreFailed
from pytest_medhelm.util.sqlite import Schema, close_whole, open_private, transaction, unusable

TEXT_BATCH = 50
AT_ONCE = 500
"""Keys that one statement asks for."""
SHORT_TEXT = 40
"""Characters of a text that is kept when it was read, such as the letter of an option."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS responses(
    key TEXT PRIMARY KEY, model TEXT NOT NULL, run TEXT NOT NULL, request TEXT NOT NULL, outcome TEXT NOT NULL,
    content TEXT NOT NULL, reasoning TEXT NOT NULL, finish_reason TEXT NOT NULL, usage TEXT NOT NULL,
    logprobs TEXT NOT NULL, served TEXT NOT NULL, latency REAL NOT NULL, attempts INTEGER NOT NULL,
    created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS texts(hash TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS contexts(key TEXT PRIMARY KEY, tokens INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tool_calls(key TEXT PRIMARY KEY, calls TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS spending(
    run TEXT NOT NULL, pid TEXT NOT NULL, paid REAL NOT NULL, reserved REAL NOT NULL, in_flight INTEGER NOT NULL,
    answered INTEGER NOT NULL, PRIMARY KEY (run, pid));
CREATE TABLE IF NOT EXISTS awaited(
    key TEXT PRIMARY KEY, model TEXT NOT NULL, served TEXT NOT NULL, context INTEGER, formed INTEGER NOT NULL,
    request TEXT NOT NULL, error TEXT NOT NULL);
"""
SCHEMA = Schema(
    "responses.sqlite",
    _SCHEMA,
    # Claims and spending belong to runs that have ended.
    steps=(
        "DROP TABLE IF EXISTS claims; DROP TABLE IF EXISTS spending",
        "DROP TABLE IF EXISTS claims; DROP TABLE IF EXISTS spending",
        "",  # tool_calls: files of this version have that table
    ),
)
_COMPLETION = "outcome, content, reasoning, finish_reason, usage, logprobs, served, latency, attempts"
_BESIDE = {"contexts": "tokens", "tool_calls": "calls"}
"""Tables that hold something of a few answers, and the column that does."""
_UNREADABLE = """SELECT 1 FROM responses WHERE outcome NOT IN ('ok', 'too_long', 'blocked')
OR typeof(content) <> 'text' OR typeof(reasoning) <> 'text' OR typeof(latency) NOT IN ('real', 'integer')
OR json_type(usage) <> 'object' OR json_type(logprobs) <> 'array'"""


def stop_file(folder: Path, run: str) -> Path:
    """Its existence tells the workers of a run to stop waiting: a signal to the controller does not reach them."""
    return folder / f".stop-{run}"


def short_key(key: str) -> int:
    """60 bits of a key: enough to tell that it is surely not stored, in a third of the memory."""
    return int(key[:15], 16)


class Exchange(NamedTuple):
    """What was said."""

    payload: str
    """The JSON body of the request as sent."""
    content: str
    reasoning: str


class ResponseStore:
    """One connection to responses.sqlite; a connection belongs to one thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection | None = None) -> None:
        """Open or make it; a ``connection`` that only reads (util.sqlite) is used as it is.

        Raises ConfigError for a file of a later version.
        """
        self.path = path
        self._connection = connection or open_private(path, SCHEMA)
        SCHEMA.refuse_newer(self._connection)
        self.spending = SpendingSums(self._connection)
        self._texts: set[str] = set()
        self._unwritten: list[tuple[str, str]] = []
        self._short_texts: dict[str, str] = {}
        """Read before: labels and letters are the reference of many instances."""
        self.journal: str = self._connection.execute("PRAGMA journal_mode").fetchone()[0]
        there = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master")}
        # A file of an earlier version that is only read may lack one.
        beside = [
            f"(SELECT {column} FROM {table} WHERE {table}.key = responses.key)" if table in there else "NULL"
            for table, column in _BESIDE.items()
        ]
        self._columns = f"{_COMPLETION}, {', '.join(beside)}"

    def get(self, key: str, *, run: str | None = None, context: int | None = None) -> Completion | None:
        """The stored completion; with ``run`` only one that was paid for in that run.

        With ``context``, the tokens of the model's context as its server says today, only one that a smaller context
        did not bound. Raises StoreFailed.
        """
        asked = f"SELECT {self._columns} FROM responses WHERE key = ?"
        try:
            row = self._connection.execute(*((asked, (key,)) if run is None else (f"{asked} AND run = ?", (key, run))))
            completion = next(map(_completion, row), None)
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            raise StoreFailed(unusable(self.path, error)) from None
        return completion if completion is not None and holds(completion, context) else None

    def several(self, keys: Iterable[str]) -> dict[str, Completion]:
        """Stored completions by key, read together; those that are not there are left out. Raises StoreFailed."""
        try:
            rows = self._among(f"SELECT key, {self._columns} FROM responses WHERE key", keys)
            return {key: _completion(row) for key, *row in rows}
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            raise StoreFailed(unusable(self.path, error)) from None

    def check(self) -> None:
        """Raise sqlite3.DatabaseError when the file is damaged, has other tables or other values in them."""
        SCHEMA.check(self._connection)
        if self._connection.execute(_UNREADABLE).fetchone() is not None:
            raise sqlite3.DatabaseError("an answer in it is none")

    def short_keys(self) -> set[int]:
        """The short keys of all stored responses. Raises StoreFailed."""
        try:
            return {short_key(row[0]) for row in self._connection.execute("SELECT key FROM responses")}
        except ValueError:
            raise StoreFailed(unusable(self.path, sqlite3.DatabaseError("a key in it is none"))) from None
        except sqlite3.DatabaseError as error:
            raise StoreFailed(unusable(self.path, error)) from None

    def bound_keys(self) -> set[int]:
        """The short keys of responses that a context bounded: with a larger one they are asked again."""
        return {short_key(row[0]) for row in self._connection.execute("SELECT key FROM contexts")}

    def usages(self, run: str) -> Iterator[tuple[str, dict[str, int]]]:
        """(model name, token counts) of each response that was paid for in a run."""
        for name, usage in self._connection.execute("SELECT model, usage FROM responses WHERE run = ?", (run,)):
            yield name, json.loads(usage)

    def exchange(self, key: str) -> Exchange:
        """The texts of a request and its response, as the reports show them; empty where there are none."""
        sql = "SELECT request, content, reasoning FROM responses WHERE key = ?"
        row = self._connection.execute(sql, (key,)).fetchone()
        if row is None:
            return Exchange(whole(self.text(key), self.text), "", "")
        return Exchange(whole(row[0], self.text), *row[1:])

    def present(self, keys: Iterable[str]) -> set[str]:
        """Those of several keys of which a response is stored, whoever stored it."""
        return {key for (key,) in self._among("SELECT key FROM responses WHERE key", keys)}

    def exchanges(self, keys: Iterable[str]) -> dict[str, Exchange]:
        """Of several requests by key, read together; those that have no response are left out."""
        rows = self._among("SELECT key, request, content, reasoning FROM responses WHERE key", keys)
        return {key: Exchange(whole(request, self.text), *answer) for key, request, *answer in rows}

    def texts(self, digests: Iterable[str]) -> dict[str, str]:
        """Several texts by hash, read together; those that are not there are left out."""
        return dict(self._among("SELECT hash, text FROM texts WHERE hash", digests))

    def _among(self, selection: str, keys: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        remaining = iter(dict.fromkeys(keys))
        while some := (*islice(remaining, AT_ONCE),):
            yield from self._connection.execute(f"{selection} IN ({','.join('?' * len(some))})", some)

    def put(self, answered: Iterable[tuple[Request, Completion]], *, run: str) -> None:
        """Store completions in one transaction.

        An error, or no answer, is never stored as one; only its request is kept, for the reader of the report.
        """
        now = time.time()
        rows, contexts, unbound, unanswered, called = [], [], [], [], []
        parts: dict[str, str] = {}
        for request, completion in answered:
            if completion.context is not None:
                contexts.append((request.key, completion.context))
            elif completion.finish_reason == "length":
                unbound.append((request.key,))  # An earlier answer may have been bound.
            if completion.outcome in ("request_error", "skipped"):
                unanswered.append((request.key, divided(plain(request.payload), parts)))
            else:
                if completion.tool_calls:
                    called.append((request.key, json.dumps(list(completion.tool_calls))))
                rows.append(
                    (
                        request.key, request.model.name, run, divided(plain(request.payload), parts),
                        completion.outcome, plain(completion.content), plain(completion.reasoning),
                        completion.finish_reason, quick_json.dumps(dict(completion.usage)),
                        _written(completion), completion.served, completion.latency,
                        completion.attempts, now,
                    )
                )  # fmt: skip
        with transaction(self._connection):
            self._connection.executemany(f"INSERT OR REPLACE INTO responses VALUES ({','.join('?' * 14)})", rows)
            self._connection.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", [*unanswered, *parts.items()])
            self._connection.executemany("DELETE FROM tool_calls WHERE key = ?", [(row[0],) for row in rows])
            self._connection.executemany("INSERT INTO tool_calls VALUES (?, ?)", called)
            self._connection.executemany("INSERT OR REPLACE INTO contexts VALUES (?, ?)", contexts)
            self._connection.executemany("DELETE FROM contexts WHERE key = ?", unbound)

    def put_text(self, digest: str, text: str) -> None:
        """Keep a text (a reference answer) by its hash; written in batches, and when the store is closed."""
        if digest not in self._texts:
            self._texts.add(digest)
            self._unwritten.append((digest, plain(text)))
        if len(self._unwritten) >= TEXT_BATCH:
            self._write_texts()

    def flush(self) -> None:
        """Write what is held back."""
        if self._unwritten:
            self._write_texts()

    def _write_texts(self) -> None:
        with transaction(self._connection):
            self._connection.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", self._unwritten)
        self._unwritten.clear()

    def text(self, digest: str) -> str:
        """A text by its hash; empty when it is not there."""
        text = self._short_texts.get(digest)
        if text is None:
            row = self._connection.execute("SELECT text FROM texts WHERE hash = ?", (digest,)).fetchone()
            text = str(row[0]) if row else ""
            if row and len(text) <= SHORT_TEXT:
                self._short_texts[digest] = text
        return text

    def close(self) -> None:
        """Write what is held back and close the connection."""
        self.flush()
        close_whole(self._connection)


def holds(completion: Completion, context: int | None) -> bool:
    """Whether a model with a context of so many tokens would say the same: a smaller one did not bound it."""
    return context is None or completion.context is None or context <= completion.context


def _completion(row: Sequence[Any]) -> Completion:
    outcome, content, reasoning, finish, usage, logprobs, served, latency, attempts, tokens, calls = row
    return Completion(
        outcome, content, reasoning, finish, quick_json.loads(usage),
        *_tokens(logprobs), served, latency, attempts, cached=True,
        context=tokens if outcome == "too_long" or finish == "length" else None,
        tool_calls=[ToolCall(name, arguments) for name, arguments in json.loads(calls)] if calls else [],
    )  # fmt: skip


def _written(completion: Completion) -> str:
    """Tokens with their log-probabilities as JSON; third entries are what might have stood there, where it is kept."""
    kept = completion.alternatives
    return json.dumps([[*token, kept[position]] if position in kept else token
                       for position, token in enumerate(completion.logprobs)])  # fmt: skip


def _tokens(written: str) -> tuple[list[tuple[str, float]], dict[int, list[Alternative]]]:
    """``_written``, read."""
    if written == "[]":
        return [], {}
    rows = json.loads(written)
    more = {position: [(token, value) for token, value in row[2]] for position, row in enumerate(rows) if len(row) > 2}
    return [(row[0], row[1]) for row in rows], more
