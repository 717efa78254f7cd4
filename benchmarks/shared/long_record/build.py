"""The text of a record: everyday documents up to each depth, then the document that holds the fact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from .documents import (
    DOCTORS,
    EVERYDAY,
    WEIGHTS,
    Patient,
    decisive,
    earlier,
    header,
    nursing_note,
    other_patient,
)

if TYPE_CHECKING:
    from .plan import Plan

SHORTEST = 180
"""Characters: where less is left before a depth no document fits any more."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A document about a fact, to stand at a share of the record."""

    share: float
    day: date
    kind: str
    text: str
    patient: Patient
    number: str


@lru_cache(maxsize=2)
def record_text(plan: Plan) -> str:
    """The whole record, at most ``plan.characters`` long.

    The last two are kept: requests about one record are asked next to each other.
    """
    return "\n".join(documents(plan))


def documents(plan: Plan) -> Iterator[str]:
    """The documents from the oldest to the newest."""
    random, total = plan.random("text"), plan.characters
    place = length = 0
    for planted in sorted(_planted(plan), key=lambda entry: entry.share):
        body = header(planted.number, planted.day, planted.kind, planted.patient, random.choice(DOCTORS)) + planted.text
        for text in _filling(plan, random, place, length, int(total * planted.share)):
            place, length = place + 1, length + len(text) + 1
            yield text
        length += len(body) + 1
        yield body
    yield from _filling(plan, random, place, length, total)


def _filling(plan: Plan, random: Random, place: int, length: int, reach: int) -> Iterator[str]:
    """Everyday documents until no more fits; the shortest kind where few characters are left."""
    while (room := reach - length) >= SHORTEST:
        day = plan.day(min(1.0, length / plan.characters))
        kind, write, _ = random.choices(EVERYDAY, WEIGHTS)[0]
        top = header(plan.document(place), day, kind, plan.patient, random.choice(DOCTORS))
        text = top + write(random)
        if len(text) > room:
            text = top.replace(kind, "Nursing note") + nursing_note(random)
        place, length = place + 1, length + len(text) + 1
        yield text


def _planted(plan: Plan) -> Iterator[Planted]:
    for fact in plan.facts:
        before = earlier(fact)
        if before is not None:
            day, kind, text = before
            yield Planted(plan.share(day), day, kind, text, plan.patient, plan.document(f"before {fact.kind}"))
        kind, text = decisive(fact)
        day = date.fromisoformat(fact.values["date"])
        yield Planted(fact.depth / 100, day, kind, text, other_patient(fact, plan.patient), fact.values["doc"])
