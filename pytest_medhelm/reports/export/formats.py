"""Write a table, row by row, as CSV, JSON Lines or Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from pytest_medhelm.reports.export.columns import Column
from pytest_medhelm.reports.export.csv_injection import without_formula
from pytest_medhelm.results.leaderboard.aggregate import rounded
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.installed import install_command

Row = Mapping[str, object]
FORMATS = ("csv", "jsonl", "parquet")
ROWS_AT_ONCE = 2000
TEXT_AT_ONCE = 8_000_000
"""Rows, or characters of text, that Parquet collects before it writes them."""


def write_table(file: BinaryIO, columns: Sequence[Column], rows: Iterable[Row], form: str) -> int:
    """Write the rows in one of FORMATS; returns how many there were.

    A cell that a row lacks is empty. Floats are rounded to six decimals. Raises ConfigError where the format needs a
    package that is not installed.
    """
    ready = (_values(columns, row) for row in rows)
    if form == "csv":
        return _write_csv(file, columns, ready)
    if form == "jsonl":
        return _write_jsonl(file, columns, ready)
    return _write_parquet(file, columns, ready)


def _values(columns: Sequence[Column], row: Row) -> list[Any]:
    return [_value(column, row.get(column.name)) for column in columns]


def _value(column: Column, value: Any) -> Any:
    if value is None:
        return None
    if column.kind == "number":
        return rounded(float(value))
    # A lone surrogate (a broken name) has no bytes.
    return str(value).encode("utf-8", "replace").decode() if column.kind == "text" else value


def _write_csv(file: BinaryIO, columns: Sequence[Column], rows: Iterable[list[Any]]) -> int:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    # Every text is quoted: it stays one cell whatever the reader takes for the end of one.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    count = 0
    for row in rows:
        count += 1
        writer.writerow([without_formula(value) if isinstance(value, str) else value for value in row])
    text.flush()
    text.detach()
    return count


def _write_jsonl(file: BinaryIO, columns: Sequence[Column], rows: Iterable[list[Any]]) -> int:
    names = [column.name for column in columns]
    count = 0
    for row in rows:
        count += 1
        # ASCII: marks of direction and control characters are escaped, and do nothing to a terminal.
        file.write(json.dumps(dict(zip(names, row, strict=True))).encode() + b"\n")
    return count


def _write_parquet(file: BinaryIO, columns: Sequence[Column], rows: Iterable[list[Any]]) -> int:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(f"--format=parquet needs pyarrow: type {install_command('data')}") from None
    types = {"text": arrow.string(), "integer": arrow.int64(), "number": arrow.float64(), "flag": arrow.bool_()}
    schema = arrow.schema([(column.name, types[column.kind]) for column in columns])
    count = 0
    with parquet.ParquetWriter(file, schema) as writer:
        for batch in _batches(rows):
            count += len(batch)
            values = [
                arrow.array(cells, field.type) for cells, field in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_batch(arrow.record_batch(values, schema=schema))
    return count


def _batches(rows: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    batch: list[list[Any]] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += sum(len(value) for value in row if isinstance(value, str))
        if len(batch) >= ROWS_AT_ONCE or characters >= TEXT_AT_ONCE:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
