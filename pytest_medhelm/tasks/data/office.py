"""Readers of Excel workbooks and Word documents; they need the extra ``data``."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from zipfile import BadZipFile

from pytest_medhelm.tasks.data.readers import Row, read_bytes, require_once, require_rows
from pytest_medhelm.util.errors import DataError, missing_extra


def read_xlsx(path: Path, sheet: str | None = None) -> Iterator[Row]:
    """The rows of a worksheet (the first one when not named), whose first row is the header.

    All values are texts; an empty cell is the empty text, a row without any value is passed over. Raises
    DataMissing when openpyxl is not installed.
    """
    try:
        import openpyxl
    except ImportError:
        raise missing_extra(path.name, "openpyxl") from None
    content = read_bytes(path)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        names = list(book.sheetnames)
        known = sheet is None or sheet in names
        cells = list(book[sheet or names[0]].iter_rows(values_only=True)) if known else []
    except (BadZipFile, KeyError, ValueError, TypeError, OSError, SyntaxError, zlib.error):
        # SyntaxError is the base of ElementTree's ParseError
        raise DataError(f"{path.name} is not an Excel workbook (.xlsx), or it is damaged") from None
    if not known:
        raise DataError(f"{path.name} has no sheet {sheet!r}")
    header, *rows = cells or [()]
    columns = ["" if name is None else str(name).strip() for name in header]
    require_once(path.name, columns)
    for number, row in enumerate(rows, start=1):
        if any(cell is not None for cell in row):
            texts = ["" if cell is None else str(cell) for cell in row]
            # a row may end before the header does when its last cells are empty
            yield Row(path.name, number, dict(zip_longest(columns, texts[: len(columns)], fillvalue="")))
    require_rows(path.name, len(rows))


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
        from docx.opc.exceptions import OpcError
    except ImportError:
        raise missing_extra(path.name, "python-docx") from None
    content = read_bytes(path)
    try:
        document = docx.Document(io.BytesIO(content))
    except (BadZipFile, OpcError, KeyError, ValueError, OSError, SyntaxError, zlib.error):
        raise DataError(f"{path.name} is not a Word document (.docx), or it is damaged") from None
    count = 0
    for number, paragraph in enumerate(document.paragraphs, start=1):
        count += bool(paragraph.text.strip())
        colours = {str(run.font.color.rgb) for run in paragraph.runs if run.text.strip() and run.font.color.rgb}
        yield Paragraph(number, paragraph.text, frozenset(colours))
    require_rows(path.name, count)
