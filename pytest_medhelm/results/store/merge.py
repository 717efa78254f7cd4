"""Suites of several jobs become one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from pytest_medhelm.models.engine.parcels import TABLES
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.sqlite import reason

_ALIKE = ("status", "scores", "request", "label", "verdicts")
"""What must be the same where two suites hold the same record."""


_SETTINGS = {
    "model": "other settings of the model",
    "prompt": "another prompt",
    "code": "another version of the benchmark module",
    "scoring": "other scoring code",
    "jury": "other judges",
    "repeats": "another number of repeats",
    "variants": "other perturbations",
}


def merge(sources: Sequence[Path], target: Path) -> Path:
    """Unite suites into a new one at ``target``, which appears whole or not at all.

    Raises ConfigError when a folder is no suite, the target is there or cannot be written, the suites were made with
    different settings, or a record is in two of them and differs.
    """
    if len({path.resolve() for path in sources}) < len(sources):
        raise ConfigError("a suite is named twice: name each once")
    if target.exists():
        raise ConfigError(f"{target} is there already: name another folder with --to")
    suites = [open_suite(path) for path in sources]
    try:
        _check_settings(suites)
    finally:
        for suite in suites:
            suite.close()
    partial = target.with_name(f".{target.name}.merging")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        Suite(partial).close()
        ResponseStore(partial / "responses.sqlite").close()
        for path in sources:
            _add_records(partial / "suite.sqlite", path)
            _add_responses(partial / "responses.sqlite", path)
        partial.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(
            f"{target} cannot be written ({reason(error)}): name with --to a folder that you may write, on a disk "
            "with room"
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _check_settings(suites: Sequence[Suite]) -> None:
    """Records of one benchmark and model must have been made alike."""
    first: dict[tuple[str, str], tuple[Suite, tuple[str, str]]] = {}
    versions: dict[str, Suite] = {}
    for suite in suites:
        for cell in suite.cells():
            known, made_with = first.setdefault(cell, (suite, suite.newest(*cell)))
            newest = suite.newest(*cell)
            if newest != made_with:
                what = _difference(known, made_with, suite, newest)
                raise ConfigError(
                    f"{known.folder.name} and {suite.folder.name} do not fit together: {cell[0]} of {cell[1]} was run "
                    f"with {what}"
                )
        for run in suite.runs():
            versions.setdefault(run["packages"]["pytest-medhelm"], suite)
    if len(versions) > 1:
        named = ", ".join(f"{version} in {suite.folder.name}" for version, suite in sorted(versions.items()))
        raise ConfigError(f"the suites were made with different versions of pytest-medhelm: {named}")


def _difference(first: Suite, one: tuple[str, str], second: Suite, other: tuple[str, str]) -> str:
    if one[0] != other[0]:
        return "another set of instances"
    inputs, others = first.fingerprint_inputs(one[1]), second.fingerprint_inputs(other[1])
    here, there = dict(inputs or {}), dict(others or {})
    return next((what for key, what in _SETTINGS.items() if here.get(key) != there.get(key)), "other settings")


def _add_records(target: Path, source: Path) -> None:
    with closing(_opened(target, source / "suite.sqlite")) as connection, connection:
        connection.execute("BEGIN IMMEDIATE")
        _refuse_disagreement(connection, source)
        for table in ("benchmarks", "fingerprints", "models", "ratings", "marks", "preferences"):
            if _has(connection, table):
                connection.execute(f"INSERT OR REPLACE INTO main.{table} SELECT * FROM source.{table}")
        before = connection.execute("SELECT COALESCE(MAX(number), 0) FROM main.runs").fetchone()[0]
        connection.execute(
            "INSERT OR IGNORE INTO main.runs SELECT number + ?, id, manifest FROM source.runs ORDER BY number",
            (before,),
        )
        connection.execute(
            "INSERT OR IGNORE INTO main.records SELECT r.benchmark, r.instance, r.model, r.perturbation, r.repeat, "
            "m.number, r.eval_set_hash, r.fingerprint, r.status, r.record FROM source.records r "
            "JOIN source.runs s ON s.number = r.run JOIN main.runs m ON m.id = s.id ORDER BY r.rowid"
        )


def _refuse_disagreement(connection: sqlite3.Connection, source: Path) -> None:
    """Raises ConfigError when a record is there already and differs."""
    count, first = 0, ""
    for here, there in _shared(connection):
        if any(here.get(key) != there.get(key) for key in _ALIKE):
            first = first or f"{here['public_id']} of {here['benchmark']}"
            count += 1
    if count:
        raise ConfigError(
            f"{source} disagrees with another suite about {count} record{'s' if count > 1 else ''} that both hold, "
            f"e.g. {first}: leave one of the suites out"
        )


def _shared(connection: sqlite3.Connection) -> Iterator[tuple[Mapping[str, object], Mapping[str, object]]]:
    rows = connection.execute(
        "SELECT a.benchmark, a.status, a.record, b.status, b.record FROM main.records a JOIN source.records b "
        "ON a.benchmark = b.benchmark AND a.model = b.model AND a.instance = b.instance "
        "AND a.perturbation = b.perturbation AND a.repeat = b.repeat"
    )
    for benchmark, status, here, other, there in rows:
        yield (
            json.loads(here) | {"status": status, "benchmark": benchmark},
            json.loads(there) | {"status": other, "benchmark": benchmark},
        )


def _add_responses(target: Path, source: Path) -> None:
    path = source / "responses.sqlite"
    if not path.is_file():
        raise ConfigError(f"{source} holds no responses.sqlite: copy the whole folder of the suite")
    with closing(_opened(target, path)) as connection, connection:
        connection.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            if _has(connection, table):
                connection.execute(f"INSERT OR IGNORE INTO main.{table} SELECT * FROM source.{table}")


def _opened(target: Path, source: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(target, isolation_level=None)
    connection.execute("ATTACH DATABASE ? AS source", (str(source),))
    return connection


def _has(connection: sqlite3.Connection, table: str) -> bool:
    """A suite of an earlier version may lack a table."""
    rows = connection.execute("SELECT 1 FROM source.sqlite_master WHERE type = 'table' AND name = ?", (table,))
    return rows.fetchone() is not None
