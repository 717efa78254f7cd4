"""New scores of stored responses take the place of the old ones in a suite: all of them, or none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict, TypeVar, cast

from pytest_medhelm.models.engine.store import ResponseStore, short_key
from pytest_medhelm.models.metadata import AskedModelMetadata, ModelMetadata
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.results.store.run_manifest import Rescored, StoredManifest
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.results.store.suite_tables import as_row
from pytest_medhelm.scoring.record_types import Record, VerdictRecord
from pytest_medhelm.util.errors import ConfigError

T = TypeVar("T", Record, VerdictRecord)

CellName = tuple[str, str]
"""Benchmark and model."""
_MEASURED = ("latency", "attempts", "cached", "usage", "cost", "paid")
"""What was measured when a response came in: scoring it again does not change that."""


@dataclass(frozen=True)
class Group:
    """Cells of one run: they are scored again with that run's settings."""

    manifest: StoredManifest
    cells: Sequence[CellName]


@dataclass
class Change:
    """What became of a cell."""

    benchmark: str
    model: str
    metric: str
    """The main metric, by its new records."""
    records: int = 0
    changed: int = 0
    """Records with another score or status."""
    lost: int = 0
    """Records that had an answer before and have none now."""
    others: dict[str, int] = field(default_factory=dict)
    """By further metric, on how many records its score is another one."""


@dataclass(frozen=True)
class Stored:
    """Which responses there are."""

    keys: Collection[int]
    """Short keys."""

    def lacks(self, record: Record) -> bool:
        """Nothing is stored for the request of a record, or of a judge, which is why it is in error."""
        calls = [verdict for verdict in record["verdicts"] if self.lacks_call(verdict)]
        answered = not record["request"] or short_key(record["request"]) in self.keys
        return bool(record["error"]) and (not answered or bool(calls))

    def lacks_call(self, verdict: VerdictRecord) -> bool:
        """Nothing is stored for what a judge was asked."""
        return bool(verdict["error"]) and any(short_key(key) not in self.keys for key in verdict["requests"])


def groups(suite: Suite) -> tuple[list[Group], list[CellName]]:
    """The cells by the run that made their newest record, and those of runs that do not say where their tests are."""
    by_run: dict[int, list[CellName]] = {}
    for cell in suite.cells():
        by_run.setdefault(max(record["run"] for record in suite.records(*cell)), []).append(cell)
    result, unknown = [], []
    for number, cells in sorted(by_run.items()):
        manifest = suite.run(number)
        if manifest and "place" in manifest:
            result.append(Group(manifest, cells))
        else:
            unknown += cells
    return result, unknown


class Replay(TypedDict):
    """What the session that scores cells again must know, as plain values: it goes to workers, too."""

    run: str
    models: list[AskedModelMetadata]
    judges: list[ModelMetadata]
    providers: dict[str, str]
    """By model or judge."""
    prices: dict[str, dict[str, float]]
    cells: Sequence[CellName]


def plan(group: Group) -> Replay:
    """What is to be scored again."""
    manifest, names = group.manifest, {model for _, model in group.cells}
    return {
        "run": manifest["run"],
        "models": [model for model in manifest["models"] if model["name"] in names],
        "judges": manifest["judges"],
        "providers": manifest["place"]["providers"],
        "prices": manifest.get("prices", {}),
        "cells": group.cells,
    }


def adopt(folder: Path, staged: Suite, cells: Sequence[CellName]) -> list[Change]:
    """Replace the records of these cells by the staged ones, in one transaction.

    They keep the run in which they were answered, and what was measured then. Raises ConfigError, and changes nothing,
    when a cell was not scored again as a whole, on the same instances.
    """
    with closing(open_suite(folder)) as suite:
        before = suite.last_record()
        with closing(ResponseStore(folder / "responses.sqlite")) as store:
            stored = Stored(store.short_keys())
        changes, rows = [], []
        for cell in cells:
            old = {_identity(record): record for record in suite.records(*cell)}
            new = list(staged.records(*cell))
            _check(cell, old, new)
            change = Change(*cell, new[0]["main_metric"])
            for record in new:
                known = old[_identity(record)]
                _compare(change, known, record, stored)
                rows.append(as_row(_with_measurements(record, known, stored), known["run"]))
            if change.lost and not any(record["main_metric"] in record["scores"] for record in new):
                raise ConfigError(
                    f"{_name(cell)}: no stored response of the model, or of a judge, is an answer to the prompts as "
                    "they are now; run the model again with the command that made the suite"
                )
            changes.append(change)
    _write(folder / "suite.sqlite", staged, rows, before)
    return changes


