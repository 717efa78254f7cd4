"""The verdicts on one cell's answers, column by column."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from pytest_medhelm.scoring.record_types import HarmMark, Record, VerdictRecord

NO_ITEMS = (0, 0)
"""One object for all instances without verdicts on criteria with points."""
Ratings = Mapping[str, tuple[float, ...]]
"""Judge -> a score for each criterion, or one value where judges name a class."""


@dataclass
class JudgeCounts:
    """What one judge of a cell did."""

    served: str = ""
    asked: int = 0
    failed: int = 0
    repaired: int = 0
    within: list[float] = field(default_factory=list)
    """The variance of the mean score of an answer that was rated several times."""


@dataclass
class JuryColumns:
    """The verdicts of one cell, one entry per instance."""

    criteria: tuple[str, ...] = ()
    ratings: list[Ratings | None] = field(default_factory=list)
    """The usable verdicts; None where no judge was asked."""
    items: list[tuple[int, int]] = field(default_factory=list)
    """Verdicts on criteria with points that were asked for, and those that are missing."""
    harm: list[HarmMark | None] = field(default_factory=list)
    flags: Counter[str] = field(default_factory=Counter)
    flagged: int = 0
    judges: dict[str, JudgeCounts] = field(default_factory=dict)

    def add(self, repeats: Sequence[Record]) -> None:
        """Read the records of one instance; scores are averaged over them."""
        first = repeats[0]
        names = [name for name in first["scores"] if name.startswith("jury_") and name != "jury_helm"]
        if names and not self.criteria:
            self.criteria = tuple(sys.intern(name.removeprefix("jury_")) for name in names)
        flags = {flag for record in repeats for flag in record.get("flags", ())}
        if flags:
            self.flags.update(flags)
            self.flagged += 1
        self.harm.append(first.get("harm"))
        verdicts = [verdict for record in repeats for verdict in record["verdicts"]]
        given: dict[str, list[tuple[float, ...]]] = {}
        met: list[bool | None] = []
        for verdict in verdicts:
            judge = sys.intern(verdict["judge"])
            counts = self.judges.setdefault(judge, JudgeCounts())
            counts.served = verdict.get("served", "") or counts.served
            counts.asked += 1
            met += [value for repeat in verdict.get("items", ()) for _, value in repeat]
            counts.repaired += verdict.get("repaired", 0)
            if verdict["status"] == "ok" and verdict["scores"]:
                given.setdefault(judge, []).append(self._row(verdict["scores"]))
                counts.within += _within(verdict)
            else:
                counts.failed += 1
        self.items.append((len(met), met.count(None)) if met else NO_ITEMS)
        merged = {judge: tuple(map(fmean, zip(*rows, strict=True))) for judge, rows in given.items()}
        self.ratings.append(merged if verdicts else None)

    def only(self, rows: Sequence[int]) -> JuryColumns:
        """The verdicts on some instances, by their positions."""
        return replace(
            self,
            ratings=[self.ratings[row] for row in rows] if self.ratings else [],
            items=[self.items[row] for row in rows] if self.items else [],
            harm=[self.harm[row] for row in rows] if self.harm else [],
        )

    def _row(self, scores: Mapping[str, float]) -> tuple[float, ...]:
        if not self.criteria and len(scores) > 1:
            # no answer before this one was rated by all judges
            self.criteria = tuple(map(sys.intern, scores))
        if self.criteria:
            return tuple(scores[name] for name in self.criteria)
        return (fmean(scores.values()),)

    def column(self, metric: str) -> int | None:
        """Which of the criteria a metric is; None for the mean of all."""
        name = metric.removeprefix("jury_")
        return self.criteria.index(name) if metric != "jury" and name in self.criteria else None

    def is_jury_metric(self, name: str) -> bool:
        """``jury`` or one of its criteria, where judges were asked."""
        return bool(self.judges) and (name == "jury" or name.removeprefix("jury_") in self.criteria)


def _within(verdict: VerdictRecord) -> list[float]:
    """The variance of the mean score over repeated ratings, if there are at least two."""
    means = [fmean(repeat["scores"].values()) for repeat in verdict.get("repeats", ()) if repeat["scores"]]
    mean = fmean(means) if means else 0.0
    return [sum((value - mean) ** 2 for value in means) / (len(means) - 1)] if len(means) > 1 else []


def score(row: tuple[float, ...], column: int | None) -> float:
    """A judge's score of one criterion, or the mean of all."""
    return fmean(row) if column is None else row[column]
