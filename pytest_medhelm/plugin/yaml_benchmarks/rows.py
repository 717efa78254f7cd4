"""From a row of an own benchmark's data to an Instance."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from pytest_medhelm.plugin.yaml_benchmarks.schema import DELIMITERS, file_format
from pytest_medhelm.plugin.yaml_benchmarks.spec import Spec
from pytest_medhelm.scoring.answers.numerals import decimal_mark
from pytest_medhelm.tasks.data.readers import read_csv, read_json, read_jsonl, read_text
from pytest_medhelm.tasks.data.rows import Row, content_id, digest, is_empty
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.util.document import nearest
from pytest_medhelm.util.errors import DataError

NAMES_AT_MOST = 20
SPELLED = {",": "commas", ";": "semicolons", "|": "bars", "\t": "tabs"}


def loader(spec: Spec) -> Callable[[Path], Iterator[Instance]]:
    """A ``load`` for the data of this benchmark."""

    def load(path: Path) -> Iterator[Instance]:
        seen: Counter[str] = Counter()
        rows: dict[str, int] = {}
        for row in _rows(spec, path):
            if not rows:
                _require_columns(spec, row)
            instance = _instance(spec, row, seen)
            if instance.id in rows:
                assert spec.id is not None
                raise row.error(f"the column {spec.id.name!r} holds the same id as row {rows[instance.id]}")
            rows[instance.id] = row.number
            yield instance

    return load


def _rows(spec: Spec, path: Path) -> Iterator[Row]:
    form = file_format(path.name)
    if form == "xlsx":
        from pytest_medhelm.tasks.data.office import read_xlsx

        return read_xlsx(path)
    if form in ("json", "jsonl"):
        return read_json(path) if form == "json" else read_jsonl(path)
    delimiter = "\t" if form == "tsv" else spec.delimiter or ","
    _check_header(spec, path, delimiter)
    return read_csv(path, delimiter=delimiter)


def _check_header(spec: Spec, path: Path, delimiter: str) -> None:
    """A table whose first row cannot be its header is not read at all."""
    lines = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter)
    try:
        header = next((cells for cells in lines if cells), [])
    except csv.Error:
        return  # The reader says what is wrong.
    wanted = {column.name for column in spec.columns}
    for name, other in DELIMITERS.items():
        cells = {cell.strip(' "') for cell in delimiter.join(header).split(other)}
        if other != delimiter and not wanted & set(header) and wanted & cells:
            form = "" if file_format(path.name) == "csv" else ", call the file .csv"
            raise DataError(
                f"{path.name}: its cells are separated by {SPELLED[other]} instead of {SPELLED[delimiter]}; write "
                f"'delimiter: \"{name}\"' into {spec.path.name}{form}, or save it with {SPELLED[delimiter]}"
            )
    repeated = [name for name in header if header.count(name) > 1 and name in wanted]
    if repeated:
        raise DataError(f"{path.name} has the column {repeated[0]!r} more than once; rename one of them")


def _require_columns(spec: Spec, row: Row) -> None:
    missing = [column for column in spec.columns if column.name not in row.values]
    if not missing:
        return
    columns = [name for name in row.values if name]
    if not any(column.name in row.values for column in spec.columns):
        # What stands there may be a patient's record instead of names: it is not quoted.
        raise missing[0].position.error(
            f"{row.file} has none of the columns that are named here; its first row must hold their names"
        )
    known = columns if len(columns) <= NAMES_AT_MOST else [*columns[:NAMES_AT_MOST], "..."]
    raise missing[0].position.error(
        f"{row.file} has no column {missing[0].name!r}; its columns are: {', '.join(known)}"
        f"{nearest(missing[0].name, columns)}"
    )


def _instance(spec: Spec, row: Row, seen: Counter[str]) -> Instance:
    values = {name: _cell(row, name) for name in spec.prompt.columns}
    if not any(values.values()):
        raise row.error(f"there is nothing to ask: {', '.join(spec.prompt.columns)} are empty")
    choices = _options(spec, row)
    question, context = spec.prompt.question(values), spec.prompt.context(values)
    answer, fields = _answer(spec, row, choices)
    text = "\n".join(filter(None, (question, context)))
    return Instance(
        id=_cell(row, spec.id.name, required=True) if spec.id else content_id(seen, text, *choices, answer),
        question=question,
        context=context,
        answer=answer,
        choices=choices,
        cluster=digest(cell) if spec.cluster and (cell := _cell(row, spec.cluster.name)) else "",
        slices={column.name: _cell(row, column.name) or "not stated" for column in spec.slices},
        fields=fields,
    )


def _cell(row: Row, column: str, *, required: bool = False) -> str:
    """The text of a cell; JSON may hold numbers and lists of texts too."""
    value = row.values.get(column)
    if isinstance(value, bool):
        text = str(value).lower()
    elif value is None or isinstance(value, str | int | float):
        text = "" if value is None else str(value).strip()
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        text = "\n".join(value).strip()
    else:
        raise row.error(f"the column {column!r} holds neither a text nor a number")
    text = "" if is_empty(text) else text
    if required and not text:
        raise row.error(f"the column {column!r} is empty")
    return text


def _options(spec: Spec, row: Row) -> tuple[str, ...]:
    if not spec.answer.choice_columns:
        return spec.answer.choices
    if len(spec.answer.choice_columns) == 1:
        name = spec.answer.choice_columns[0].name
        value: Any = row.values.get(name)
        if isinstance(value, dict):
            raise row.error(
                f"the column {name!r} holds an object; write its values as a list, in the order of their letters"
            )
        if not isinstance(value, list) or not all(isinstance(option, str) and option.strip() for option in value):
            raise row.error(
                f"the column {name!r} holds no list of texts; in a table use choices_columns, one for each option"
            )
        options = tuple(option.strip() for option in value)
    else:
        options = tuple(_cell(row, column.name) for column in spec.answer.choice_columns)
        while options and not options[-1]:
            options = options[:-1]  # A question may have fewer options than the others.
        if "" in options:
            raise row.error(f"the column {spec.answer.choice_columns[options.index('')].name!r} is empty")
    if not 2 <= len(options) <= 26:
        raise row.error(f"it has {len(options)} options instead of 2 to 26")
    if len(set(options)) < len(options):
        raise row.error("two of its options are the same")
    return options


def _answer(spec: Spec, row: Row, choices: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    column = spec.answer.column.name
    given = _cell(row, column, required=True)
    if spec.answer.kind == "letter":
        letters = ascii_uppercase[: len(choices)]
        if len(given) != 1 or given.upper() not in letters:
            raise row.error(
                f"the column {column!r} does not hold one of the letters {', '.join(letters)}; where it holds the "
                "option's own words, write kind: label"
            )
        return given.upper(), {}
    if spec.answer.kind == "label":
        matches = [index for index, choice in enumerate(choices) if choice.casefold() == given.casefold()]
        exact = [index for index in matches if choices[index] == given]
        if len(exact or matches) != 1:
            raise row.error(f"the column {column!r} holds none of the options; they are told apart letter by letter")
        return ascii_uppercase[(exact or matches)[0]], {}
    if spec.answer.kind == "number":
        # Excel and JSON keep numbers as such, whatever the language.
        is_table = file_format(row.file) in ("csv", "tsv")
        number = reference_number(given, spec.language if is_table else "en")
        if number is None:
            raise row.error(f"the column {column!r} does not hold a plain number, e.g. 12.5")
        return given, {"number": number, "tolerance": spec.answer.tolerance.around(number)}
    return given, {}


def reference_number(text: str, language: str) -> float | None:
    """A number as a table holds it, or None when it is none or could be read in two ways ("1.200" in German)."""
    text = text.replace("−", "-")
    mark = decimal_mark(language)
    if mark == "," and re.fullmatch(r"[+-]?[1-9]\d{0,2}\.\d{3}", text):
        return None
    if mark == "," and re.fullmatch(r"[+-]?\d+,\d+", text):
        text = text.replace(",", ".")
    elif mark == "." and re.fullmatch(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    return float(text) if re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?\d{1,2})?", text, re.IGNORECASE) else None