def _check(cell: CellName, old: Mapping[tuple[Any, ...], Record], new: Sequence[Record]) -> None:
    """Raises ConfigError unless the new records are of the same instances, and still have scores."""
    name = _name(cell)
    any_old = next(iter(old.values()))
    if new[0]["eval_set_hash"] != any_old["eval_set_hash"]:
        raise ConfigError(
            f"{name}: its data or its set of instances is not that of the suite any more; name the folder of its data "
            "with --data"
        )
    if len(new) != len(old):
        raise ConfigError(
            f"{name}: {len(new)} of {len(old)} records were scored again; is the rest left out by -k, -m or -x in the "
            "options of your project (addopts), or did a worker crash?"
        )
    unscored = [
        record
        for record in new
        if record["error"] == "" and record["main_metric"] not in (*record["scores"], *record["not_applicable"])
        and any_old["main_metric"] in old[_identity(record)]["scores"]
    ]  # fmt: skip
    if unscored:
        reason = unscored[0]["absent"].get(unscored[0]["main_metric"], "the test failed before it was recorded")
        raise ConfigError(
            f"{name}: {len(unscored)} of {len(new)} records would lose their score {unscored[0]['main_metric']} "
            f"({reason}); run pytest on an instance to see why, e.g. {unscored[0]['public_id']}"
        )


def _compare(change: Change, old: Record, new: Record, stored: Stored) -> None:
    change.records += 1
    names = old["scores"].keys() | new["scores"].keys()
    different = sorted(name for name in names if old["scores"].get(name) != new["scores"].get(name))
    change.changed += bool(different) or old["status"] != new["status"]
    change.lost += stored.lacks(new) and old["status"] not in ("request_error", "judge_error", "skipped")
    for name in different:
        if name != change.metric:
            change.others[name] = change.others.get(name, 0) + 1


def _with_measurements(new: Record, old: Record, stored: Stored) -> Record:
    """The new record with what was measured when its response came in, and with why there was none."""
    record = new.copy()
    # Nothing is stored where there was no answer: what went wrong then is still what is known.
    if stored.lacks(new) and (old["status"] in ("request_error", "skipped") or old["status"] == new["status"]):
        record["status"], record["error"] = old["status"], old["error"]
    if new["request"] == old["request"]:
        record = _with(record, old, (*_MEASURED, "unmatched"))
    known = {verdict["request"]: verdict for verdict in old["verdicts"]}
    record["verdicts"] = [
        _with_call(verdict, known.get(verdict["request"], verdict), stored) for verdict in new["verdicts"]
    ]
    return record


def _with_call(new: VerdictRecord, old: VerdictRecord, stored: Stored) -> VerdictRecord:
    """A verdict with what was measured when the judge was asked."""
    return _with(new, old, (*_MEASURED, "error") if stored.lacks_call(new) else _MEASURED)


def _with(new: T, old: T, keys: Collection[str]) -> T:
    """The new one with these fields of the old one, where it has them."""
    return cast(T, {**new, **{key: value for key, value in old.items() if key in keys}})


def _identity(record: Record) -> tuple[Any, ...]:
    return record["instance"], record["perturbation"], record["repeat"]


def _name(cell: CellName) -> str:
    return f"{cell[0]} of {cell[1]}"


def _write(path: Path, staged: Suite, rows: Sequence[tuple[Any, ...]], before: int) -> None:
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    with closing(connection):
        connection.execute("ATTACH DATABASE ? AS staged", (str(staged.folder / "suite.sqlite"),))
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            if (connection.execute("SELECT MAX(rowid) FROM records").fetchone()[0] or 0) != before:
                raise ConfigError("a run added records to the suite meanwhile: rescore it when the run has ended")
            for table in ("benchmarks", "fingerprints"):
                connection.execute(f"INSERT OR REPLACE INTO main.{table} SELECT * FROM staged.{table}")
            connection.executemany(f"INSERT OR REPLACE INTO records VALUES ({','.join('?' * 10)})", rows)
            for number, manifest in list(_manifests(connection, {row[5] for row in rows})):
                rescored: Rescored = {
                    "started": datetime.now(UTC).isoformat(timespec="seconds"),
                    "packages": manifest["packages"],
                }
                manifest["rescored"] = [*manifest.get("rescored", []), rescored]
                manifest["packages"] = staged.runs()[-1]["packages"]
                connection.execute("UPDATE runs SET manifest = ? WHERE number = ?", (json.dumps(manifest), number))


def _manifests(connection: sqlite3.Connection, numbers: set[int]) -> Iterator[tuple[int, StoredManifest]]:
    for number, text in connection.execute("SELECT number, manifest FROM runs ORDER BY number"):
        if number in numbers:
            yield number, json.loads(text)
