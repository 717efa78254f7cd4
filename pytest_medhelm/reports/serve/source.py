"""A suite as it stands now: read again only when its files have changed, without writing anything."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Literal, TypeVar, cast

from pytest_medhelm.gates.suite_outcome import paid_now
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.reports.html.browser import Slice, chunk, index
from pytest_medhelm.reports.html.embedding import as_script
from pytest_medhelm.reports.html.first_prompts import FirstPrompt, first_prompts
from pytest_medhelm.results.leaderboard.aggregate import SCHEMA, make_leaderboard, read_cells
from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.results.leaderboard.spending import with_payment
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import ConfigError, DataError, DataMissing
from pytest_medhelm.util.files import read_json
from pytest_medhelm.util.sqlite import Stamp, open_reading, reason, stamp, state

SILENCE = 120.0
"""Seconds without a new result after which a run that has not ended is no longer said to be in progress."""
BEGINNING = 5.0
"""Seconds within which a new suite.sqlite may still be without its tables."""
SHARE = 3
"""What was read is shown for this many times as long as reading took, although there is more by then: looking at a
large suite must not take the processor from the run that fills it."""
VERSIONS = 100
"""Indexes of the instance browser whose chunks can still be asked for."""
TRIES = 5
"""Times a suite is read whose files change meanwhile."""

Result = TypeVar("Result")
State = tuple[Stamp, ...]


@dataclass(frozen=True)
class Status:
    """How far a suite is."""

    progress: Literal["running", "finished", "stopped"]
    results: int
    """Records in the suite."""
    in_run: int
    """Those of the newest run."""
    tests: int
    """That the newest run collected; 0 where not known."""
    last_record: int
    """Grows with every record that is written."""
    changed: float
    """When the databases last changed, in seconds since 1970."""
    written: int
    """When the pages were last written, in nanoseconds since 1970."""


@dataclass(frozen=True)
class Chunks:
    """The index of the instance browser at a moment, and where its chunks are."""

    script: str
    version: str
    """The same where the chunks are the same."""
    slices: Mapping[str, Slice]


@dataclass(frozen=True)
class Board:
    """The leaderboard of a moment."""

    leaderboard: Leaderboard
    prompts: Mapping[str, FirstPrompt]
    """``first_prompts``."""
    status: Status


class NotYet(DataMissing):
    """A run has begun that has no result so far."""


class Source:
    """The suite in a folder; its methods may be called from any thread, and raise DataError when it is unreadable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._board = _Kept[Board]()
        self._status = _Kept[Status]()
        self._chunks = _Kept[Chunks]()
        self._slices: dict[str, Mapping[str, Slice]] = {}

    def status(self) -> Status:
        """How far the suite is."""
        status = self._status.get(self._state(), lambda: self.read(_status))
        if status.progress == "running" and time.time() - status.changed > SILENCE:
            return replace(status, progress="stopped")
        return status

    def board(self) -> Board:
        """The leaderboard: of a run that has ended the one it wrote, with its gates, else that of the records so far.

        The status with it is the one before it was read.
        """
        return self._board.get(self._state(), lambda: Board(*self.read(_board), self.status()), SHARE)

    def index(self) -> str:
        """The script that hands the index to the instance browser."""
        chunks = self._chunks.get(self._state(), lambda: self._index(self.board().leaderboard), SHARE)
        # A page that was opened before the suite grew goes on asking for the chunks of its own index.
        self._slices[chunks.version] = chunks.slices
        for oldest in list(self._slices)[:-VERSIONS]:
            del self._slices[oldest]
        return chunks.script

    def chunk(self, key: str, version: str) -> str | None:
        """The script that hands over the texts of a chunk of that index; None when there is no such chunk."""
        part = self._slices.get(version, {}).get(key)
        if part is None:
            return None
        return as_script(key, self.read(lambda suite, store: chunk(suite, store, part)))

    def _index(self, leaderboard: Leaderboard) -> Chunks:
        whole = self.read(lambda suite, store: index(suite, store, leaderboard))
        version = hashlib.sha256(repr(sorted(whole.slices.items())).encode("utf-8", "replace")).hexdigest()[:16]
        return Chunks(as_script("index", {**whole.data, "version": version}), version, whole.slices)

    def read(self, read: Callable[[Suite, ResponseStore], Result]) -> Result:
        """What a function finds in both databases."""
        for left in reversed(range(TRIES)):
            before = self._state()
            try:
                with _opened(self.folder) as (suite, store):
                    if not suite.newest_run():
                        raise _not_yet(self.folder)
                    result = read(suite, store)
            except ConfigError as error:  # a suite of a later version
                raise DataError(str(error)) from error
            except (OSError, sqlite3.Error) as error:
                if self._state() == before or not left:
                    if "no such table" in str(error) and _is_new(self.folder / "suite.sqlite"):
                        raise _not_yet(self.folder) from error
                    raise DataError(_unreadable(self.folder, error)) from error
            except (ValueError, LookupError):
                if self._state() == before or not left:
                    raise
            else:
                # What has a log is read as it was at one moment; without one the file may have changed under us.
                if before[1] or self._state() == before or not left:
                    return result
            time.sleep(0.05)
        raise AssertionError

    def _state(self) -> State:
        return *state(self.folder / "suite.sqlite"), stamp(self.folder / "manifest.json")


