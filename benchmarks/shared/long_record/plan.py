"""What a record holds, known without its text: who, from when to when, and which facts at which depths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from random import Random

from pytest_medhelm import digest, read_json

from .documents import FIRST, LAST, Patient
from .facts import DEPTHS, Fact, plant

TOKEN = 4
"""Characters."""
LENGTHS = {"2k": 2_000, "8k": 8_000, "32k": 32_000, "128k": 128_000, "512k": 512_000, "1m": 1_000_000}
"""Tokens by name."""
YEARS = {"2k": 2, "8k": 4, "32k": 8, "128k": 15, "512k": 22, "1m": 28}
"""That a record spans."""
MOST_RECORDS = 1000
LAST_DAY = date(2024, 6, 30)
"""On which all records end."""


@dataclass(frozen=True)
class Plan:
    """One record."""

    seed: int
    length: str
    """A name of LENGTHS."""
    number: int
    """From 0, among the records of this length."""

    @property
    def name(self) -> str:
        """Unique among the records of a seed, e.g. "8k-3"."""
        return f"{self.length}-{self.number + 1}"

    @property
    def characters(self) -> int:
        """How long its text is at most; it is at least 95 % of that."""
        return LENGTHS[self.length] * TOKEN

    def random(self, what: str) -> Random:
        """Random numbers for one purpose, the same in every run."""
        return Random(f"long_record {self.seed} {self.length} {self.number} {what}")

    @cached_property
    def patient(self) -> Patient:
        """An invented person."""
        random = self.random("patient")
        born = date(1938, 1, 1) + timedelta(days=random.randint(0, 9000))
        return Patient(f"{random.choice(FIRST)} {random.choice(LAST)}", born, f"{random.randint(10**6, 10**7 - 1)}")

    @property
    def days(self) -> int:
        """From the first document to the last."""
        return 365 * YEARS[self.length]

    def day(self, share: float) -> date:
        """The date that is reached at a share of the record."""
        return LAST_DAY - timedelta(days=round(self.days * (1 - share)))

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """The planted facts in the order of their depths, each with the number of its decisive document."""
        found = plant(self.random("facts"), self.number, {depth: self.day(depth / 100) for depth in DEPTHS})
        return tuple(replace(fact, values={**fact.values, "doc": self.document(fact.kind)}) for fact in found)

    def document(self, what: object) -> str:
        """The number of a document: of a fact's kind, or of a place. It says nothing of where the document stands."""
        return f"DOC-{digest(str(self.seed), self.name, str(what))[:8].upper()}"

    def share(self, day: date) -> float:
        """The share of the record that is reached on a date."""
        return 1 - (LAST_DAY - day).days / self.days


def plans(path: Path) -> Iterator[Plan]:
    """The records that a file asks for: a list of {"length": "2k", "records": 5, "seed": 1}. Raises DataError."""
    for row in read_json(path):
        length, count, seed = row.text("length"), row.take("records", int), row.take("seed", int)
        if length not in LENGTHS or not 0 < count <= MOST_RECORDS:
            raise row.error(f"length is one of {', '.join(LENGTHS)}, and records a number up to {MOST_RECORDS}")
        for number in range(count):
            yield Plan(seed, length, number)
