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
import hashlib
import io
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any, TypeVar

from pytest_medhelm.tasks.data.limits import unpack_gzip
from pytest_medhelm.util.errors import DataError, DataMissing

T = TypeVar("T")

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""What separates the cells of a table, as an error calls it."""
OFFICE = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How zip files, which new Office documents are, and old Office documents begin."""
LONGEST_NUMBER = 4300
"""Digits that Python reads (https://docs.python.org/3/library/stdtypes.html#int-max-str-digits)."""
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One record of a file."""

    file: str
    """Name of the file, without its folder."""
    number: int
    """From 1; in tables the header is not counted."""
    values: Mapping[str, Any]
    key: str = ""
    """The record's own name where the file is one JSON object of records."""

    def take(self, column: str, kind: type[T]) -> T:
        """The value of a column, which must be there and be of this kind (else DataError)."""
        if column not in self.values:
            alike = next((name for name in self.values if _folded(name) == _folded(column)), None)
            # a name that differs in spaces and capitals alone shows nothing of the content
            reason = "so this is not the file that is expected" if alike is None else f"it is written {alike!r} there"
            raise self.error(f"the column {column!r} is missing, {reason}")
        value = self.values[column]
        if not isinstance(value, kind):
            held = type(value).__name__
            raise self.error(f"the column {column!r} holds a {held} instead of a {kind.__name__}")
        return value

    def text(self, column: str) -> str:
        """The text of a column, without spaces around it. DataError when it is missing, empty or no text."""
        if column in self.values and self.values[column] is None:
            raise self.error(f"the column {column!r} is empty")
        text = self.take(column, str).strip()
        if is_empty(text):
            raise self.error(f"the column {column!r} is empty")
        return text

    def texts(self, *columns: str) -> tuple[str, ...]:
        """As ``text`` of some columns, e.g. the options of a question."""
        return tuple(self.text(column) for column in columns)

    def cell(self, column: str) -> str:
        """As ``text`` for a column that must be there and whose cell may be empty."""
        return self.take(column, str).strip()

    def cells(self, *columns: str) -> tuple[str, ...]:
        """As ``cell`` of some columns."""
        return tuple(self.cell(column) for column in columns)

    def optional(self, column: str) -> str:
        """As ``text`` for a column that may be missing or empty: an empty cell or null gives the empty text."""
        return "" if self.values.get(column, "") in (None, "") else self.cell(column)

    def letter(self, column: str, *, of: int, first: int | None = None) -> str:
        """The letter, from A on, of the right one of ``of`` options (at most 26).

        The column holds this letter, in capitals or not; where ``first`` is given it holds the option's number, which
        counts from there, as a number or as text. DataError when it holds anything else.
        """
        if first is None:
            letter = self.text(column).upper()
            if len(letter) == 1 and letter in ascii_uppercase[:of]:
                return letter
            raise self.error(f"the column {column!r} is not a letter from A to {ascii_uppercase[of - 1]}")
        number = str(self.take(column, object)).strip()
        numbers = [str(number) for number in range(first, first + of)]
        if number not in numbers:
            raise self.error(f"the column {column!r} is not a number from {numbers[0]} to {numbers[-1]}")
        return ascii_uppercase[numbers.index(number)]

    def letter_of(self, column: str, choices: Sequence[str]) -> str:
        """The letter, from A on, of the choice whose words the column holds. DataError when it holds no choice."""
        text = self.text(column)
        if text not in choices:
            raise self.error(f"the column {column!r} is not one of {', '.join(choices)}")
        return ascii_uppercase[choices.index(text)]

    def error(self, problem: str) -> DataError:
        """The error to raise about this row; ``problem`` must not quote the row's content."""
        return DataError(f"{self.file}, row {self.number}: {problem}")


def is_empty(text: str) -> bool:
    """Whether a cell holds nothing: no character but blanks, or the NaN with which pandas writes that."""
    return text.strip() in ("", "NaN", "nan")


def _no_number(name: str) -> None:
    """NaN and Infinity, which JSON does not have, are what is not there."""


def digest(*texts: str) -> str:
    """12 hexadecimal digits of the SHA-256 of some texts: a name for them that does not show them."""
    return hashlib.sha256("\x1f".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def content_id(seen: Counter[str], *texts: str) -> str:
    """An id for a record that has none of its own: the digest of its texts.

    It depends on the content only, so reordering the file changes nothing. Records with the very same texts
    get "-2", "-3", ... appended; ``seen`` counts them and belongs to one reading of one file.
    """
    name = digest(*texts)
    seen[name] += 1
    return name if seen[name] == 1 else f"{name}-{seen[name]}"


def read_json(path: Path, records: str = "") -> Iterator[Row]:
    """The records of a JSON file that is one list, or one object from keys to records.

    ``records`` names the field that holds them where the file is an object around them, e.g. {"data": [...]}.
    """
    text = read_text(path)
    try:
        document = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise DataError(f"{path.name}, line {error.lineno}: this is not valid JSON ({error.msg})") from None
    except RecursionError:
        raise DataError(f"{path.name} is not valid JSON: it is nested too deeply") from None
    except ValueError:
        raise DataError(f"{path.name} holds a number of more than {LONGEST_NUMBER} digits") from None
    if records:
        document = document.get(records) if isinstance(document, dict) else None
        if document is None:
            raise DataError(f"{path.name} has no field {records!r}, so this is not the file that is expected")
    if isinstance(document, dict):
        entries = list(document.items())
    elif isinstance(document, list):
        entries = [("", record) for record in document]
    else:
        raise DataError(f"{path.name} holds neither a list nor an object of records")
    # A file of tens of thousands of notes: what was handed on is let go, and the text of all of them at once.
    del text, document
    count = len(entries)
    entries.reverse()
    for number in range(1, count + 1):
        key, record = entries.pop()
        yield _record(path.name, number, record, key)
    require_rows(path.name, count)


def read_jsonl(path: Path) -> Iterator[Row]:
    """The records of a file with one JSON object a line; blank lines are passed over."""
    count = 0
    # not splitlines(): JSON texts may hold other Unicode line separators unescaped
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, parse_constant=_no_number)
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
            if not cells:
                continue
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


def _folded(column: str) -> str:
    return column.strip().casefold()


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
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, ValueError):  # in a zip file
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
