"""Records in the MEDS format: labels of patients at given times, and the coded events known of them by then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pytest_medhelm import DataError, Row, missing_extra, read_bytes, read_columnar, require_size, unpacked_size

COLUMNS = ("subject_id", "time", "code")


@dataclass(frozen=True, slots=True, repr=False)
class Label:
    """What is to be predicted for a subject at a time."""

    id: str
    """Subject and time; the second label of the same two gets "-2" appended."""
    subject: int
    time: datetime
    value: bool


def read_labels(path: Path) -> list[Label]:
    """The labels of a MEDS table, by subject and time.

    The value is its boolean_value; where that is empty, whether its grade (integer_value, float_value or
    categorical_value) is another one than 0 or "normal". Raises DataError for a row without any.
    """
    grades = sorted(
        (row.take("subject_id", int), row.take("prediction_time", datetime), _value(row)) for row in read_columnar(path)
    )
    seen: Counter[str] = Counter()
    labels = []
    for subject, time, value in grades:
        name = f"{subject}-{time:%Y%m%dT%H%M%S}"
        seen[name] += 1
        labels.append(Label(name if seen[name] == 1 else f"{name}-{seen[name]}", subject, time, value))
    return labels


def _value(row: Row) -> bool:
    if row.values.get("boolean_value") is not None:
        return row.take("boolean_value", bool)
    grades = [row.values.get(name) for name in ("integer_value", "float_value", "categorical_value")]
    known = [str(grade).strip().lower() for grade in grades if grade is not None]
    if not known:
        raise row.error("the column 'boolean_value' is missing or empty, and there is no grade in its place")
    return known[0] not in ("0", "0.0", "normal")


class Timelines:
    """The events of some subjects, held as columns: a table can have tens of millions of rows.

    Events without a time are left out. Those of the same time keep the order of the file.
    """

    def __init__(self, path: Path, subjects: Collection[int]) -> None:
        """Read a Parquet table with the columns subject_id, time and code; only these subjects.

        Raises DataMissing when pyarrow is not installed, DataError when it is no such table.
        """
        try:
            import pyarrow
            from pyarrow import compute, parquet
        except ImportError:
            raise missing_extra(path.name, "pyarrow") from None
        import numpy as np

        content = read_bytes(path)
        raw = pyarrow.BufferReader(content)
        try:
            require_size(path.name, unpacked_size(parquet.ParquetFile(raw)), len(content))
            raw.seek(0)
            missing = [name for name in COLUMNS if name not in parquet.read_schema(raw).names]
            if missing:
                raise DataError(
                    f"{path.name}: the column {missing[0]!r} is missing, so this is not the file that is expected"
                )
            wanted = [("subject_id", "in", list(subjects))]
            table = parquet.read_table(raw, columns=list(COLUMNS), filters=wanted, read_dictionary=["code"])
            table = table.filter(compute.is_valid(table["time"]))
            ids, times = table["subject_id"].to_numpy(), table["time"].cast("timestamp[us]", safe=False).to_numpy()
            encoded = table["code"].unify_dictionaries().combine_chunks()
            codes, self._names = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
        except (pyarrow.ArrowException, OSError, ValueError):
            raise DataError(f"{path.name} is not a Parquet table of events, or it is damaged") from None
        order = np.lexsort((times, ids))
        self._ids, self._times, self._codes = ids[order], times[order], codes[order]

    def until(self, subject: int, time: datetime, characters: int) -> tuple[list[str], int]:
        """A subject's codes up to and including a time, oldest first, and how many were left out of it.

        Where the codes, each with a line end, would take more than so many characters, the oldest are left out.
        """
        import numpy as np

        first, last = (int(np.searchsorted(self._ids, subject, side)) for side in ("left", "right"))
        end = first + int(np.searchsorted(self._times[first:last], np.datetime64(time, "us"), "right"))
        start = end
        while start > first:
            characters -= len(self._names[self._codes[start - 1]]) + 1
            if characters < 0:
                break
            start -= 1
        return [self._names[code] for code in self._codes[start:end]], start - first
