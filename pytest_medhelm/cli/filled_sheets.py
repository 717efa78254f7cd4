"""Filled rating sheets as people send them back: saved by a spreadsheet, with what it changes about a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, zip_longest
from pathlib import Path

from pytest_medhelm.reports.export.rating_sheet import KEY, WRONG, rated
from pytest_medhelm.results.store.annotations import Mark
from pytest_medhelm.results.store.rating_tables import ratings_of
from pytest_medhelm.results.store.ratings import Ratings
from pytest_medhelm.tasks.data.office import read_xlsx
from pytest_medhelm.tasks.data.readers import read_text
from pytest_medhelm.tasks.data.rows import Row
from pytest_medhelm.util.errors import DataError

ENDINGS = (".csv", ".xlsx")
KEY_FILE = "key.csv"
FEW = 5
_SEPARATORS = ",;\t"
"""A spreadsheet takes semicolons where a comma is part of a number, and tabs for "Unicode text"."""


def read_sheets(folder: Path) -> tuple[Ratings, list[Mark], int]:
    """Ratings, marks of references, and how many answers were rated. Raises DataError naming file, row and column."""
    if not (folder / KEY_FILE).is_file():
        raise DataError(f"{folder / KEY_FILE} is not there: name the folder that 'rating-sheet --to' wrote")
    keys = {row.text(KEY[0]): row.values for row in _rows(folder / KEY_FILE)}
    sheets = sorted(file for file in folder.iterdir() if _is_sheet(file))
    for file, other in pairwise(sheets):
        if file.stem == other.stem:
            raise DataError(f"{file.name} and {other.name} are of one rater: keep the one that is filled")
    scores: list[Ratings] = []
    orders: dict[tuple[object, ...], Path] = {}
    marks: dict[tuple[str, str], Mark] = {}
    answers = 0
    for file in sheets:
        rows = list(_rows(file))
        filled = list(rated(file.stem, rows, keys))
        answers += len(filled)
        _require_no_copy(file, rows, orders)
        if filled:
            scores.append(ratings_of(filled, file.name))
        marks |= {(mark.benchmark, mark.instance): mark for mark in _marks(file.stem, rows, keys)}
    if not scores:
        raise DataError(f"{folder}: no sheet has a rating; fill the columns behind 'rate'")
    both = Ratings(
        tuple(rating for each in scores for rating in each.scores),
        marks=tuple(mark for each in scores for mark in each.marks),
    )
    return both, list(marks.values()), answers


def _require_no_copy(file: Path, rows: Sequence[Row], orders: dict[tuple[object, ...], Path]) -> None:
    """A copy that was left beside its sheet would be a second rater who agrees in everything.

    Each rater's sheet has an order of its own, which is no proof where somebody sorted it or there are few rows.
    """
    items = [row.text(KEY[0]) for row in rows]
    content = tuple(tuple(sorted(row.values.items())) for row in rows)
    if len(items) < FEW or items == sorted(items):
        return
    first = orders.setdefault(content, file)
    if first != file:
        raise DataError(f"{first.name} and {file.name} hold the same ratings in the same order: delete the copy")


def _is_sheet(file: Path) -> bool:
    """``~$`` begins what Excel keeps while a sheet is open, ``.~`` what LibreOffice does."""
    return file.suffix.lower() in ENDINGS and file.name != KEY_FILE and not file.name.startswith(("~$", "."))


def _marks(rater: str, rows: Sequence[Row], keys: Mapping[str, Mapping[str, str]]) -> Iterator[Mark]:
    for row in rows:
        if reason := row.optional(WRONG):
            key = keys[row.text(KEY[0])]
            yield Mark(key["benchmark"], key["instance"], " ".join(reason.split()), rater)


def _rows(file: Path) -> Iterator[Row]:
    """The rows of a sheet, numbered as a spreadsheet numbers them less the header. Raises DataError."""
    rows = read_xlsx(file) if file.suffix.lower() == ".xlsx" else _csv_rows(file)
    for row in rows:
        if KEY[0] not in row.values:
            raise DataError(f"{file.name} has no column {KEY[0]!r}: it is no sheet that 'rating-sheet --to' wrote")
        if any(str(text).strip() for text in row.values.values()):
            yield row


def _csv_rows(file: Path) -> Iterator[Row]:
    text = read_text(file)
    # Excel, too, reads such a first line.
    first, _, rest = text.partition("\n")
    if first.startswith("sep="):
        text, first = rest, rest.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    csv.field_size_limit(2**31 - 1)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header = [name.strip() for name in next(lines, [])]
    while header and not header[-1]:
        header.pop()
    for name in header:
        if header.count(name) > 1:
            raise DataError(f"{file.name} has the column {name!r} twice: keep the one that is filled")
    try:
        for number, cells in enumerate(lines, start=1):
            if any(cell.strip() for cell in cells[len(header) :]):
                raise DataError(f"{file.name}, row {number}: it has more cells than there are columns")
            yield Row(file.name, number, dict(zip_longest(header, cells[: len(header)], fillvalue="")))
    except csv.Error as error:
        raise DataError(f"{file.name} is not a valid table ({error}): save it anew from the spreadsheet") from None
