"""The rows of the exported tables: scores, verdicts, cells. One record at a time is in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.reports.html.browser_data import VerdictView
from pytest_medhelm.reports.html.instance_view import instance_view
from pytest_medhelm.results.leaderboard.aggregate import read_cells
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.slices import MOST
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.record_types import Record
from pytest_medhelm.scoring.response import STATUSES
from pytest_medhelm.tasks.metadata import BenchmarkMetadata
from pytest_medhelm.tasks.prompts import Message
from pytest_medhelm.tasks.public_ids import public_name
from pytest_medhelm.tasks.taxonomy import CATEGORY_OF

Row = dict[str, Any]
_TOKENS = ("prompt_tokens", "completion_tokens", "reasoning_tokens")


@dataclass
class _Survey:
    """What a row says of the whole cell."""

    records: int = 0
    instances: int = 0
    metrics: dict[str, list[float] | None] = field(default_factory=dict)
    """Metrics that any of its records names, with their scales where known."""
    of_points: set[str] = field(default_factory=set)
    """Metrics of criteria with points: one over the criteria with a tag does not exist for answers without such."""
    slices: dict[str, set[str]] = field(default_factory=dict)
    """Groups by key, at most one more than are shown."""
    size: int = 0

    def add(self, record: Record, *, new: bool) -> None:
        self.records += 1
        self.instances += new
        self.size = record["eval_set_size"]
        for name in (record["main_metric"], *record["not_applicable"], *record["absent"]):
            self.metrics.setdefault(name, None)
        self.metrics |= record["scales"]
        self.of_points.update(record.get("spans", ()))
        for key, value in record.get("slices", {}).items():
            groups = self.slices.setdefault(key, set())
            if len(groups) <= MOST:
                groups.add(value)


def score_rows(suite: Suite, store: ResponseStore | None = None) -> Iterator[Row]:
    """A row per record and metric of its cell; with a ``store`` the texts too."""
    for record, head, survey in _records(suite):
        usage, texts = record["usage"], _texts(store, record)
        shared = head | {name: record.get(name) for name in ("latency", "attempts", "cached", "cost", "paid")}
        shared |= {name: usage.get(name) for name in _TOKENS} | texts
        shared |= {"eval_set_hash": record["eval_set_hash"], "fingerprint": record["fingerprint"]}
        sure = record.get("confidence")
        shared |= {"confidence": sure and sure["value"], "confidence_kind": sure and sure["kind"]}
        for name in sorted(survey.metrics):
            worst, best = survey.metrics[name] or (None, None)
            yield shared | {
                "metric": name,
                "main_metric": name == record["main_metric"],
                "score": None if name in record["not_applicable"] else record["scores"].get(name),
                "state": _state(record, name, survey),
                "scale_worst": worst,
                "scale_best": best,
            }


def verdict_rows(suite: Suite, store: ResponseStore | None = None) -> Iterator[Row]:
    """A row per record, judge and criterion; a verdict without scores has one row, without a criterion."""
    for record, head, _ in _records(suite):
        if not record["verdicts"]:
            continue
        view = instance_view(store, [record])["records"][0]["verdicts"] if store else None
        texts = _texts(store, record)
        for number, verdict in enumerate(record["verdicts"]):
            harm, usage = verdict.get("harm"), verdict.get("usage") or {}
            shared = head | texts | {name: usage.get(name) for name in _TOKENS}
            shared |= {name: verdict.get(name) for name in ("latency", "cost", "paid", "repaired")}
            shared |= {
                "judge": verdict["judge"],
                "judge_served": verdict.get("served") or None,
                "verdict_status": verdict["status"],
                "tries": len(verdict.get("repeats") or ()) or 1,
                "harm_severity": harm["severity"] if harm else None,
                "harm_kinds": json.dumps(harm["kinds"]) if harm else None,
                "verdict_error": (verdict["error"] or None) if store else None,
            }
            scores: Mapping[str, float | None] = verdict["scores"] or {"": None}
            for criterion, score in scores.items():
                reason = _reason(view[number], criterion) if view else None
                yield shared | {"criterion": criterion or None, "score": score, "reason": reason}


def cell_rows(suite: Suite) -> Iterator[Row]:
    """A row per cell and metric; a cell without any has one, of its main metric, without a value."""
    kinds = suite.models()
    for cell in read_cells(suite)[0]:
        head = cell_head(cell, kinds) | {f"status_{status}": cell.statuses.get(status, 0) for status in STATUSES}
        metrics: Mapping[str, Row] = {name: dict(summary) for name, summary in cell.metrics.items()}
        for name, summary in (metrics or {cell.main_metric: {}}).items():
            worst, best = summary.get("scale") or (None, None)
            yield (
                head
                | summary
                | {
                    "metric": name,
                    "main_metric": name == cell.main_metric,
                    "scale_worst": worst,
                    "scale_best": best,
                }
            )


def cell_head(cell: Cell, models: Mapping[str, ModelMetadata]) -> Row:
    """What every row says of its cell."""
    return _head(cell.benchmark, cell.model, cell.metadata, models) | {
        "size": cell.size,
        "sample": cell.sample,
        "partial": cell.partial,
    }


def _head(benchmark: str, model: str, metadata: BenchmarkMetadata, models: Mapping[str, ModelMetadata]) -> Row:
    subcategory = metadata["subcategory"]
    return {
        "benchmark": benchmark,
        "category": CATEGORY_OF.get(subcategory),
        "subcategory": subcategory,
        "model": model,
        "model_kind": models[model]["kind"] if model in models else None,
    }


def _records(suite: Suite) -> Iterator[tuple[Record, Row, _Survey]]:
    """Each record, with what its rows share, and what its cell holds."""
    models = suite.models()
    for benchmark, model in suite.cells():
        made_with = suite.newest(benchmark, model)
        metadata = suite.benchmark(benchmark, made_with[0])
        survey, last = _Survey(), None
        for record in suite.records(benchmark, model, made_with):
            survey.add(record, new=record["instance"] != last)
            last = record["instance"]
        head = _head(benchmark, model, metadata, models) | {
            "sample": metadata["data"]["origin"] == "sample",
            "partial": survey.instances < survey.size,
        }
        for record in suite.records(benchmark, model, made_with):
            yield record, head | _of_record(record, metadata, survey), survey


def _of_record(record: Record, metadata: BenchmarkMetadata, survey: _Survey) -> Row:
    cluster = record.get("cluster")
    slices = {key: value for key, value in record.get("slices", {}).items() if len(survey.slices[key]) <= MOST}
    return {
        "instance": record["public_id"],
        "perturbation": record["perturbation"] or None,
        "repeat": record["repeat"],
        "status": record["status"],
        "cluster": public_name(metadata["access"], record["benchmark"], cluster) if cluster else None,
        "sub_task": record["sub_task"] or None,
        "slices": json.dumps(slices, sort_keys=True, ensure_ascii=False) if slices else None,
    }


def _state(record: Record, metric: str, survey: _Survey) -> str:
    if metric in record["not_applicable"]:
        return "not_applicable"
    if metric in record["scores"]:
        return "measured"
    spans = record.get("spans", {})
    if spans and metric in survey.of_points and metric not in spans and metric not in record["absent"]:
        return "not_applicable"
    return "absent" if metric in record["absent"] else "missing"


def _texts(store: ResponseStore | None, record: Record) -> Row:
    if store is None:
        return {}
    view = instance_view(store, [record])
    (shown,) = view["records"]
    return {
        "prompt": _prompt(view["prompts"][0]),
        "answer": shown["answer"],
        "reasoning": shown["thinking"],
        "reference": view["references"][0],
        "error": record["error"],
    }


def _prompt(messages: Sequence[Message]) -> str:
    """The content of a single message; several each below their role."""
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)


def _reason(verdict: VerdictView, criterion: str) -> str:
    """The judge's reasons for a criterion, of each try; the whole reply where they cannot be told apart."""
    reasons = [repeat.get("reasons", {}).get(criterion) or repeat.get("reply", "") for repeat in verdict["tries"]]
    return "\n\n".join(filter(None, reasons))
