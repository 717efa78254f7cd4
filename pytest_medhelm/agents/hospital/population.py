"""The frozen population, read once per process when it is first needed."""

from __future__ import annotations

import json
import lzma
from functools import cache

from pytest_medhelm.agents.hospital.generate import FILE, NOW
from pytest_medhelm.agents.hospital.state import Hospital, Population


@cache
def shared_population() -> Population:
    """The patients that all episodes share."""
    return Population(json.loads(lzma.decompress(FILE.read_bytes())))


def hospital() -> Hospital:
    """The hospital as each episode finds it, at its own time."""
    return Hospital(shared_population(), NOW)
