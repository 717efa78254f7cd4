"""What the instance browser knows: an index of all records to filter by, and chunks of instances with their texts.

The page loads the index at once and a chunk when it shows or searches one of its instances. The writer puts them
beside the page as files (reports.browser_files), ``medhelm serve`` makes them on request.
"""

from __future__ import annotations

import heapq
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from operator import itemgetter
from statistics import fmean
from typing import cast

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.reports.html.browser_data import (
    Chunk,
    CodedColumn,
    GivenRating,
    IndexData,
    IndexedBenchmark,
    IndexedCell,
    IndexedRecords,
)
from pytest_medhelm.reports.html.embedding import as_json
from pytest_medhelm.reports.html.instance_view import instance_view
from pytest_medhelm.reports.html.metric_words import words_of
from pytest_medhelm.reports.html.overview import in_order
from pytest_medhelm.reports.html.texts import TextsOf
from pytest_medhelm.results.leaderboard.cell_entry import CellEntry
from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.jury.harm import SEVERITIES, rank
from pytest_medhelm.scoring.record import Record
from pytest_medhelm.scoring.response import STATUSES
from pytest_medhelm.tasks.metadata import BenchmarkMetadata
from pytest_medhelm.tasks.variants import NOISE_FLOOR

FORMAT = 1
CHUNK_BYTES = 1_000_000
"""Aimed at: a chunk is as many instances as have about this size together, by the mean of some."""
CHUNK_INSTANCES = 200
"""At most."""
SLICE_VALUES = 200
"""A slice with more values is none to filter by."""
_OF_CELL = ("benchmark", "model", "main_metric", "sample", "partial", "n")
_SAMPLED = 32
"""Instances of a benchmark, evenly spread, whose mean size decides how many a chunk has."""

MadeWith = tuple[str, str]
"""Evaluation set and settings of a cell's records."""


@dataclass(frozen=True)
class Slice:
    """Where the instances of a chunk are in suite.sqlite."""

    benchmark: str
    cells: Mapping[str, MadeWith]
    """By model."""
    between: tuple[str, str] | None = None
    """Ids of the first and the last instance as suite.sqlite has them, for private data never shown; None: all."""


@dataclass(frozen=True)
class Index:
    """All that the page needs but the texts."""

    data: IndexData
    slices: Mapping[str, Slice] = field(repr=False)
    """By the key of a chunk, ``<benchmark>-<k>`` in letters, digits, "-", "_" and "." """


def _metric_words(cells: Iterable[CellEntry]) -> dict[str, str]:
    names = sorted({name for cell in cells for name in cell["metrics"]})
    return {name: words for name in names if (words := words_of(name))}


def _chunks(whole: Slice, key: str, raw: Sequence[str], per_chunk: int) -> dict[str, Slice]:
    """The parts of a benchmark's instances, each from its first to its last."""
    starts = range(0, len(raw), per_chunk)
    return {
        f"{key}-{number}": Slice(whole.benchmark, whole.cells, (raw[start], raw[min(start + per_chunk, len(raw)) - 1]))
        for number, start in enumerate(starts)
    }


def index(
    suite: Suite,
    store: ResponseStore,
    leaderboard: Leaderboard,
    each: Callable[[str, Slice, Sequence[list[Record]]], object] = lambda key, part, instances: None,
) -> Index:
    """Read every record of a suite once; constant time an instance, some 100 bytes of memory each.

    It holds no text, and public ids only. ``each`` gets the key of each chunk, where it is, and its instances, for
    ``chunk_of``.
    """
    results = leaderboard["results"]
    facts = {benchmark["name"]: benchmark for benchmark in results["benchmarks"]}
    kinds = {benchmark["name"]: benchmark["kind"] for benchmark in in_order(results)}
    pairs = suite.cells()
    # Of a run that goes on, records may be newer than the leaderboard.
    columns = _Columns([*kinds, *sorted({model for _, model in pairs} - kinds.keys())])
    titles = {name: benchmark["title"] for name, benchmark in facts.items()}
    # In one transaction: of a run that goes on no record comes between.
    with suite.reading():
        benchmarks, slices = _benchmarks(suite, store, columns, pairs, titles, each)
    return Index(
        {
            "format": FORMAT,
            "suite": leaderboard["suite"],
            "currency": leaderboard["measurements"]["spending"].get("currency", ""),
            "statuses": list(STATUSES),
            "severities": list(SEVERITIES),
            "models": [{"name": name, "kind": kinds.get(name, "")} for name in columns.models],
            "benchmarks": benchmarks,
            "cells": [_cell(cell, facts) for cell in results["cells"]],
            "metrics": _metric_words(results["cells"]),
            "ids": columns.ids,
            "counts": columns.counts,
            "records": columns.records,
        },
        slices,
    )


