"""Requests that stand in batch files and have no answer yet, in responses.sqlite: results are matched with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pytest_medhelm.models.engine.parts import divided, whole
from pytest_medhelm.models.engine.request import Request
from pytest_medhelm.models.engine.store import SCHEMA
from pytest_medhelm.models.spec import Model
from pytest_medhelm.util.sqlite import open_private


class Awaited:
    """The table of one suite; belongs to one thread."""

    def __init__(self, path: Path) -> None:
        """``path``: the responses.sqlite."""
        self._connection = open_private(path, SCHEMA)

    def add(self, requests: Iterable[Request]) -> None:
        """Requests are in a batch file now; what is known of an earlier error stays."""
        parts: dict[str, str] = {}
        rows = [
            (
                request.key, request.model.name, request.model.served, request.model.context,
                request.may_drop_form, divided(request.payload.encode("utf-8", "replace").decode(), parts),
            )
            for request in requests
        ]  # fmt: skip
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", parts.items())
        self._connection.executemany("INSERT OR IGNORE INTO awaited VALUES (?, ?, ?, ?, ?, ?, '')", rows)
        self._connection.execute("COMMIT")

    def get(self, key: str) -> Request | None:
        """A request that is awaited, as far as a result is read by it."""
        row = self._connection.execute(
            "SELECT model, served, context, formed, request FROM awaited WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        name, served, context, formed, payload = row
        model = Model(name, name.partition("/")[0], served, context=context)
        return Request(model, whole(payload, self._text), key, bool(formed))

    def _text(self, digest: str) -> str:
        text: str = self._connection.execute("SELECT text FROM texts WHERE hash = ?", (digest,)).fetchone()[0]
        return text

    def errors(self) -> dict[str, str]:
        """Why requests have no answer, of those whose batch brought an error; by key."""
        return dict(self._connection.execute("SELECT key, error FROM awaited WHERE error != ''"))

    def settle(self, answered: Iterable[str], failed: Mapping[str, str]) -> None:
        """Results are here: ``answered`` keys wait no more, ``failed`` ones have an error (key -> why)."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("DELETE FROM awaited WHERE key = ?", ((key,) for key in answered))
        self._connection.executemany(
            "UPDATE awaited SET error = ? WHERE key = ?", ((why, k) for k, why in failed.items())
        )
        self._connection.execute("COMMIT")

    def count(self) -> tuple[int, int]:
        """Requests without a result, and those whose result was an error."""
        counted = "SELECT COUNT(*) FILTER (WHERE error = ''), COUNT(*) FILTER (WHERE error != '') FROM awaited"
        waiting, failed = self._connection.execute(counted).fetchone()
        return waiting, failed

    def keys(self) -> Iterator[str]:
        """Of all that are awaited."""
        yield from (row[0] for row in self._connection.execute("SELECT key FROM awaited"))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
