"""The frozen population, read once per process when it is first needed."""

from __future__ import annotations

import datetime as dt
import json
import lzma
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from pytest_medhelm.agents.hospital.elements import Resource
from pytest_medhelm.agents.hospital.state import Hospital, Population

FILE = Path(__file__).with_name("population.json.xz")
NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
"""The hospital's clock when an episode begins: a Monday morning."""
Chart = Hospital
"""What a benchmark calls the state that its checks look at."""


@cache
def shared_population() -> Population:
    """The patients that all episodes share."""
    return Population(json.loads(lzma.decompress(FILE.read_bytes())))


def hospital() -> Hospital:
    """The hospital as each episode finds it, at its own time."""
    return Hospital(shared_population(), NOW)


def given_chart(resources: Iterable[Resource], now: dt.datetime) -> Hospital:
    """A hospital of these resources alone, at a time of its own."""
    return Hospital(Population(resources), now)
