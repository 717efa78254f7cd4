"""Stored suites in order of time, each under a name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pytest_medhelm.results.leaderboard.stored_results import Stored
from pytest_medhelm.util.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SuiteOfTrend:
    """One of several suites."""

    name: str
    """As it is shown: unlike that of every other one."""
    started: str
    """ISO 8601; empty where it is not known."""


def in_time(suites: Sequence[Stored]) -> tuple[Sequence[Stored], bool]:
    """The suites by when they were started, equal times as given, and True; as given, and False, if one has no time."""
    times = [_time(stored.started) for stored in suites]
    known = [time for time in times if time is not None]
    if len(known) < len(suites):
        return suites, False
    return [suites[index] for index in sorted(range(len(suites)), key=known.__getitem__)], True


def distinct_names(suites: Sequence[Stored]) -> list[str]:
    """Their own names; where two are alike, as of ``default`` from two jobs, as much of the paths as differs.

    Raises ConfigError when a suite is named twice.
    """
    names = [str(stored.name) for stored in suites]
    paths = [_absolute(stored.path) for stored in suites]
    if len(set(paths)) < len(paths):
        raise ConfigError("a suite is named twice: name each once")
    depth = 1
    while len(set(names)) < len(names):
        names = ["/".join(path.parts[-depth:]) for path in paths]
        depth += 1
    return names


def _absolute(path: Path) -> Path:
    """What a suite and its leaderboard.json have in common."""
    whole = path.resolve()
    return whole.parent if whole.name == "leaderboard.json" else whole


def _time(started: str) -> float | None:
    try:
        moment = datetime.fromisoformat(started)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
