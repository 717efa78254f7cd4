"""suite.sqlite: the records of a suite, written by the controller only.

Records of several models, runs and invocations add up; a record replaces an older one of the same identity.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import Any

from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.results.store.annotation_tables import AnnotationTables
from pytest_medhelm.results.store.run_manifest import StoredManifest
from pytest_medhelm.results.store.stored_record import read_record
from pytest_medhelm.results.store.suite_tables import COLUMNS, SCHEMA, as_row, check_tables
from pytest_medhelm.scoring.record import Record
from pytest_medhelm.scoring.record_types import FingerprintInputs
from pytest_medhelm.tasks.metadata import METADATA_DEFAULTS, BenchmarkMetadata
from pytest_medhelm.util.errors import ConfigError, StoreFailed
from pytest_medhelm.util.sqlite import close_whole, of_one_moment, open_private, stamp, unusable

BATCH = 500
"""Records held back before they are committed; lost ones are rebuilt from stored responses without asking."""
SECONDS_HELD_BACK = 1.0
"""After these the next record commits those before it too, so that who looks on sees a slow run grow."""


class Suite:
    """An open suite.sqlite."""

    def __init__(self, folder: Path, connection: sqlite3.Connection | None = None) -> None:
        """Open or make it; a ``connection`` that only reads (util.sqlite) is used as it is.

        Raises ConfigError for a file of a later version.
        """
        self.folder = folder
        self._connection = connection or open_private(folder / "suite.sqlite", SCHEMA)
        SCHEMA.refuse_newer(self._connection)
        self.annotations = AnnotationTables(self._connection)
        self._inode = (stamp(folder / "suite.sqlite") or (0,))[0]
        self._committed = 0.0
        self.before_commit: Callable[[], None] = lambda: None
        """Writes what records refer to: a session that is killed leaves none without its texts."""
        self._pending: list[tuple[Any, ...]] = []
        self._run = 0

    def begin(self, run: str, manifest: StoredManifest, models: Mapping[str, ModelMetadata]) -> None:
        """Start a run: records added from now on belong to it. Raises StoreFailed."""
        self._write("INSERT INTO runs(id, manifest) VALUES (?, ?)", (run, json.dumps(manifest)))
        self._run = self._connection.execute("SELECT number FROM runs WHERE id = ?", (run,)).fetchone()[0]
        for name, metadata in models.items():
            self._connection.execute("INSERT OR REPLACE INTO models VALUES (?, ?)", (name, json.dumps(metadata)))

    def add(self, record: Record) -> None:
        """Add a record; what describes its benchmark and its settings, if it carries that, is stored once."""
        metadata = record.pop("benchmark_metadata", None)
        if metadata is not None:
            self._write(
                "INSERT OR REPLACE INTO benchmarks VALUES (?, ?, ?)",
                (record["benchmark"], record["eval_set_hash"], json.dumps(metadata)),
            )
        made_with = record.pop("fingerprint_inputs", None)
        if made_with is not None:
            self._write(
                "INSERT OR REPLACE INTO fingerprints VALUES (?, ?)", (record["fingerprint"], json.dumps(made_with))
            )
        self._pending.append(as_row(record, self._run))
        if len(self._pending) >= BATCH or time.monotonic() - self._committed >= SECONDS_HELD_BACK:
            self.commit()

    def check(self) -> None:
        """Raise sqlite3.DatabaseError when the file is damaged or has other tables than a suite, ValueError when a text
        in it is no JSON, or a record holds what it cannot."""
        check_tables(self._connection)

    def _write(self, statement: str, row: tuple[Any, ...]) -> None:
        try:
            self._connection.execute(statement, row)
        except sqlite3.Error as error:
            raise StoreFailed(unusable(self.folder / "suite.sqlite", error)) from None

    def commit(self) -> None:
        """Write what is held back. Raises StoreFailed when that is impossible; it is then still held back."""
        try:
            self._require_same_file()
            if self._pending:
                self.before_commit()
                with self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    self._connection.executemany(
                        f"INSERT OR REPLACE INTO records VALUES ({','.join('?' * 10)})", self._pending
                    )
                self._pending.clear()
        except sqlite3.Error as error:
            raise StoreFailed(unusable(self.folder / "suite.sqlite", error)) from None
        self._committed = time.monotonic()

    def _require_same_file(self) -> None:
        """What is written to a file that was deleted or replaced is lost without any error of SQLite's."""
        inode_and_time = stamp(self.folder / "suite.sqlite")
        if inode_and_time is None or inode_and_time[0] != self._inode:
            raise StoreFailed(
                f"{self.folder} was deleted, moved or replaced during the run: put it back, or type the same command "
                "to begin a new one"
            )

    def cells(self) -> list[tuple[str, str]]:
        """(benchmark, model) pairs that have records, sorted."""
        return list(self._connection.execute("SELECT DISTINCT benchmark, model FROM records ORDER BY 1, 2"))

    def newest(self, benchmark: str, model: str) -> tuple[str, str]:
        """Evaluation set and settings of a cell's newest record."""
        evaluation, settings = self._connection.execute(
            "SELECT eval_set_hash, fingerprint FROM records WHERE benchmark = ? AND model = ? "
            "ORDER BY run DESC, rowid DESC LIMIT 1",
            (benchmark, model),
        ).fetchone()
        return evaluation, settings

    def reading(self) -> AbstractContextManager[None]:
        """All that is read within is of one moment."""
        return of_one_moment(self._connection)

    def instances(self, benchmark: str, cells: Mapping[str, tuple[str, str]]) -> list[str]:
        """The ids of a benchmark's instances, sorted; ``cells``: by model what its records were made with."""
        sql = "SELECT instance FROM records WHERE benchmark = ? AND model = ? AND eval_set_hash = ? AND fingerprint = ?"
        rows = (self._connection.execute(sql, (benchmark, model, *made_with)) for model, made_with in cells.items())
        return sorted({instance for (instance,) in chain.from_iterable(rows)})

    def records(
        self,
        benchmark: str,
        model: str,
        made_with: tuple[str, str] | None = None,
        between: tuple[str, str] | None = None,
    ) -> Iterator[Record]:
        """The records of a cell that belong together, by instance id, one at a time.

        That are those with the evaluation set and the settings of the cell's newest record: what an earlier run
        left behind under another limit, prompt or token budget is not mixed in. Who reads a cell in parts, each
        ``between`` two instances, looks for these once (``newest``) and hands them in.
        """
        part = "" if between is None else "AND instance BETWEEN ? AND ? "
        rows = self._connection.execute(
            f"SELECT {', '.join(COLUMNS)}, run, record FROM records WHERE benchmark = ? AND model = ? {part}"
            "AND eval_set_hash = ? AND fingerprint = ? ORDER BY instance, perturbation, repeat",
            (benchmark, model, *(between or ()), *(made_with or self.newest(benchmark, model))),
        )
        for *head, run, rest in rows:
            try:
                record = read_record(rest)
            except (ValueError, TypeError) as error:
                raise ConfigError(unusable(self.folder / "suite.sqlite", error)) from None
            record.update(zip(COLUMNS, head, strict=True))  # type: ignore[typeddict-item]
            record["run"] = run
            yield record

    def slowest(self, count: int) -> list[tuple[str, str, str, float]]:
        """(benchmark, public id, model, seconds) of the requests of the newest run that took longest."""
        return list(
            self._connection.execute(
                "SELECT benchmark, record ->> 'public_id', model, record ->> 'latency' AS seconds FROM records "
                "WHERE run = (SELECT MAX(number) FROM runs) AND seconds > 0 AND NOT record ->> 'cached' "
                "ORDER BY seconds DESC, 1, 2, 3 LIMIT ?",
                (count,),
            )
        )

    def benchmark(self, name: str, evaluation: str) -> BenchmarkMetadata:
        """What describes a benchmark as it was evaluated."""
        row = self._connection.execute(
            "SELECT metadata FROM benchmarks WHERE name = ? AND eval_set_hash = ?", (name, evaluation)
        ).fetchone()
        metadata: BenchmarkMetadata = dict(METADATA_DEFAULTS) | json.loads(row[0])
        return metadata

    def fingerprint_inputs(self, key: str) -> FingerprintInputs | None:
        """What records with this hash of settings were made with ; None where that is not known."""
        row = self._connection.execute("SELECT inputs FROM fingerprints WHERE hash = ?", (key,)).fetchone()
        inputs: FingerprintInputs | None = json.loads(row[0]) if row else None
        return inputs

    def models(self) -> dict[str, ModelMetadata]:
        """What describes each model."""
        return {
            name: json.loads(metadata)
            for name, metadata in self._connection.execute("SELECT name, metadata FROM models ORDER BY name")
        }

    def runs(self) -> list[StoredManifest]:
        """The manifests of all runs, oldest first."""
        return [json.loads(row[0]) for row in self._connection.execute("SELECT manifest FROM runs ORDER BY number")]

    def run(self, number: int) -> StoredManifest | None:
        """The manifest of a run, by its number as records carry it; None where there is none."""
        row = self._connection.execute("SELECT manifest FROM runs WHERE number = ?", (number,)).fetchone()
        manifest: StoredManifest | None = json.loads(row[0]) if row else None
        return manifest

    def newest_run(self) -> int:
        """The number of the newest run, as records carry it; 0 without runs."""
        return self._connection.execute("SELECT MAX(number) FROM runs").fetchone()[0] or 0

    def last_record(self) -> int:
        """A number that grows with every record that is written; 0 without records."""
        return self._connection.execute("SELECT MAX(rowid) FROM records").fetchone()[0] or 0

    def sizes(self) -> tuple[int, int]:
        """How many records there are, and how many of them are the newest run's."""
        (whole,) = self._connection.execute("SELECT COUNT(*) FROM records").fetchone()
        (latest,) = self._connection.execute(
            "SELECT COUNT(*) FROM records WHERE run = ?", (self.newest_run(),)
        ).fetchone()
        return whole, latest

    def close(self) -> None:
        """Commit and close. Raises StoreFailed when what is held back cannot be written."""
        try:
            if self._pending:
                self.commit()
        finally:
            close_whole(self._connection)
