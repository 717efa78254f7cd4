"""What the processes of a run have paid and set aside for answers: sums in responses.sqlite, which all share."""

from __future__ import annotations

import math
import sqlite3
from typing import Literal

from pytest_medhelm.models.engine.claims import is_alive, process_name
from pytest_medhelm.util.sqlite import transaction


class SpendingSums:
    """The table ``spending``, by a connection that belongs to one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def reserve(self, run: str, amount: float, limit: float, answered: int) -> Literal["go", "wait", "stop"]:
        """Set an amount aside if all that a run has paid and set aside stays within a limit.

        Else "wait" while a process of the run has requests in flight, and "stop" when none has. What a process that no
        longer lives had in flight counts as paid. ``answered``: requests that this process has had answered.
        """
        process = process_name()
        with transaction(self._connection):
            sql = "SELECT pid, paid + reserved, in_flight FROM spending WHERE run = ?"
            rows = self._connection.execute(sql, (run,)).fetchall()
            is_granted = math.fsum(row[1] for row in rows) + amount <= limit * (1 + 1e-12)
            self._connection.execute(
                "INSERT INTO spending VALUES (:run, :pid, 0, :amount, :one, :answered) ON CONFLICT DO UPDATE "
                "SET reserved = reserved + :amount, in_flight = in_flight + :one, answered = :answered",
                {"run": run, "pid": process, "amount": amount * is_granted, "one": +is_granted, "answered": answered},
            )
        if is_granted:
            return "go"
        return "wait" if any(flying and (owner == process or is_alive(owner)) for owner, _, flying in rows) else "stop"

    def settle(self, run: str, amount: float, paid: float, answered: int) -> None:
        """A request for which an amount was set aside has ended and cost what was ``paid``."""
        # With nothing in flight the sum starts at zero again: differences of floats leave a rest.
        self._connection.execute(
            "UPDATE spending SET paid = paid + ?, answered = ?, in_flight = in_flight - 1, "
            "reserved = CASE WHEN in_flight > 1 THEN MAX(0, reserved - ?) ELSE 0 END WHERE run = ? AND pid = ?",
            (paid, answered, amount, run, process_name()),
        )

    def settle_all(self, run: str) -> None:
        """Count what this process has in flight as paid."""
        self._connection.execute(
            "UPDATE spending SET paid = paid + reserved, reserved = 0, in_flight = 0 WHERE run = ? AND pid = ?",
            (run, process_name()),
        )

    def answered(self, run: str) -> int:
        """Requests answered, as the processes of a run last reported."""
        row = self._connection.execute("SELECT SUM(answered) FROM spending WHERE run = ?", (run,)).fetchone()
        return row[0] or 0
