"""Tokens and money: what the records of a cell, and of a suite, have used; the model's and the judges' apart.

A request that several records share (equal prompts, equal answers before one judge) counts once.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from pytest_medhelm.models.price import Price
from pytest_medhelm.results.leaderboard.document import PartiesSpent, Spent, SuiteSpending
from pytest_medhelm.scoring.record_types import Record, VerdictRecord


class Party:
    """What one model, or one judge, has used."""

    def __init__(self) -> None:
        self.tokens: Counter[str] = Counter()
        self._counted: set[int] = set()
        """Requests."""
        self._amounts: dict[int, tuple[float | None, float]] = {}
        """By request of which it is known: what it cost, and what the newest run paid of that."""

    def add(self, request: str, usage: Mapping[str, int], cost: float | None, paid: float) -> None:
        """Count a request, unless it was counted before."""
        key = hash(request)
        if key not in self._counted:
            self._counted.add(key)
            self.tokens.update(usage)
        if paid or cost is not None:
            earlier = self._amounts.get(key, (None, 0.0))
            self._amounts[key] = (cost if earlier[0] is None else earlier[0], max(paid, earlier[1]))

    def summary(self) -> Spent:
        """Requests, tokens, and money.

        ``cost`` is None where nothing is known; ``unknown`` counts the requests whose cost is not. ``paid_now`` is
        what the newest run paid, ``stored`` what earlier ones did.
        """
        return _summary([self])


def _summary(parties: Collection[Party]) -> Spent:
    tokens: Counter[str] = Counter()
    for party in parties:
        tokens.update(party.tokens)
    requests = sum(len(party._counted) for party in parties)
    amounts = [amount for party in parties for amount in party._amounts.values()]
    known = [cost for cost, _ in amounts if cost is not None]
    cost = math.fsum(known) if known else None
    paid = None if cost is None else math.fsum(paid for _, paid in amounts)
    return {
        "requests": requests,
        "tokens": dict(sorted(tokens.items())),
        "cost": cost,
        "paid_now": paid,
        "stored": None if cost is None or paid is None else max(0.0, cost - paid),
        "unknown": requests - len(known),
    }


class Spending:
    """What the models and the judges of some records have used."""

    def __init__(self, newest: int = 0, whole: Spending | None = None) -> None:
        """``newest`` is the number of the run that counts as now; ``whole`` is told everything, too."""
        self._newest = newest
        self._whole = whole
        self.models: defaultdict[str, Party] = defaultdict(Party)
        self.judges: defaultdict[str, Party] = defaultdict(Party)

    def add(self, record: Record) -> None:
        """Count the request of a record, and those of its verdicts."""
        now = record.get("run", 0) == self._newest
        if record.get("request") and record["status"] != "request_error":
            _count(self.models[record["model"]], record, now)
        for verdict in record.get("verdicts", ()):
            if verdict["usage"] or verdict["latency"]:  # Else the judge gave no answer at all.
                _count(self.judges[verdict["judge"]], verdict, now)
        if self._whole is not None:
            self._whole.add(record)

    def of_models(self) -> Spent:
        """All models together."""
        return _summary(self.models.values())

    def of_judges(self) -> Spent:
        """All judges together."""
        return _summary(self.judges.values())

    def as_json(self, *, without: Collection[str] = ()) -> PartiesSpent:
        """Each model and each judge by name; models that ask nobody (``without``) stand aside."""
        return {
            "models": {name: party.summary() for name, party in sorted(self.models.items()) if name not in without},
            "judges": {name: party.summary() for name, party in sorted(self.judges.items())},
        }


def _count(party: Party, asked: Record | VerdictRecord, now: bool) -> None:
    """Of a record or a verdict; one written before there were costs has none."""
    paid = (asked.get("paid") or 0.0) if now else 0.0
    party.add(asked["request"], asked["usage"], asked.get("cost"), paid)


def paid_by(usages: Iterable[tuple[str, Mapping[str, int]]], prices: Mapping[str, Mapping[str, float]]) -> float | None:
    """What responses (model name, token counts) cost together; None without prices.

    Unlike the records it counts also what was asked for a test that did not come to its end.
    """
    if not prices:
        return None
    known = {name: Price(**table) for name, table in prices.items()}
    return math.fsum(known[name].cost(usage) or 0.0 for name, usage in usages if name in known)


def with_payment(spent: PartiesSpent, currency: str, paid_now: float | None) -> SuiteSpending:
    """What models and judges have used, with the currency and what the newest run paid."""
    return {**spent, "currency": currency, "paid_now": paid_now}


def money(amount: float) -> str:
    """An amount with two decimals, or as many as its first two digits need."""
    decimals = 2 if amount == 0 else max(2, 1 - math.floor(math.log10(abs(amount))))
    return f"{amount:.{min(decimals, 6)}f}"
