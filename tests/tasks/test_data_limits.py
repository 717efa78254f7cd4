"""Small files that unpack to much, and files that no loader foresaw, are one sentence naming the file."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_medhelm.tasks.data import limits
from pytest_medhelm.tasks.data.arrow import read_columnar
from pytest_medhelm.tasks.data.checksums import content_sha256
from pytest_medhelm.tasks.data.folders import files_in
from pytest_medhelm.tasks.data.limits import LIMIT, RATIO, allowed, data_limit
from pytest_medhelm.tasks.data.office import read_docx, read_xlsx
from pytest_medhelm.tasks.data.readers import read_csv, read_json, read_jsonl
from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.settings import data_limit_of

MUCH = 4 << 20
"""Bytes that no file of a few kilobytes may unpack to."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits hold beyond 1 MB instead of 64, so that the tests need not write and read gigabytes."""
    monkeypatch.setattr(limits, "SMALL", 1 << 20)


def csv_gz(folder: Path) -> Path:
    path = folder / "rows.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(b"text\n" + b"x" * MUCH)
    return path


def zipped(folder: Path, name: str, member: str) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(member, b" " * MUCH)
    return path


def parquet(folder: Path) -> Path:
    """A column of the same long text: it is stored once."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as writer

    path = folder / "rows.parquet"
    writer.write_table(pyarrow.table({"text": ["x" * 10_000] * (MUCH // 10_000)}), path, compression="zstd")
    return path


def arrow(folder: Path, form: str) -> Path:
    """One packed batch, which pyarrow unpacks whole."""
    pyarrow = pytest.importorskip("pyarrow")
    path = folder / f"rows.{form}"
    table = pyarrow.table({"text": ["x" * 10_000] * (MUCH // 10_000)})
    options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
    new = pyarrow.ipc.new_file if form == "feather" else pyarrow.ipc.new_stream
    with new(path, table.schema, options=options) as writer:
        writer.write_table(table)
    return path


def nulls(folder: Path) -> Path:
    """Rows without a byte."""
    pyarrow = pytest.importorskip("pyarrow")
    path = folder / "rows.arrow"
    table = pyarrow.table({"text": pyarrow.nulls(10**7)})
    with pyarrow.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)
    return path


BOMBS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]] = {
    "csv.gz": (csv_gz, lambda path: list(read_csv(path))),
    "checksum": (csv_gz, content_sha256),
    "xlsx": (lambda folder: zipped(folder, "rows.xlsx", "xl/workbook.xml"), lambda path: list(read_xlsx(path))),
    "docx": (lambda folder: zipped(folder, "text.docx", "word/document.xml"), lambda path: list(read_docx(path))),
    "zip": (lambda folder: zipped(folder, "notes.zip", "note.txt"), lambda path: list(files_in(path))),
    "parquet": (parquet, lambda path: list(read_columnar(path))),
    "feather": (lambda folder: arrow(folder, "feather"), lambda path: list(read_columnar(path))),
    "arrow": (lambda folder: arrow(folder, "arrow"), lambda path: list(read_columnar(path))),
    "arrow of nulls": (nulls, lambda path: list(read_columnar(path))),
}


@pytest.mark.parametrize(("write", "read"), BOMBS.values(), ids=BOMBS)
def test_what_unpacks_to_too_much_is_refused_by_name(
    write: Callable[[Path], Path], read: Callable[[Path], object], tmp_path: Path
) -> None:
    path = write(tmp_path)
    assert path.stat().st_size < MUCH / RATIO
    with pytest.raises(DataError, match=rf"{path.name} unpacks to more than [\d.]+ MB.*--medhelm-data-limit=8GB"):
        read(path)


def test_the_limit_can_be_lifted(tmp_path: Path) -> None:
    path = csv_gz(tmp_path)
    with data_limit(data_limit_of("1GB")):
        assert len(next(read_csv(path)).text("text")) == MUCH
    with data_limit(1000), pytest.raises(DataError, match=r"unpacks to more than 0\.000954 MB: look"):
        list(read_csv(path))
    with pytest.raises(DataError, match=r"unpacks to more than \d"):  # as before
        content_sha256(path)


def test_what_a_file_may_unpack_to() -> None:
    assert allowed(10) == 1 << 20
    assert allowed(1 << 20) == RATIO << 20
    assert allowed(1 << 30) == LIMIT
    with data_limit("none"):
        assert allowed(10) is None


@pytest.mark.parametrize(
    ("text", "size"),
    [("8GB", 8 << 30), ("500 mb", 500 << 20), ("1.5gb", 3 << 29), ("100", 100), ("none", "none"), ("2KB", 2048)],
)
def test_limits_are_read(text: str, size: int | str) -> None:
    assert data_limit_of(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "0", "much", "nan", "inf", "1e99GB"])
def test_what_is_no_limit_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        data_limit_of(text)


def test_a_sheet_that_says_it_is_huge_is_read_as_what_it_is(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["id", "text"])
    book.active.append(["1", "a cough"])
    book.save(tmp_path / "plain.xlsx")
    huge = tmp_path / "huge.xlsx"
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as plain, zipfile.ZipFile(huge, "w") as archive:
        for entry in plain.infolist():
            content = plain.read(entry).replace(b'<dimension ref="A1:B2"', b'<dimension ref="A1:XFD1048576"')
            archive.writestr(entry.filename, content)
    assert [row.values for row in read_xlsx(huge)] == [{"id": "1", "text": "a cough"}]


@pytest.mark.parametrize("read", [read_json, read_jsonl])
def test_a_number_of_too_many_digits_is_said(read: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(f'{{"a": {{"n": {"9" * 5000}}}}}')
    with pytest.raises(DataError, match=r"rows\.json.* holds a number of more than 4300 digits"):
        list(read(path))  # type: ignore[call-overload]


def test_a_zip_file_with_a_password_is_said(tmp_path: Path) -> None:
    path = tmp_path / "notes.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("note.json", json.dumps([{}]))
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1  # the bit that says: encrypted
    path.write_bytes(bytes(content))
    (note,) = files_in(path)
    with pytest.raises(DataError, match=r"note\.json cannot be unpacked"):
        list(read_json(note))
