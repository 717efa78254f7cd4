"""The key ``answer``: the reference's column and kind, its options, tolerance and positive label."""

from __future__ import annotations

import re

from pytest_medhelm.plugin.yaml_benchmarks.spec import Answer, Column, Tolerance
from pytest_medhelm.util.document import Table, Value

KINDS = ("letter", "label", "number", "text")
_KEYS = ("kind", "column", "choices", "choices_column", "choices_columns", "tolerance", "positive")


def read_answer(value: Value) -> Answer:
    """Read and check it. Raises OwnError with one sentence."""
    table = value.table(_KEYS)
    kind = table.need("kind", "letter").one_of(KINDS)
    choices, choice_columns = _choices(table, kind)
    return Answer(
        column=Column.of(table.need("column", "answer")),
        kind=kind,
        choices=choices,
        choice_columns=choice_columns,
        tolerance=_tolerance(table, kind),
        positive=_positive(table, choices),
    )


def _choices(table: Table, kind: str) -> tuple[tuple[str, ...], tuple[Column, ...]]:
    given = [key for key in ("choices", "choices_column", "choices_columns") if key in table.values]
    if kind not in ("letter", "label"):
        if given:
            raise table.values[given[0]].error(f"a {kind} has no options; delete this line, or write kind: letter")
        return (), ()
    if not given:
        table.need("choices", "[yes, no]")
    if len(given) > 1:
        raise table.values[given[1]].error(f"the options are named by {given[0]} already; keep one of the two")
    value = table.values[given[0]]
    if given[0] == "choices_column":
        return (), (Column.of(value),)
    texts = value.texts()
    if not 2 <= len(texts) <= 26:
        raise value.error(f"{value.name} names {len(texts)} instead of 2 to 26, e.g. [yes, no]")
    if given[0] == "choices_columns":
        return (), tuple(Column.of(item) for item in value.items())
    return tuple(texts), ()


def _positive(table: Table, choices: tuple[str, ...]) -> str:
    value = table.get("positive")
    if value is None:
        return ""
    if not choices:
        raise value.error("precision and recall of one label need choices that are the same in every row")
    return value.one_of(choices)


def _tolerance(table: Table, kind: str) -> Tolerance:
    value = table.get("tolerance")
    if value is None:
        return Tolerance()
    if kind != "number":
        raise value.error("only an answer of kind: number has a tolerance; delete this line")
    matched = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", value.text())
    if matched is None:
        raise value.error("tolerance is a number, e.g. 0.5, or a share of the reference, e.g. 5 %")
    return Tolerance(float(matched[1]) / 100, True) if matched[2] else Tolerance(float(matched[1]))
