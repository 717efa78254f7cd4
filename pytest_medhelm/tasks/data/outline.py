"""What a data file consists of, told by its sample file: the schema that somebody must meet who brings the real one.

Only names of columns and fields are shown, no content.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pytest_medhelm.tasks.data.arrow import read_columnar
from pytest_medhelm.tasks.data.folders import files_in
from pytest_medhelm.tasks.data.office import read_xlsx
from pytest_medhelm.tasks.data.sources import locate
from pytest_medhelm.tasks.task import DataFile, DataFolder
from pytest_medhelm.util.errors import DataError

_MOST = 30
"""More keys than this are no fields but names of records."""
_HEADER = re.compile(r"[^\W\d][\w ()&*/.-]{0,59}")
"""What the name of a column looks like; a first row of a file without a header holds texts and numbers."""


def outline(samples: Path, file: DataFile | DataFolder) -> str:
    """One sentence on a data file, from the folder with the benchmark's sample data: its format, columns or fields.

    Empty when there is no sample of it. Where it cannot be read, the sentence says why.
    """
    path = locate(samples, file)
    if path is not None and isinstance(file, DataFolder):
        path = min(files_in(path, file.pattern), key=lambda inside: inside.name)
    if path is None:
        return ""
    try:
        return _OUTLINES[path.suffix](path) if path.suffix in _OUTLINES else "text"
    except DataError as error:
        return str(error)
    except (OSError, ValueError, LookupError, StopIteration, csv.Error, sqlite3.Error, ElementTree.ParseError) as error:
        return f"the sample file cannot be read ({type(error).__name__})"


def _delimited(path: Path) -> str:
    delimiter = "\t" if path.suffix == ".tsv" else ","
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, delimiter=delimiter), [])
    kind = "tab-separated" if path.suffix == ".tsv" else "CSV"
    if not header or not all(_HEADER.fullmatch(name.strip()) for name in header):
        return f"{kind} without a header, {len(header)} columns"
    return f"{kind}, {_names('columns', header)}"


def _json_lines(path: Path) -> str:
    with path.open(encoding="utf-8-sig") as file:
        return f"JSON lines, {_names('fields', json.loads(file.readline()))}"


def _json(path: Path) -> str:
    text = path.read_text("utf-8-sig")
    try:
        return f"JSON, {_fields(json.loads(text))}"
    except json.JSONDecodeError:
        return _json_lines(path)


def _fields(document: Any) -> str:
    if isinstance(document, list):
        return f"a list of records: {_names('fields', document[0])}" if isinstance(document[0], dict) else "a list"
    values = list(document.values())
    if all(isinstance(value, dict) for value in values):
        same = all(value.keys() == values[0].keys() for value in values)
        if same or len(values) > _MOST:
            return f"records by id: {_names('fields', values[0])}"
    lists = [
        name for name, value in document.items() if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
    inside = "".join(f"; in {name}, {_names('fields', document[name][0])}" for name in lists)
    return f"{_names('fields', document)}{inside}"


def _xml(path: Path) -> str:
    root = ElementTree.parse(path).getroot()
    below = list(dict.fromkeys(element.tag for element in root.iter() if element is not root))
    return f"XML, root {_code(root.tag)}, {_names('elements', below)}"


def _sheet(path: Path) -> str:
    return f"Excel, {_names('columns', next(read_xlsx(path)).values)}"


def _table(path: Path) -> str:
    kind = {".parquet": "Parquet", ".feather": "Feather", ".arrow": "Arrow"}[path.suffix]
    return f"{kind}, {_names('columns', next(read_columnar(path)).values)}"


def _database(path: Path) -> str:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        tables = [
            name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        ]
    return f"SQLite, {_names('tables', tables)}"


def _names(what: str, names: Iterable[str]) -> str:
    return f"{what} {', '.join(map(_code, names))}"


def _code(name: str) -> str:
    return f"`{name.strip()}`"


_OUTLINES: dict[str, Callable[[Path], str]] = {
    ".csv": _delimited,
    ".tsv": _delimited,
    ".json": _json,
    ".jsonl": _json_lines,
    ".xml": _xml,
    ".xlsx": _sheet,
    ".parquet": _table,
    ".feather": _table,
    ".arrow": _table,
    ".sqlite": _database,
    ".docx": lambda _: "Word document",
    ".tok": lambda _: "text, one record a line",
    ".sql": lambda _: "SQL statements",
}
