"""Answers on paper: blinded, shuffled sheets for clinicians, and the key by which their ratings find the answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.spec import gated_of
from pytest_medhelm.reports.export.csv_injection import without_formula
from pytest_medhelm.reports.html.instance_view import instance_view
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.record_types import Record
from pytest_medhelm.util.errors import DataError

HARM = ("severity", "kinds")
WRONG = "reference_is_wrong"
"""The column for the reason why a reference is wrong; empty where it is right."""
KEY = ("item", "benchmark", "instance", "model")


@dataclass(frozen=True, slots=True)
class Item:
    """One answer to be rated."""

    name: str
    """What a sheet calls it; it tells nothing of the model."""
    record: Record
    criteria: tuple[str, ...]
    scale: tuple[float, float]


def items(suite: Suite, count: int, benchmarks: Sequence[str] = ()) -> list[Item]:
    """A seeded sample of each benchmark that judges rated, up to ``count`` answers over all candidates.

    Raises DataError when there is none.
    """
    models = gated_of({name: facts["kind"] for name, facts in suite.models().items()})
    by_instance: dict[str, list[Record]] = {}
    for benchmark, model in suite.cells():
        if model in models and (not benchmarks or benchmark in benchmarks):
            rated = [record for record in suite.records(benchmark, model) if _criteria(record)]
            by_instance.setdefault(benchmark, []).extend(rated)
    chosen = [
        record
        for _, records in sorted(by_instance.items())
        for record in sorted(records, key=lambda record: _draw("sample", *_names(record)))[:count]
    ]
    if not chosen:
        raise DataError("no answer of a candidate was rated by judges: name judges with --medhelm-judge first")
    ordered = sorted(chosen, key=lambda record: _draw("name", *_names(record)))
    return [
        Item(f"item-{number:03d}", record, _criteria(record), _scale(record))
        for number, record in enumerate(ordered, start=1)
    ]


def sheet(rater: str, listed: Sequence[Item], store: ResponseStore) -> str:
    """The sheet of a rater as CSV, in an order of its own."""
    criteria = list(dict.fromkeys(name for item in listed for name in item.criteria))
    rows: list[Mapping[str, str]] = []
    for item in sorted(listed, key=lambda item: _draw(rater, item.name)):
        view = instance_view(store, [item.record])
        worst, best = item.scale
        rows.append(
            {
                "item": item.name,
                "question": "\n\n".join(message["content"] for message in view["prompts"][0]),
                "reference": view["references"][0],
                "answer": view["records"][0]["answer"],
                "rate": f"{', '.join(item.criteria)}: {worst:g} (worst) to {best:g} (best)",
            }
        )
    return _csv(("item", "question", "reference", "answer", "rate", *criteria, *HARM, WRONG, "comment"), rows)


def key(listed: Sequence[Item]) -> str:
    """Which item is which answer, as CSV: for the owner, not for raters."""
    return _csv(KEY, [dict(zip(KEY, (item.name, *_names(item.record)), strict=True)) for item in listed])


def rated(
    rater: str, rows: Sequence[Mapping[str, str]], keys: Mapping[str, Mapping[str, str]]
) -> Iterator[dict[str, str]]:
    """The filled rows of a sheet as 'medhelm annotate' reads ratings. Raises DataError for an item without a key."""
    shown = {"question", "reference", "answer", "rate", "comment", WRONG}
    for row in rows:
        if row["item"] not in keys:
            raise DataError(f"{rater}: {row['item']!r} is not in key.csv, which was written with other sheets")
        given = {name: text.strip() for name, text in row.items() if name not in {*shown, "item"}}
        if any(given.values()):
            yield {"rater": rater, **{name: keys[row["item"]][name] for name in KEY[1:]}, **given}


def _criteria(record: Record) -> tuple[str, ...]:
    return next((tuple(verdict["scores"]) for verdict in record["verdicts"] if verdict["scores"]), ())


def _scale(record: Record) -> tuple[float, float]:
    worst, best = record["scales"].get("jury", (1.0, 5.0))
    return float(worst), float(best)


def _names(record: Record) -> tuple[str, str, str]:
    return record["benchmark"], record["public_id"], record["model"]


def _draw(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows({name: without_formula(value) for name, value in row.items()} for row in rows)
    return text.getvalue()
