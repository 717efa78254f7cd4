"""Readers of Excel workbooks and Word documents; they need the extra ``data``."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from pytest_medhelm.tasks.data.limits import DAMAGED, require_members
from pytest_medhelm.tasks.data.readers import read_bytes, require_once, require_rows
from pytest_medhelm.tasks.data.rows import Row
from pytest_medhelm.util.errors import DataError, missing_extra

_DAMAGED = (
    *DAMAGED, KeyError, TypeError, AttributeError, IndexError, OSError, RecursionError,
    SyntaxError,  # the base of ElementTree's ParseError
)  # fmt: skip
"""What openpyxl raises where a sheet is damaged further down."""


def _opened(path: Path, reader: Callable[[io.BytesIO], Any]) -> Any:
    """What a reader makes of an Office file, which is a zip file. Raises DataError when it is none, or too large."""
    content = read_bytes(path)
    kind = "Excel workbook (.xlsx)" if ".xlsx" in path.name.lower() else "Word document (.docx)"
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            require_members(path.name, archive.infolist(), len(content))
        return reader(io.BytesIO(content))
    except DataError:
        raise
    except Exception:  # whatever a library makes of a file that is none of its own
        raise _not_an(path, kind) from None


def _not_an(path: Path, kind: str) -> DataError:
    return DataError(f"{path.name} is not {'an' if kind.startswith('E') else 'a'} {kind}, or it is damaged")


def read_xlsx(path: Path, sheet: str | None = None) -> Iterator[Row]:
    """The rows of a worksheet (the first one when not named), whose first row is the header.

    All values are texts; an empty cell is the empty text, a row without any value is passed over. Raises
    DataMissing when openpyxl is not installed.
    """
    try:
        import openpyxl
    except ImportError:
        raise missing_extra(path.name, "openpyxl") from None
    book = _opened(path, lambda content: openpyxl.load_workbook(content, read_only=True, data_only=True))
    if sheet is not None and sheet not in book.sheetnames:
        raise DataError(f"{path.name} has no sheet {sheet!r}")
    rows = _values(path, book, sheet)
    columns = ["" if name is None else str(name).strip() for name in next(rows, ())]
    require_once(path.name, columns)
    number = 0
    for number, row in enumerate(rows, start=1):
        texts = ["" if cell is None else str(cell) for cell in row[: len(columns)]]
        if any(cell is not None for cell in row):
            # a row may end before the header does when its last cells are empty
            yield Row(path.name, number, dict(zip_longest(columns, texts, fillvalue="")))
    require_rows(path.name, number)


def _values(path: Path, book: Any, sheet: str | None) -> Iterator[Sequence[Any]]:
    """The rows of a worksheet, one at a time: a sheet of a few cells may say that it has a million rows."""
    try:
        cells = book[sheet or book.sheetnames[0]]
        cells.reset_dimensions()
        yield from cells.iter_rows(values_only=True)
    except _DAMAGED:
        raise _not_an(path, "Excel workbook (.xlsx)") from None


@dataclass(frozen=True, slots=True, repr=False)
class Paragraph:
    """A paragraph of a Word document."""

    number: int
    """From 1, empty paragraphs counted."""
    text: str
    colours: frozenset[str]
    """The font colours set on its runs of text, as six hexadecimal digits in capitals, e.g. "FF0000"."""


def read_docx(path: Path) -> Iterator[Paragraph]:
    """The paragraphs of a Word document, text in tables aside.

    Raises DataMissing when python-docx is not installed.
    """
    try:
        import docx
    except ImportError:
        raise missing_extra(path.name, "python-docx") from None
    document = _opened(path, docx.Document)
    count = 0
    for number, paragraph in enumerate(document.paragraphs, start=1):
        text = paragraph.text
        count += bool(text.strip())
        # Each look at a run searches its XML; most have no colour.
        coloured = ((run, rgb) for run in paragraph.runs if (rgb := run.font.color.rgb))
        yield Paragraph(number, text, frozenset(str(rgb) for run, rgb in coloured if run.text.strip()))
    require_rows(path.name, count)
