"""Readers of Excel workbooks, which need the extra ``data``, and of Word documents."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
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
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_RUN, _TEXT = f"{_WORD}r", f"{_WORD}t"
_SIGNS = {f"{_WORD}{name}": sign for name, sign in (("tab", "\t"), ("ptab", "\t"), ("br", "\n"), ("cr", "\n"))}
_SIGNS[f"{_WORD}noBreakHyphen"] = "-"
"""What stands in a run beside its texts."""


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
    """The paragraphs of a Word document, text in tables aside."""
    document = _opened(path, _main_part)
    if document.tag != f"{_WORD}document":
        raise _not_an(path, "Word document (.docx)")
    count = 0
    for number, paragraph in enumerate(document.iterfind(f"{_WORD}body/{_WORD}p"), start=1):
        text, colours = "", set()
        for part in paragraph:
            if part.tag == _RUN:
                said = _text_of(part)
                colour = part.find(f"{_WORD}rPr/{_WORD}color") if said.strip() else None
                value = "" if colour is None else colour.get(f"{_WORD}val", "")
                if re.fullmatch("[0-9A-Fa-f]{6}", value):
                    colours.add(value.upper())
                text += said
            elif part.tag == f"{_WORD}hyperlink":
                text += "".join(map(_text_of, part.iterfind(_RUN)))
        count += bool(text.strip())
        yield Paragraph(number, text, frozenset(colours))
    require_rows(path.name, count)


def _main_part(content: io.BytesIO) -> Element:
    """The part of a document that holds its text; the relations of the whole say which of its files that is."""
    with ZipFile(content) as archive:
        relations = _parsed(archive.read("_rels/.rels"))
        (name,) = (part.attrib["Target"] for part in relations if part.get("Type", "").endswith("/officeDocument"))
        return _parsed(archive.read(name.lstrip("/")))


def _parsed(part: bytes) -> Element:
    if b"<!DOCTYPE" in part:
        raise ValueError("Word writes no document type, and so no entities that grow")
    return ElementTree.fromstring(part)


def _text_of(run: Element) -> str:
    """The text of a run, with its tabs and line breaks."""
    return "".join(
        part.text or "" if part.tag == _TEXT else _SIGNS.get(part.tag, "")
        for part in run
        if part.tag != f"{_WORD}br" or part.get(f"{_WORD}type", "textWrapping") == "textWrapping"
    )
