"""Readers: from an upstream file to its rows, each with a number that an error message can name.

Here are texts, JSON, JSON Lines and tables of separated values; beside this module are ``office`` (XLSX, DOCX),
``arrow`` (Arrow, Feather, Parquet), ``xml_files`` and ``folders`` (folders and zip files of any of these).

Every reader takes a plain or a gzipped file (name ending in ``.gz``), drops a byte-order mark, and raises
``DataError`` with one sentence when the file is damaged, empty or of another kind. No message quotes the
content of a file: it may be a patient's record.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_medhelm.tasks.data.json_records import DECODER, records_of
from pytest_medhelm.tasks.data.limits import DAMAGED, unpack_gzip
from pytest_medhelm.tasks.data.rows import Row
from pytest_medhelm.util.errors import DataError, DataMissing

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""What separates the cells of a table, as an error calls it."""
OFFICE = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How zip files, which new Office documents are, and old Office documents begin."""
LONGEST_NUMBER = 4300
"""Digits that Python reads (https://docs.python.org/3/library/stdtypes.html#int-max-str-digits)."""
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _decoded(text: str) -> object:
    """As json.loads, which would make a decoder for each line of a file."""
    return json.loads(text) if text.startswith("\ufeff") else DECODER.decode(text)  # The former says what is wrong.


def read_json(path: Path, records: str = "") -> Iterator[Row]:
    """The records of a JSON file that is one list, or one object from keys to records.

    ``records`` names the field that holds them where the file is an object around them, e.g. {"data": [...]}.
    """
    count = 0
    try:
        for count, (key, record) in enumerate(records_of(read_text(path), records), start=1):
            yield _record(path.name, count, record, key)
    except json.JSONDecodeError as error:
        raise DataError(f"{path.name}, line {error.lineno}: this is not valid JSON ({error.msg})") from None
    except LookupError:
        raise DataError(f"{path.name} has no field {records!r}, so this is not the file that is expected") from None
    except TypeError:
        raise DataError(f"{path.name} holds neither a list nor an object of records") from None
    except RecursionError:
        raise DataError(f"{path.name} is not valid JSON: it is nested too deeply") from None
    except ValueError:
        raise DataError(f"{path.name} holds a number of more than {LONGEST_NUMBER} digits") from None
    require_rows(path.name, count)


def read_jsonl(path: Path) -> Iterator[Row]:
    """The records of a file with one JSON object a line; blank lines are passed over."""
    count = 0
    # not splitlines(): JSON texts may hold other Unicode line separators unescaped
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = _decoded(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path.name}, row {number}: this is not valid JSON ({error.msg})") from None
        except RecursionError:
            raise DataError(f"{path.name}, row {number}: this JSON is nested too deeply") from None
        except ValueError:
            raise DataError(
                f"{path.name}, row {number}: it holds a number of more than {LONGEST_NUMBER} digits"
            ) from None
        yield _record(path.name, number, record)
        count += 1
    require_rows(path.name, count)


def read_csv(path: Path, *, columns: Sequence[str] = (), delimiter: str = ",") -> Iterator[Row]:
    """The rows of a table of separated values; cells may hold line breaks. All values are texts.

    The first row is the header unless ``columns`` names the columns of a file without one. A row with more or
    fewer cells is an error. Empty rows at the end, as spreadsheets leave them, are passed over.
    """
    if len(delimiter) != 1:
        raise DataError(f"{path.name}: {delimiter!r} separates no cells: name one character")
    # clinical notes exceed the csv module's default limit of 131,072 characters a cell
    csv.field_size_limit(2**31 - 1)
    lines = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter, strict=True)
    header = list(columns)
    number = 0
    empty: list[Row] = []
    try:
        for cells in lines:
            if not cells or (len(cells) == 1 != len(header) and not cells[0].strip()):
                continue  # an empty line, or one of blanks
            if not header:
                header = cells
                _check_header(path.name, header, delimiter)
                continue
            number += 1
            if len(cells) != len(header):
                raise DataError(f"{path.name}, row {number}: it has {len(cells)} cells instead of {len(header)}")
            row = Row(path.name, number, dict(zip(header, cells, strict=True)))
            if not any(map(str.strip, cells)):
                empty.append(row)
                continue
            yield from empty  # Another row follows: these are no end, and whoever reads them says what is missing.
            empty.clear()
            yield row
    except csv.Error as error:
        raise DataError(f"{path.name}, row {number + 1}: this is not a valid table ({error})") from None
    require_rows(path.name, number - len(empty))


def _check_header(file: str, header: Sequence[str], delimiter: str) -> None:
    """Raise DataError for a header that another character separates, or that names a column twice."""
    if len(header) == 1:
        others = [name for character, name in DELIMITERS.items() if character in header[0]]
        if others:
            wanted = DELIMITERS.get(delimiter, repr(delimiter))
            raise DataError(f"{file}: its cells are separated by {others[0]}; save it as a table separated by {wanted}")
    require_once(file, header)


def require_once(file: str, columns: Sequence[str]) -> None:
    """Raise DataError when two columns have the same name: which of them counts is not to be guessed."""
    named = Counter(name for name in columns if name.strip())
    twice = next((name for name in named if named[name] > 1), None)
    if twice is not None:
        numbers = [number for number, name in enumerate(columns, start=1) if name == twice]
        raise DataError(f"{file}: the columns {numbers[0]} and {numbers[1]} have the same name")


def _record(file: str, number: int, record: object, key: str = "") -> Row:
    if not isinstance(record, dict):
        raise DataError(f"{file}, row {number}: this is not a JSON object with named fields")
    return Row(file, number, record, key)


def require_rows(file: str, count: int) -> None:
    """Raise DataError for a file without any record: it is not what is expected."""
    if count < 1:
        raise DataError(f"{file} has no rows")


def read_bytes(path: Path) -> bytes:
    """A whole file, unpacked. Raises DataError when it is empty or damaged, DataMissing when it is not there."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataMissing(f"{path.name} is not there to read") from None
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror or type(error).__name__})") from None
    except DAMAGED:  # a file in a zip file
        raise DataError(f"{path.name} cannot be unpacked: the zip file is damaged or has a password") from None
    if path.suffix == ".gz":
        content = unpack_gzip(path.name, content)
    if not content.strip():
        raise DataError(f"{path.name} is empty")
    return content


def read_text(path: Path) -> str:
    """A whole UTF-8 text, unpacked, without a byte-order mark. Raises DataError, or DataMissing without the file."""
    content = read_bytes(path)
    if content.startswith(OFFICE):
        raise DataError(f"{path.name} is a zip file, an Excel workbook or a Word document, not a text; save it as text")
    if content.startswith(UTF_16):
        raise DataError(f"{path.name} is text in UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path.name}, line {line}: this is not UTF-8 text; save it as UTF-8") from None
