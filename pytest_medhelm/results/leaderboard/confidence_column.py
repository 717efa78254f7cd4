"""How sure a model was of each answer of a cell, one column for each kind of confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_medhelm.results.stats.repeats import most_said
from pytest_medhelm.scoring.record_types import Record

Answer = tuple[float | None, float | None]
"""Confidence, and whether the answer is right (1) or not (0); None: not known."""
AGREEMENT = "agreement"
RIGHT = "exact_match"
"""The score that says whether the chosen option is the right one."""


@dataclass
class ConfidenceColumn:
    """One entry per instance: of its first answer, or of the one that its repeats agree on most.

    Repeats are no further answers: each figure is of these alone, and what repeats differ by is shown apart.
    """

    entries: list[Answer] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why confidences are missing."""

    @property
    def why(self) -> str:
        """Why confidences are missing, in brackets; empty where that is not known, or none is."""
        return f" ({'; '.join(sorted(self.reasons))})" if self.reasons else ""

    def only(self, rows: Sequence[int]) -> ConfidenceColumn:
        """Some instances; why theirs are missing is not known apart."""
        return ConfidenceColumn([self.entries[row] for row in rows])


class Said(NamedTuple):
    """What a record says of the confidence in its answer."""

    kind: str
    """Empty: it was not asked for."""
    value: float | None
    reason: str
    right: float | None
    """1 where the answer is right, 0 where it is not."""
    letter: str
    """The option that was read."""
    status: str


def said_of(record: Record) -> Said:
    """All that is kept of a record."""
    right, letter, status = record["scores"].get(RIGHT), record.get("read", ""), record["status"]
    confidence = record.get("confidence")
    if confidence is None:
        return Said("", None, "", right, letter, status)
    return Said(confidence["kind"], confidence["value"], confidence["reason"], right, letter, status)


def read_confidences(groups: Sequence[Sequence[Said]]) -> dict[str, ConfidenceColumn]:
    """The columns of a cell by kind, from the records of each instance; empty where no confidence was asked for.

    An instance whose request failed, or whose answer names no option, has none: it is missing, and never a number.
    """
    kinds = sorted({said.kind for group in groups for said in group} - {""})
    columns = {kind: _of_kind(kind, groups) for kind in kinds}
    if any(len(group) > 1 and said.letter and said.right is not None for group in groups for said in group):
        columns[AGREEMENT] = _of_agreement(groups)
    return columns


def _of_kind(kind: str, groups: Sequence[Sequence[Said]]) -> ConfidenceColumn:
    column = ConfidenceColumn()
    for group in groups:
        first = group[0]
        value = first.value if first.kind == kind and first.right is not None else None
        column.entries.append((value, first.right))
        if value is None:
            column.reasons[_reason(first, kind)] += 1
    return column


def _reason(said: Said, kind: str) -> str:
    if said.kind == kind:
        return said.reason or "the answer was not scored"
    return "it was not asked for" if said.status == "ok" else f"no answer ({said.status})"


def _of_agreement(groups: Sequence[Sequence[Said]]) -> ConfidenceColumn:
    column = ConfidenceColumn([*map(_agreed, groups)])
    for group, (confidence, _) in zip(groups, column.entries, strict=True):
        if confidence is None:
            column.reasons[_why_none_agree(group)] += 1
    return column


def _why_none_agree(group: Sequence[Said]) -> str:
    if len(group) < 2:
        return "it was asked once"
    return "an answer was lost" if any(said.right is None for said in group) else "most answers name no option"


def _agreed(group: Sequence[Said]) -> Answer:
    """The share of repeats that chose the option most of them chose, and whether that one is right.

    That is ``most_said``, as of majority_vote. An answer that was lost may have agreed or not: there is no share then.
    """
    read = [said.letter if said.status == "ok" else "" for said in group]
    chosen = most_said(read)
    right = group[read.index(chosen)].right
    is_known = len(group) > 1 and bool(chosen) and all(said.right is not None for said in group)
    return (read.count(chosen) / len(group) if is_known else None), right