class _Kept(Generic[Result]):
    """What was read of files in a state; read once, whoever asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[State, Result] | None = None
        self._until = 0.0

    def get(self, now: State, read: Callable[[], Result], share: float = 0.0) -> Result:
        """Read it unless it is kept; an older one is good enough for ``share`` times as long as reading took."""
        with self._lock:
            if self._kept is None or (self._kept[0] != now and time.monotonic() >= self._until):
                started = time.monotonic()
                self._kept = now, read()
                self._until = time.monotonic() + share * (time.monotonic() - started)
            return self._kept[1]


def is_suite(folder: Path) -> bool:
    """Whether a folder holds a suite, or one whose first run has begun."""
    return any((folder / name).is_file() for name in ("suite.sqlite", "responses.sqlite"))


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[Suite, ResponseStore]]:
    if not is_suite(folder):
        raise DataMissing(f"the suite {folder} is not there any more: it was moved, renamed or deleted")
    if not (folder / "suite.sqlite").is_file():
        raise _not_yet(folder)
    with (
        closing(open_reading(folder / "suite.sqlite")) as records,
        closing(open_reading(folder / "responses.sqlite")) as texts,
    ):
        yield Suite(folder, records), ResponseStore(folder / "responses.sqlite", texts)


def _status(suite: Suite, store: ResponseStore) -> Status:
    manifest, written = read_json(suite.folder / "manifest.json"), stamp(suite.folder / "manifest.json")
    newest, last = suite.run(suite.newest_run()), suite.last_record()
    ended = (
        manifest.get("latest", {}).get("run") == (newest and newest["run"])
        and manifest.get("last_record", last) == last
    )
    whole, in_run = suite.sizes()
    times = [mark[2] for mark in state(suite.folder / "suite.sqlite") if mark]
    return Status(
        progress="finished" if ended else "running",
        results=whole,
        in_run=in_run,
        tests=newest.get("tests", 0) if newest else 0,
        last_record=last,
        changed=max(times, default=0) / 1e9,
        written=written[2] if written else 0,
    )


def _board(suite: Suite, store: ResponseStore) -> tuple[Leaderboard, dict[str, FirstPrompt]]:
    leaderboard = _leaderboard(suite, store)
    return leaderboard, first_prompts(suite, store, leaderboard)


def _leaderboard(suite: Suite, store: ResponseStore) -> Leaderboard:
    if _status(suite, store).progress == "finished":
        stored = read_json(suite.folder / "leaderboard.json")
        runs = stored.get("measurements", {}).get("runs") or [{}]
        if stored.get("schema") == SCHEMA and runs[-1].get("run") == suite.runs()[-1]["run"]:
            return cast(Leaderboard, stored)
    cells, measured, spent = read_cells(suite)
    newest = suite.run(suite.newest_run())
    payment = paid_now(store, newest) if newest else ("", None)
    return make_leaderboard(suite, cells, measured, with_payment(spent, *payment), ())


def _not_yet(folder: Path) -> NotYet:
    return NotYet(f"the suite {folder} has no result yet: its first run has begun")


def _is_new(file: Path) -> bool:
    mark = stamp(file)
    return mark is not None and time.time() - mark[2] / 1e9 < BEGINNING


def _unreadable(folder: Path, error: Exception) -> str:
    if "no such" in str(error):
        return f"the suite {folder} is of another version: type medhelm report {folder} once, which completes it"
    said = error.strerror if isinstance(error, OSError) else reason(error)
    return f"the suite {folder} cannot be read ({said}): it needs suite.sqlite and responses.sqlite of a run"