def _benchmarks(
    suite: Suite,
    store: ResponseStore,
    columns: _Columns,
    pairs: Sequence[tuple[str, str]],
    titles: Mapping[str, str],
    each: Callable[[str, Slice, Sequence[list[Record]]], object],
) -> tuple[list[IndexedBenchmark], dict[str, Slice]]:
    """Read the records of (benchmark, model) ``pairs`` into ``columns``, and cut each benchmark into chunks."""
    benchmarks: list[IndexedBenchmark] = []
    slices: dict[str, Slice] = {}
    for name, group in groupby(pairs, key=itemgetter(0)):
        whole = Slice(name, {model: suite.newest(name, model) for _, model in group})
        raw = suite.instances(name, whole.cells)
        per_chunk = _per_chunk(suite, store, whole, raw)
        key = re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.")
        if not key or any(key == benchmark["key"] for benchmark in benchmarks):
            key = f"benchmark-{len(benchmarks)}"
        chunks = _chunks(whole, key, raw, per_chunk)
        for chunk_key, part in chunks.items():
            instances = [*_instances(suite, part)]
            columns.add(instances)
            each(chunk_key, part, instances)
        slices |= chunks
        benchmarks.append(
            {
                "name": name,
                "title": titles.get(name, name),
                "key": key,
                "count": len(raw),
                "per_chunk": per_chunk,
                "slices": columns.take_slices(),
            }
        )
    return benchmarks, slices


def chunk(suite: Suite, store: ResponseStore, part: Slice, only: Collection[str] | None = None) -> Chunk:
    """The texts of a chunk, each instance an ``instance_view``; all, or these ``only``, by public id."""
    instances = [records for records in _instances(suite, part) if only is None or records[0]["public_id"] in only]
    return chunk_of(suite, store, part, instances)


def chunk_of(suite: Suite, store: ResponseStore, part: Slice, instances: Sequence[list[Record]]) -> Chunk:
    """As ``chunk``, of instances that are read already."""
    given = _given(suite, part)
    texts = TextsOf(store, chain.from_iterable(instances))
    return {"instances": {records[0]["public_id"]: instance_view(texts, records, given) for records in instances}}


def _given(suite: Suite, part: Slice) -> dict[tuple[str, str], list[GivenRating]]:
    """What people rated outside of the runs, by instance (as suite.sqlite has it) and model, one entry per rater."""
    ratings: dict[tuple[str, str], list[GivenRating]] = {}
    rows = suite.annotations.ratings(part.benchmark, part.between)
    for (kind, rater, instance, model), group in groupby(rows, key=itemgetter(0, 1, 3, 4)):
        rating: GivenRating = {"rater": rater, "kind": kind, "scores": {}, "harm": None}
        for *_, criterion, score, severity, kinds in group:
            if criterion:
                rating["scores"][criterion] = score
            if severity:
                rating["harm"] = {"severity": severity, "kinds": [name for name in kinds.split(";") if name]}
        ratings.setdefault((instance, model), []).append(rating)
    return ratings


def _instances(suite: Suite, part: Slice) -> Iterator[list[Record]]:
    """The records of one instance after the other, models in the order of their names."""
    streams = [suite.records(part.benchmark, model, made_with, part.between) for model, made_with in part.cells.items()]
    merged = heapq.merge(*streams, key=itemgetter("instance"))
    for _, group in groupby(merged, key=itemgetter("instance")):
        yield list(group)


