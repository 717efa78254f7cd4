"""What people said of a suite's answers outside of its runs: ratings, marks, choices, as suite.sqlite keeps them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any


class AnnotationTables:
    """The three tables."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def put_ratings(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Store ratings and marks of harm, in the columns of the table; the same rater's of an answer are replaced."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR REPLACE INTO ratings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def ratings(self, benchmark: str = "", between: tuple[str, str] | None = None) -> list[tuple[Any, ...]]:
        """What clinicians and judges rated outside of the runs, by benchmark, instance, model and rater.

        All of it, or what is ``between`` two instances of a benchmark.
        """
        if not self._has("ratings"):
            return []
        part = "" if between is None else "WHERE benchmark = ? AND instance BETWEEN ? AND ? "
        return list(
            self._connection.execute(
                "SELECT kind, rater, benchmark, instance, model, criterion, score, severity, kinds FROM ratings "
                f"{part}ORDER BY benchmark, instance, model, kind, rater, criterion",
                () if between is None else (benchmark, *between),
            )
        )

    def put_marks(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Mark references as wrong: benchmark, instance, reason (empty: the mark is taken back), who says so."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            for row in rows:
                if row[2]:
                    self._connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?)", row)
                else:
                    self._connection.execute("DELETE FROM marks WHERE benchmark = ? AND instance = ?", row[:2])

    def marks(self, benchmark: str) -> dict[str, str]:
        """The reason why a reference is marked as wrong, by instance."""
        if not self._has("marks"):
            return {}
        rows = self._connection.execute("SELECT instance, reason FROM marks WHERE benchmark = ?", (benchmark,))
        return dict(rows.fetchall())

    def marked_by(self, benchmark: str, instance: str) -> tuple[str, str]:
        """The reason why a reference is marked as wrong, and who says so; empty without a mark."""
        rows = self._connection.execute(
            "SELECT reason, marked_by FROM marks WHERE benchmark = ? AND instance = ?", (benchmark, instance)
        )
        reason, by = rows.fetchone() or ("", "")
        return reason, by

    def put_preference(self, row: tuple[str, str, str, str, str, str]) -> None:
        """Store a choice, in the columns of the table; the same rater's of two answers is replaced."""
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO preferences VALUES (?, ?, ?, ?, ?, ?)", row)

    def preferences(self) -> list[tuple[str, str, str, str, str, str]]:
        """Rater, benchmark, instance, both models, and the choice between them: first, second or tie."""
        if not self._has("preferences"):
            return []
        return list(self._connection.execute("SELECT * FROM preferences ORDER BY 1, 2, 3, 4, 5"))

    def _has(self, table: str) -> bool:
        """A suite of an earlier version that is only read may lack a table."""
        rows = self._connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
        return rows.fetchone() is not None
