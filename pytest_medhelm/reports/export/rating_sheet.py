"""Answers on paper: blinded, shuffled sheets for clinicians, and the key by which their ratings find the answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.reports.export.csv_injection import without_formula
from pytest_medhelm.reports.html.instance_view import instance_view
from pytest_medhelm.results.store.rating_queue import Item, draw, names
from pytest_medhelm.tasks.data.rows import Row
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.installed import install_command

HARM = ("severity", "kinds")
WRONG = "reference_is_wrong"
"""The column for the reason why a reference is wrong; empty where it is right."""
SHOWN = ("question", "reference", "answer", "rate")
LONGEST_CELL = 32_000
"""Characters that a cell of a workbook holds."""
KEY = ("item", "benchmark", "instance", "model")


class Sheet(NamedTuple):
    """A table to be filled in."""

    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, str]]

    def as_csv(self) -> bytes:
        """As CSV."""
        return _csv(self.columns, self.rows).encode()

    def as_xlsx(self) -> bytes:
        """As an Excel workbook. Raises ConfigError without openpyxl."""
        try:
            from openpyxl import Workbook
            from openpyxl.styles import Alignment
        except ImportError:
            raise ConfigError(f"--format=xlsx needs openpyxl: type {install_command('data')}") from None
        book = Workbook()
        table = book.active
        table.freeze_panes = "A2"
        for number, row in enumerate([dict(zip(self.columns, self.columns, strict=True)), *self.rows], start=1):
            for column, name in enumerate(self.columns, start=1):
                cell = table.cell(number, column, without_formula(row.get(name, ""))[:LONGEST_CELL])
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        for column, name in enumerate(self.columns, start=1):
            table.column_dimensions[table.cell(1, column).column_letter].width = 60 if name in SHOWN[:3] else 16
        content = io.BytesIO()
        book.save(content)
        return content.getvalue()


def sheet(rater: str, listed: Sequence[Item], store: ResponseStore) -> Sheet:
    """The sheet of a rater, in an order of its own."""
    criteria = list(dict.fromkeys(name for item in listed for name in item.criteria))
    rows: list[Mapping[str, str]] = []
    for item in sorted(listed, key=lambda item: draw(rater, item.name)):
        view = instance_view(store, [item.record])
        worst, best = item.rubric.scale
        rows.append(
            {
                "item": item.name,
                "question": "\n\n".join(message["content"] for message in view["prompts"][0]),
                "reference": view["references"][0] if item.rubric.shows_reference else "",
                "answer": view["records"][0]["answer"],
                "rate": f"{', '.join(item.criteria)}: {worst} (worst) to {best} (best)",
            }
        )
    return Sheet(("item", *SHOWN, *criteria, *HARM, WRONG, "comment"), rows)


def key(listed: Sequence[Item]) -> str:
    """Which item is which answer, as CSV: for the owner, not for raters."""
    return _csv(KEY, [dict(zip(KEY, (item.name, *names(item.record)), strict=True)) for item in listed])


def rated(rater: str, rows: Sequence[Row], keys: Mapping[str, Mapping[str, str]]) -> Iterator[Row]:
    """The filled rows of a sheet as 'medhelm annotate' reads ratings. Raises DataError for an item without a key."""
    shown = {"", "item", *SHOWN, "comment", WRONG}
    for row in rows:
        item = row.text("item")
        if item not in keys:
            raise row.error(f"the item {item!r} is not in key.csv, which was written with other sheets")
        given = {name: str(text).strip() for name, text in row.values.items() if name not in shown}
        if any(given.values()):
            of_answer = {name: keys[item][name] for name in KEY[1:]}
            yield Row(row.file, row.number, {"rater": rater, **of_answer, **given})


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows({name: without_formula(value) for name, value in row.items()} for row in rows)
    return text.getvalue()