def _per_chunk(suite: Suite, store: ResponseStore, whole: Slice, raw: Sequence[str]) -> int:
    step = 1
    while len(raw) > 2 * _SAMPLED * step:
        step *= 2
    parts = [Slice(whole.benchmark, whole.cells, (instance, instance)) for instance in raw[::step]]
    sizes = [len(as_json(instance_view(store, records))) for part in parts for records in _instances(suite, part)]
    return max(1, min(CHUNK_INSTANCES, int(CHUNK_BYTES / fmean(sizes)))) if sizes else 1


def _cell(cell: CellEntry, facts: Mapping[str, BenchmarkMetadata]) -> IndexedCell:
    # Of a leaderboard of an earlier version some may be missing.
    taken = {name: value for name, value in cell.items() if name in _OF_CELL}
    return cast(IndexedCell, taken | {"scale": _scale(cell, facts), "marks": cell.get("marks", {})})


def _scale(cell: CellEntry, facts: Mapping[str, BenchmarkMetadata]) -> list[float]:
    main = cell["metrics"].get(cell["main_metric"])
    scale: list[float] = main["scale"] if main else facts[cell["benchmark"]]["scale"]
    return scale


class _Columns:
    """The index, column by column."""

    def __init__(self, models: Sequence[str]) -> None:
        self.models = list(models)
        self._model = {name: number for number, name in enumerate(models)}
        self._status = {name: number for number, name in enumerate(STATUSES)}
        self.ids: list[str] = []
        self.counts: list[int] = []
        self.records: IndexedRecords = {
            "model": [],
            "variant": [],
            "status": [],
            "score": [],
            "harm": [],
            "flagged": [],
            "spread": [],
        }
        self._slices: dict[str, list[str]] = {}
        self._count = 0
        """Instances of the benchmark that is being added."""

    def add(self, instances: Iterable[list[Record]]) -> None:
        """Add some instances of a benchmark."""
        for records in instances:
            first = records[0]
            for name, value in first.get("slices", {}).items():
                self._slices.setdefault(name, []).extend([""] * (self._count - len(self._slices[name])))
                self._slices[name].append(sys.intern(str(value)))
            self._count += 1
            self.ids.append(first["public_id"])
            self.counts.append(len(records))
            for record in records:
                self._add(record)

    def _add(self, record: Record) -> None:
        score = record["scores"].get(record["main_metric"])
        columns = self.records
        columns["model"].append(self._model[record["model"]])
        changed, repeat = record["perturbation"], record["repeat"]
        columns["variant"].append(3 if changed == NOISE_FLOOR else 2 if changed else int(repeat > 0))
        columns["status"].append(self._status[record["status"]])
        columns["score"].append(None if score is None else round(score, 4))
        columns["harm"].append(rank(record.get("harm")))
        columns["flagged"].append(int(bool(record.get("flags"))))
        columns["spread"].append(_spread(record))

    def take_slices(self) -> dict[str, CodedColumn]:
        """The slices of the instances added last."""
        columns: dict[str, CodedColumn] = {}
        for name, column in sorted(self._slices.items()):
            column.extend([""] * (self._count - len(column)))
            values = sorted(set(column))
            if 1 < len(values) <= SLICE_VALUES:
                position = {value: index for index, value in enumerate(values)}
                columns[name] = {"values": values, "codes": [position[value] for value in column]}
        self._slices, self._count = {}, 0
        return columns


def _spread(record: Record) -> float | None:
    """How far apart the judges are: the range of their mean scores as a share of the scale; None for one judge."""
    means = [fmean(verdict["scores"].values()) for verdict in record["verdicts"] if verdict["scores"]]
    scale = record["scales"].get("jury_helm") or record["scales"].get("jury")
    if len(means) < 2 or not scale or scale[0] == scale[1]:
        return None
    spread: float = (max(means) - min(means)) / abs(scale[1] - scale[0])
    return round(spread, 3)
