"""The tables of suite.sqlite, how those of earlier versions become them, and whether a file holds them undamaged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from pytest_medhelm.results.store.stored_record import read_record
from pytest_medhelm.scoring.record_types import Record
from pytest_medhelm.util import quick_json
from pytest_medhelm.util.sqlite import Schema

_ANNOTATIONS = """
CREATE TABLE IF NOT EXISTS ratings(
    kind TEXT NOT NULL, rater TEXT NOT NULL, benchmark TEXT NOT NULL, instance TEXT NOT NULL, model TEXT NOT NULL,
    criterion TEXT NOT NULL, score REAL, severity TEXT NOT NULL, kinds TEXT NOT NULL,
    PRIMARY KEY (kind, rater, benchmark, instance, model, criterion));
CREATE TABLE IF NOT EXISTS marks(
    benchmark TEXT NOT NULL, instance TEXT NOT NULL, reason TEXT NOT NULL, marked_by TEXT NOT NULL,
    PRIMARY KEY (benchmark, instance));
"""
"""Tables that a file of version 0 may lack."""
_PREFERENCES = """
CREATE TABLE IF NOT EXISTS preferences(
    rater TEXT NOT NULL, benchmark TEXT NOT NULL, instance TEXT NOT NULL, first_model TEXT NOT NULL,
    second_model TEXT NOT NULL, choice TEXT NOT NULL,
    PRIMARY KEY (rater, benchmark, instance, first_model, second_model));
"""
_TABLES = """
CREATE TABLE IF NOT EXISTS runs(number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, manifest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS benchmarks(
    name TEXT NOT NULL, eval_set_hash TEXT NOT NULL, metadata TEXT NOT NULL, PRIMARY KEY (name, eval_set_hash));
CREATE TABLE IF NOT EXISTS fingerprints(hash TEXT PRIMARY KEY, inputs TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS models(name TEXT PRIMARY KEY, metadata TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS records(
    benchmark TEXT NOT NULL, instance TEXT NOT NULL, model TEXT NOT NULL, perturbation TEXT NOT NULL,
    repeat INTEGER NOT NULL, run INTEGER NOT NULL, eval_set_hash TEXT NOT NULL, fingerprint TEXT NOT NULL,
    status TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (benchmark, model, instance, perturbation, repeat));
"""
_FIRST = """
CREATE TABLE IF NOT EXISTS runs(number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, manifest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS benchmarks(
    name TEXT NOT NULL, evaluation TEXT NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (name, evaluation));
CREATE TABLE IF NOT EXISTS settings(hash TEXT PRIMARY KEY, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS models(name TEXT PRIMARY KEY, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS records(
    benchmark TEXT NOT NULL, instance TEXT NOT NULL, model TEXT NOT NULL, perturbation TEXT NOT NULL,
    repeat INTEGER NOT NULL, run INTEGER NOT NULL, evaluation TEXT NOT NULL, settings TEXT NOT NULL,
    status TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (benchmark, model, instance, perturbation, repeat));
"""
"""The tables of version 1."""
_NAMES_OF_THE_FIELD = """
ALTER TABLE records RENAME COLUMN evaluation TO eval_set_hash;
ALTER TABLE records RENAME COLUMN settings TO fingerprint;
ALTER TABLE benchmarks RENAME COLUMN evaluation TO eval_set_hash;
ALTER TABLE benchmarks RENAME COLUMN facts TO metadata;
ALTER TABLE settings RENAME TO fingerprints;
ALTER TABLE fingerprints RENAME COLUMN facts TO inputs;
ALTER TABLE models RENAME COLUMN facts TO metadata;
UPDATE records SET record = json_remove(
    json_set(record, '$.eval_set_size', record -> '$.evaluation_size', '$.sub_task', record ->> '$.stratum'),
    '$.evaluation_size', '$.stratum');
UPDATE benchmarks SET metadata = json_insert(metadata, '$.outside_medhelm', json('false'), '$.map_by', json('[]'));
UPDATE benchmarks SET metadata = json_remove(
    json_set(metadata, '$.sub_tasks', metadata -> '$.strata',
        '$.category_assigned_here', metadata -> '$.placed_here',
        '$.may_use_hosted_api', metadata -> '$.third_party'),
    '$.strata', '$.placed_here', '$.third_party');
"""
SCHEMA = Schema(
    "suite.sqlite",
    _TABLES + _ANNOTATIONS + _PREFERENCES,
    # Files of version 2 lack the table of preferences alone.
    steps=(_FIRST + _ANNOTATIONS, _NAMES_OF_THE_FIELD, ""),
)
COLUMNS = ("benchmark", "instance", "model", "perturbation", "repeat", "eval_set_hash", "fingerprint", "status")
"""Of a record that have columns of their own."""
_APART = frozenset((*COLUMNS, "run"))
"""What is not in the column ``record``."""

_JSON_COLUMNS = (("runs", "manifest"), ("benchmarks", "metadata"), ("models", "metadata"), ("records", "record"))
_DOUBTFUL_RECORDS = """
SELECT record FROM records WHERE json_valid(record) AND (
    json_type(record) <> 'object' OR json_type(record, '$.scores') IS NOT 'object'
    OR json_type(record, '$.latency') NOT IN ('real', 'integer')
    OR EXISTS (SELECT 1 FROM json_each(record, '$.scores') WHERE type IN ('text', 'array', 'object'))
) LIMIT 10
"""
"""Records that may be damaged although they are JSON; ``read_record`` decides."""


def as_row(record: Record, run: int) -> tuple[Any, ...]:
    """A record of a run in the columns of the table."""
    rest = {key: value for key, value in record.items() if key not in _APART}
    values: Mapping[str, object] = record
    head = tuple(values[key] for key in COLUMNS)
    return (*head[:5], run, *head[5:], quick_json.dumps(rest))


def check_tables(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError when a file is damaged or has other tables, ValueError when a text in it is no JSON,
    or a record holds what it cannot."""
    SCHEMA.check(connection)
    names = [row[1] for row in connection.execute("PRAGMA table_info(records)")]
    if missing := [name for name in COLUMNS if name not in names]:
        raise sqlite3.DatabaseError(f"its table of records has no column {missing[0]}")
    for table, column in (
        ("runs", "manifest"),
        ("benchmarks", "metadata"),
        ("models", "metadata"),
        ("records", "record"),
    ):
        # SQLite is quick and stricter than Python, which writes NaN.
        doubtful = f"SELECT {column} FROM {table} WHERE NOT json_valid({column}) LIMIT 10"
        for (text,) in connection.execute(doubtful):
            json.loads(text)
    for (text,) in connection.execute(_DOUBTFUL_RECORDS):
        read_record(text)
