"""Reader of Arrow, Feather and Parquet tables; it needs the extra ``data``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_medhelm.tasks.data.readers import Row, read_bytes, require_rows
from pytest_medhelm.util.errors import DataError, missing_extra


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
    wrong = DataError(f"{path.name} is not a table of the kind that its name says, or it is damaged")
    try:
        if raw[:4] == b"PAR1":
            schema = parquet.read_schema(content)
            _require(path, columns, schema.names)
            table = parquet.read_table(content, columns=None if columns is None else list(columns))
        else:
            reader = ipc.open_file(content) if raw[:6] == b"ARROW1" else ipc.open_stream(content)
            _require(path, columns, reader.schema.names)
            table = reader.read_all()
            table = table.select(list(columns)) if columns is not None else table
    except (pyarrow.ArrowException, OSError, ValueError):
        raise wrong from None
    number = 0
    for batch in table.to_batches(max_chunksize=1000):
        try:
            records = batch.to_pylist()
        except (pyarrow.ArrowException, ValueError, OverflowError):  # texts that are no UTF-8, dates beyond Python's
            raise DataError(f"{path.name}: a value after row {number} cannot be read, or the file is damaged") from None
        for values in records:
            number += 1
            yield Row(path.name, number, values)
    require_rows(path.name, number)


def _require(path: Path, columns: Sequence[str] | None, names: Sequence[str]) -> None:
    missing = [name for name in columns or () if name not in names]
    if missing:
        raise DataError(f"{path.name}: the column {missing[0]!r} is missing, so this is not the file that is expected")
