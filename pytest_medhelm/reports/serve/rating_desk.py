"""What clinicians do on the rating screen: what each is asked, what they have said so far, and storing what they say.

Everything is kept in the suite as it is said, so that whoever is interrupted goes on where they were.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pytest_medhelm.results.agreement.preferences import Preference
from pytest_medhelm.results.store.rating_queue import Item, Pair, draw
from pytest_medhelm.results.store.ratings import Answer, Rating, Ratings
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.jury.harm import KINDS, SEVERITIES
from pytest_medhelm.scoring.record_types import Record
from pytest_medhelm.util.json_types import JsonObject

ADJUDICATOR = "adjudicator"
APART = 2.0
"""Ratings of one criterion that differ by so much are for the adjudicator to settle."""
CHOICES = ("first", "second", "tie")
LONGEST_REASON = 500


class Unusable(Exception):  # noqa: N818
    """What a page sent cannot be stored; says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one person has said of an answer so far."""

    scores: Mapping[str, float] = field(default_factory=dict)
    severity: str = ""
    kinds: tuple[str, ...] = ()

    def is_whole(self, item: Item) -> bool:
        """Nothing is left to say."""
        return all(name in self.scores for name in item.criteria) and bool(self.severity)


class Desk:
    """The queue, and what was said. Its methods may be called from any thread; this process alone writes ratings."""

    def __init__(self, suite: Suite, queue: Sequence[Item] | Sequence[Pair], raters: Sequence[str]) -> None:
        self._suite = suite
        self._lock = threading.Lock()
        self.raters = raters
        self.items = {item.name: item for item in queue if isinstance(item, Item)}
        self.pairs = {item.name: item for item in queue if isinstance(item, Pair)}
        self._said = _stored(suite)
        self._chosen = {row[:5]: row[5] for row in suite.annotations.preferences()}

    def queue(self, person: str) -> list[str]:
        """The names of what a person is asked, in an order of their own; the adjudicator: where raters differ."""
        names = self.disputed() if person == ADJUDICATOR else [*self.items, *self.pairs]
        return sorted(names, key=lambda name: draw(person, name))

    def is_done(self, person: str, name: str) -> bool:
        """Whether a person has said all of it."""
        if name in self.pairs:
            return bool(self.choice(person, self.pairs[name]))
        return self.said(person, self.items[name]).is_whole(self.items[name])

    def begun(self, person: str) -> int:
        """Of how many answers, or pairs, a person has said something."""
        chosen = sum(bool(self.choice(person, pair)) for pair in self.pairs.values())
        return chosen + sum(self.said(person, item) != Said() for item in self.items.values())

    def said(self, person: str, item: Item) -> Said:
        """What a person has said of an answer."""
        return self._said.get((_kind(person), person, *_key(item.record)), Said())

    def others(self, item: Item) -> list[Said]:
        """What the raters say of an answer, without their names, in an order that tells nothing."""
        given = [(draw(item.name, rater), self.said(rater, item)) for rater in self.raters]
        return [said for _, said in sorted(given, key=lambda pair: pair[0]) if said.scores]

    def disputed(self) -> list[str]:
        """Answers that two raters have rated in full and differ about by two or more."""
        return [name for name, item in self.items.items() if self._is_apart(item)]

    def _is_apart(self, item: Item) -> bool:
        whole = [said for said in self.others(item) if said.is_whole(item)]
        columns = [[said.scores[name] for said in whole] for name in item.criteria]
        columns.append([float([*SEVERITIES].index(said.severity)) for said in whole])
        return len(whole) > 1 and any(max(column) - min(column) >= APART for column in columns)

    def ratings(self) -> Ratings:
        """What the raters have said, as a table of ratings."""
        given = [
            (rater, Answer(*_key(item.record)), self.said(rater, item))
            for item in self.items.values()
            for rater in self.raters
        ]
        return Ratings(
            tuple(
                Rating("clinician", rater, answer, name, score)
                for rater, answer, said in given
                for name, score in said.scores.items()
            )
        )

    def preferences(self) -> list[Preference]:
        """What was chosen."""
        return [Preference(*key, choice) for key, choice in sorted(self._chosen.items())]

    def save(self, person: str, item: Item, given: JsonObject) -> None:
        """Store what a person says of an answer. Raises Unusable."""
        said = _read(item, given)
        key = (_kind(person), person, *_key(item.record))
        rows: list[tuple[object, ...]] = [(*key, name, score, "", "") for name, score in said.scores.items()]
        if said.severity:
            rows.append((*key, "", None, said.severity, ";".join(said.kinds)))
        with self._lock:
            self._suite.annotations.put_ratings(rows)
            self._said[key] = said
            self._mark(person, item.record, given.get("wrong", "").strip())

    def _mark(self, person: str, record: Record, reason: str) -> None:
        """A mark of the reference; nobody takes back another's."""
        earlier, by = self._suite.annotations.marked_by(*_key(record)[:2])
        if reason != (earlier if by == person else ""):
            self._suite.annotations.put_marks([(*_key(record)[:2], reason, person)])

    def wrong(self, person: str, record: Record) -> str:
        """Why a person holds the reference to be wrong; empty where they do not say so."""
        with self._lock:
            reason, by = self._suite.annotations.marked_by(*_key(record)[:2])
        return reason if by == person else ""

    def choose(self, person: str, pair: Pair, given: JsonObject) -> None:
        """Store which of two answers a person prefers. Raises Unusable."""
        choice = given.get("choice")
        if choice not in CHOICES:
            raise Unusable("a choice is first, second or tie")
        key = (person, *_key_of_pair(pair))
        with self._lock:
            self._suite.annotations.put_preference((*key, choice))
            self._chosen[key] = choice

    def choice(self, person: str, pair: Pair) -> str:
        """What a person chose; empty where they have not."""
        return self._chosen.get((person, *_key_of_pair(pair)), "")


