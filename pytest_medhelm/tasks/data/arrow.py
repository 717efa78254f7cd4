"""Reader of Arrow, Feather and Parquet tables; it needs the extra ``data``."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_medhelm.tasks.data.arrow_size import batch_sizes
from pytest_medhelm.tasks.data.limits import require_size
from pytest_medhelm.tasks.data.readers import read_bytes, require_rows
from pytest_medhelm.tasks.data.rows import Row
from pytest_medhelm.util.errors import DataError, missing_extra

ROWS = 1000
"""Rows that are read at a time."""


def read_columnar(path: Path, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """The rows of a table, in its order, with Python values; only the named columns if any are named.

    The format shows in the file: Parquet, Feather (Arrow file), or an Arrow stream as the ``datasets`` library
    saves it. Raises DataMissing when pyarrow is not installed, DataError naming a column that is missing.
    """
    try:
        import pyarrow
        from pyarrow import ipc, parquet
    except ImportError:
        raise missing_extra(path.name, "pyarrow") from None
    raw = read_bytes(path)
    content = pyarrow.BufferReader(raw)
    # What pyarrow raises for a damaged file, or for dates beyond Python's; SystemError for texts of a negative length.
    damages = (pyarrow.ArrowException, OSError, ValueError, OverflowError, MemoryError, SystemError, struct.error)
    wrong = DataError(f"{path.name} is not a table of the kind that its name says, or it is damaged")
    try:
        if raw[:4] == b"PAR1":
            file = parquet.ParquetFile(content)
            require_size(path.name, unpacked_size(file), len(raw))
            names, batches = file.schema_arrow.names, file.iter_batches(ROWS, columns=columns and list(columns))
        else:
            is_file = raw[:6] == b"ARROW1"
            _require_sizes(path.name, raw, 8 if is_file else 0)
            reader = ipc.open_file(content) if is_file else ipc.open_stream(content)
            names, batches = reader.schema.names, _record_batches(reader)
        _require(path, columns, names)
    except damages:
        raise wrong from None
    number = size = 0
    while True:
        try:
            batch = next(batches, None)
            if batch is None:
                break
            size += batch.nbytes
            require_size(path.name, size, len(raw))
            records = (batch.select(list(columns)) if columns is not None else batch).to_pylist()
        except damages:
            raise wrong from None
        for values in records:
            number += 1
            yield Row(path.name, number, values)
    require_rows(path.name, number)


def unpacked_size(file: Any) -> int:
    """What a Parquet file says that its columns unpack to, in bytes."""
    return sum(file.metadata.row_group(number).total_byte_size for number in range(file.metadata.num_row_groups))


def _require_sizes(name: str, raw: bytes, start: int) -> None:
    """Raise DataError before a batch is unpacked to more than the file may unpack to."""
    size = 0
    for batch in batch_sizes(memoryview(raw)[start:]):
        size += batch
        require_size(name, size, len(raw))


def _record_batches(reader: Any) -> Iterator[Any]:
    """The batches of an Arrow file or stream, in pieces of at most ROWS."""
    whole = (
        (reader.get_batch(number) for number in range(reader.num_record_batches))
        if hasattr(reader, "num_record_batches")
        else reader
    )
    for batch in whole:
        yield from (batch.slice(start, ROWS) for start in range(0, batch.num_rows, ROWS))


def _require(path: Path, columns: Sequence[str] | None, names: Sequence[str]) -> None:
    missing = [name for name in columns or () if name not in names]
    if missing:
        raise DataError(f"{path.name}: the column {missing[0]!r} is missing, so this is not the file that is expected")
