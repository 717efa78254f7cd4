"""Gate rules as a matrix of rules x models, and why what did not pass did not."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from pytest_medhelm.results.leaderboard.gate_entry import GateEntry

if TYPE_CHECKING:
    from pytest_medhelm.gates.verdict import Verdict

FROM_BAD_TO_GOOD: tuple[Verdict, ...] = ("fail", "not evaluated", "inconclusive", "pass")
MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "not evaluated": "○"}
"""A shape for each verdict, beside its word."""


class Square(NamedTuple):
    """A rule for a model: the worst verdict over its benchmarks, and all of them."""

    verdict: Verdict
    entries: Sequence[GateEntry]

    @property
    def alike(self) -> int:
        """Benchmarks with that verdict."""
        return sum(entry["verdict"] == self.verdict for entry in self.entries)


class Why(NamedTuple):
    """One reason, for all the results that have it."""

    verdict: Verdict
    reason: str
    remedy: str
    """What every one of them says after that reason; empty where they differ."""
    rules: int
    models: int
    results: int


def squares(gates: Sequence[GateEntry]) -> dict[tuple[str, str], Square]:
    """By (rule, model), rules in their order."""
    judged: dict[tuple[str, str], list[GateEntry]] = defaultdict(list)
    for entry in gates:
        judged[entry["rule"], entry["model"]].append(entry)
    return {key: Square(_worst(entries), entries) for key, entries in judged.items()}


def verdict_of(gates: Sequence[GateEntry], model: str) -> dict[Verdict, int] | None:
    """How many rules come to which verdict for a model, the worst first; None where no rule was judged for it."""
    verdicts = [square.verdict for (_, name), square in squares(gates).items() if name == model]
    return (
        {verdict: verdicts.count(verdict) for verdict in FROM_BAD_TO_GOOD if verdict in verdicts} if verdicts else None
    )


def reasons(gates: Sequence[GateEntry]) -> list[Why]:
    """Each reason once, those of a fail first."""
    by_reason: dict[tuple[Verdict, str], list[GateEntry]] = defaultdict(list)
    for entry in gates:
        if entry["verdict"] != "pass":
            by_reason[entry["verdict"], _kind(entry["reason"])].append(entry)
    rows = []
    for (verdict, reason), entries in by_reason.items():
        remedies = {entry["reason"].partition(": ")[2] for entry in entries}
        remedy = remedies.pop() if len(remedies) == 1 else ""
        rules, models = ({entry[key] for entry in entries} for key in ("rule", "model"))
        rows.append(Why(verdict, reason, remedy, len(rules), len(models), len(entries)))
    return sorted(rows, key=lambda row: (FROM_BAD_TO_GOOD.index(row.verdict), -row.results))


def _worst(entries: Sequence[GateEntry]) -> Verdict:
    return min((entry["verdict"] for entry in entries), key=FROM_BAD_TO_GOOD.index)


def _kind(reason: str) -> str:
    """A reason without what is particular to one result: figures, and what follows a colon, comma or semicolon."""
    return re.sub(r"\s+", " ", re.sub(r"\d[\d.,]*", "…", re.split(r"[:;,] ", reason)[0])).strip()
