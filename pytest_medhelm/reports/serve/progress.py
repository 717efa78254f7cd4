"""How far a suite is, in words: what a served page shows at its top and asks for again."""

from __future__ import annotations

import time
from typing import TypedDict

from pytest_medhelm.reports.serve.source import NotYet, Source, Status
from pytest_medhelm.util.errors import DataError


class Progress(TypedDict):
    """The content of status.json."""

    progress: str
    """running, finished, stopped, or gone where there is nothing to show."""
    version: str
    """Differs when there is something else to show."""
    last_record: int
    """The difference of two is the number of results that were written in between."""
    mark: str
    text: str


class Served(Progress):
    """What a served page is told besides."""

    several: bool
    """There are other suites to go to."""


def progress(source: Source) -> Progress:
    """How far a suite is, also when it cannot be read."""
    try:
        return in_words(source.status())
    except DataError as error:
        return gone(error)


def in_words(status: Status) -> Progress:
    """How far a suite is that can be read."""
    of_run = f"{status.in_run:,}{f' of up to {status.tests:,}' if status.tests else ''} results"
    whole = f", {status.results:,} in the suite" if status.results != status.in_run else ""
    mark, text = {
        "running": ("In progress", f"{of_run} of this run{whole}"),
        "finished": ("Finished", f"{status.results:,} results"),
        "stopped": (
            "Not finished",
            f"{of_run} of the newest run{whole}; none for {_since(status.changed)}: "
            "it was interrupted, or waits for an answer",
        ),
    }[status.progress]
    # A run that falls silent shows nothing else, one that ends shows its gates.
    ended = status.written if status.progress == "finished" else 0
    return Progress(
        progress=status.progress,
        version=f"{status.last_record}-{ended}",
        last_record=status.last_record,
        mark=mark,
        text=text,
    )


def gone(error: DataError) -> Progress:
    """Where there is nothing to show."""
    mark = "Nothing yet" if isinstance(error, NotYet) else "Nothing to show"
    return Progress(progress="gone", version="gone", last_record=0, mark=mark, text=str(error))


def _since(then: float) -> str:
    minutes = max(0, round((time.time() - then) / 60))
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