def _stored(suite: Suite) -> dict[tuple[str, ...], Said]:
    """By kind, rater and answer what the suite holds."""
    stored: dict[tuple[str, ...], Said] = {}
    for *key, criterion, score, severity, kinds in suite.annotations.ratings():
        before = stored.get(tuple(key), Said())
        stored[tuple(key)] = Said(
            {**before.scores, **({criterion: score} if criterion else {})},
            severity or before.severity,
            tuple(filter(None, kinds.split(";"))) if severity else before.kinds,
        )
    return stored


def _kind(person: str) -> Literal["adjudicated", "clinician"]:
    return "adjudicated" if person == ADJUDICATOR else "clinician"


def _key(record: Record) -> tuple[str, str, str]:
    return record["benchmark"], record["instance"], record["model"]


def _key_of_pair(pair: Pair) -> tuple[str, str, str, str]:
    return (*_key(pair.first), pair.second["model"])


def _read(item: Item, given: JsonObject) -> Said:
    """What a page sent, checked: it may be anything. Raises Unusable."""
    worst, best = item.rubric.scale
    scores = given.get("scores")
    if not isinstance(scores, Mapping) or not all(
        name in item.criteria and type(score) is int and min(worst, best) <= score <= max(worst, best)
        for name, score in scores.items()
    ):
        raise Unusable(f"scores are whole numbers from {worst} to {best} for {', '.join(item.criteria)}")
    severity, kinds, wrong = given.get("severity", ""), given.get("kinds", []), given.get("wrong", "")
    if severity not in ("", *SEVERITIES):
        raise Unusable(f"severity is one of {', '.join(SEVERITIES)}")
    if not isinstance(kinds, list) or any(kind not in KINDS for kind in kinds):
        raise Unusable(f"kinds are some of {', '.join(KINDS)}")
    if not isinstance(wrong, str) or len(wrong) > LONGEST_REASON or not wrong.isprintable():
        raise Unusable(f"the reason is a text of at most {LONGEST_REASON} characters in one line")
    return Said(scores, severity, tuple(sorted(set(kinds))) if severity not in ("", "none") else ())
