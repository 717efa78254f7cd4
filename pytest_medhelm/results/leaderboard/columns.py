"""The records of one cell, column by column: what is aggregated."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from statistics import fmean
from typing import Any

from pytest_medhelm.results.leaderboard.answers import UNKNOWN, Answers, answers_of, lacking, status_of
from pytest_medhelm.results.leaderboard.confidence_column import ConfidenceColumn, Said, read_confidences, said_of
from pytest_medhelm.results.leaderboard.confidence_measure import LOSSES, losses, named
from pytest_medhelm.results.leaderboard.jury_columns import JuryColumns
from pytest_medhelm.results.leaderboard.spending import Spending
from pytest_medhelm.scoring.record_types import Record


@dataclass
class Columns:
    """The records of one cell, column by column: one entry per instance, repeats averaged."""

    eval_set_hash: str = ""
    fingerprint: str = ""
    """Hash of what the records were made with."""
    runs: set[int] = field(default_factory=set)
    size: int = 0
    main_metric: str = ""
    ids: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    sub_tasks: list[str] = field(default_factory=list)
    slices: dict[str, list[str]] = field(default_factory=dict)
    """Per key of a slice its value for each instance, empty where it has none."""
    labels: list[tuple[str, str] | None] = field(default_factory=list)
    """(right, predicted) label where answers are labels."""
    references: list[str] = field(default_factory=list)
    """The hash of each reference; an answer that is missing has one too."""
    scores: dict[str, list[float | None]] = field(default_factory=dict)
    """Per metric one score per instance, None where missing or not applicable."""
    not_applicable: dict[str, set[int]] = field(default_factory=dict)
    """Per metric the instances for which it does not exist."""
    absent: dict[str, list[str]] = field(default_factory=dict)
    """Per metric why it could not be computed, one reason for each instance where that is so."""
    jury: JuryColumns = field(default_factory=JuryColumns)
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Metrics of which the mean alone is clipped to 0..1: the least and the most that an example can score."""
    limits: dict[str, dict[int, tuple[float, float]]] = field(default_factory=dict)
    """Per metric, of instances where it is missing in part: what it is at worst and at best."""
    marks: dict[str, str] = field(default_factory=dict)
    """By public id, why the reference is marked as wrong."""
    judged: set[str] = field(default_factory=set)
    """Metrics that are made of verdicts of judges."""
    scales: dict[str, list[float]] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    first_latencies: list[float] = field(default_factory=list)
    """Of answers that were asked for these records, at the first attempt."""
    retried: int = 0
    """Answers that were asked for these records and took more than one attempt, or did not come."""
    floors: dict[int, float] = field(default_factory=dict)
    """By its position, the least score of an instance that is a never-event."""
    confidences: dict[str, ConfidenceColumn] = field(default_factory=dict)
    """By kind, how sure the model was of each answer; empty where that was not asked for."""
    unmatched: int = 0
    """Human answers that fit no instance."""
    read_as: Counter[str] = field(default_factory=Counter)
    """How the chosen options were said, where answers are options."""
    unknown_marks: Counter[str] = field(default_factory=Counter)
    """Paired marks around the first part of answers that no family of models is known by."""
    answers: list[Answers | None] = field(default_factory=list)
    """All answers to each instance: repeats, and those to its variants. None where it was asked once."""
    perturbations: dict[str, Counter[str]] = field(default_factory=dict)
    """By perturbation how many instances it was meant for: by why it cannot be applied, empty where it is."""
    derived: set[str] = field(default_factory=set)
    """Metrics of several answers to an instance: they say in other ways what its scores say."""
    paired: set[str] = field(default_factory=set)
    """Metrics whose scores are differences between two ways of asking one instance."""
    varied: set[str] = field(default_factory=set)
    """Metrics of instances that were asked in other words, and of those sub-tasks alone that have such."""
    pooled: set[str] = field(default_factory=set)
    """Metrics of all instances together, of whatever sub-task."""
    lost: dict[str, str] = field(default_factory=dict)
    """Per metric of several answers, or of confidences, what an instance without a score did: a verb in the past."""
    incomplete: int = 0
    """Instances that lack one of their repeats or variants."""
    asked: int = 0
    """Answers, read from the cache or not."""
    cached: int = 0
    retries: int = 0
    spending: Spending = field(default_factory=Spending)

    @property
    def main_scale(self) -> tuple[float, float]:
        """Worst and best value of the main metric."""
        if self.main_metric in self.spans:
            return 0.0, 1.0
        worst, best = self.scales.get(self.main_metric, (0.0, 1.0))
        return worst, best

    def is_judged(self, metric: str) -> bool:
        """A metric is made of verdicts of judges."""
        return metric in self.judged or self.jury.is_jury_metric(metric)

    def only(self, rows: Sequence[int]) -> Columns:
        """Some instances, by their positions, as if they were all: what a slice is aggregated from."""
        position = {row: index for index, row in enumerate(rows)}
        return replace(
            self,
            size=len(rows),
            ids=[self.ids[row] for row in rows],
            statuses=[self.statuses[row] for row in rows],
            clusters=[self.clusters[row] for row in rows],
            sub_tasks=[self.sub_tasks[row] for row in rows],
            slices={key: [values[row] for row in rows] for key, values in self.slices.items()},
            labels=[self.labels[row] for row in rows] if self.labels else [],
            references=[self.references[row] for row in rows] if self.references else [],
            scores={name: [values[row] for row in rows] for name, values in self.scores.items()},
            not_applicable={
                name: {position[row] for row in inapplicable & position.keys()}
                for name, inapplicable in self.not_applicable.items()
            },
            absent={},
            limits={
                name: {position[row]: open_ends[row] for row in open_ends.keys() & position.keys()}
                for name, open_ends in self.limits.items()
            },
            marks={},
            answers=[self.answers[row] for row in rows] if self.answers else [],
            floors={position[row]: self.floors[row] for row in self.floors.keys() & position.keys()},
            jury=self.jury.only(rows),
            confidences={kind: column.only(rows) for kind, column in self.confidences.items()},
        )


def read_columns(
    records: Iterable[Record], spending: Spending | None = None, marks: Mapping[str, str] | None = None
) -> Columns:
    """Read the records of one cell, which come by instance. The instance is the unit: repeats are averaged."""
    columns = Columns(spending=spending or Spending())
    said: list[list[Said]] = []
    for _, group in groupby(records, key=itemgetter("instance")):
        whole = list(group)
        for record in whole:
            _read_call(columns, record)
        columns.eval_set_hash, columns.size = whole[0]["eval_set_hash"], whole[0]["eval_set_size"]
        columns.main_metric = whole[0]["main_metric"]
        columns.fingerprint = whole[0]["fingerprint"]
        # What an instance comes to is what the unchanged one does; variants are measured beside.
        repeats = [record for record in whole if not record.get("perturbation")]
        if repeats:
            said.append([*map(said_of, repeats)])
            _read_instance(columns, whole, repeats, marks or {})
    _leave_out_untagged(columns)
    columns.confidences = read_confidences(said)
    for kind, column in columns.confidences.items():
        for metric, (_, scale) in LOSSES.items():
            columns.scores[named(metric, kind)] = losses(column, metric)
            columns.scales[named(metric, kind)] = list(scale)
            columns.pooled.add(named(metric, kind))
            columns.lost[named(metric, kind)] = f"gave no confidence{column.why}"
    return columns


def _read_instance(
    columns: Columns, whole: Sequence[Record], repeats: Sequence[Record], marks: Mapping[str, str]
) -> None:
    """One instance more: all its records, and those of the unchanged one."""
    first = repeats[0]
    wanted = first.get("repeats", len(repeats))
    columns.incomplete += len(repeats) < wanted or bool(lacking(whole))
    for name, reason in first.get("perturbations", {}).items():
        columns.perturbations.setdefault(name, Counter())[reason] += 1
    alone = len(whole) == wanted == 1
    columns.answers.append(None if alone else answers_of(whole, wanted))
    columns.unmatched = first.get("unmatched", 0)
    columns.ids.append(first["public_id"])
    if first["instance"] in marks:
        columns.marks[first["public_id"]] = marks[first["instance"]]
    columns.statuses.append(sys.intern(status_of(repeats)))
    columns.clusters.append(first["cluster"] or columns.ids[-1])
    columns.sub_tasks.append(sys.intern(first["sub_task"]))
    if first.get("must_pass") is not None:
        columns.floors[len(columns.ids) - 1] = first["must_pass"]
    columns.slices = _appended(columns.slices, first.get("slices", {}), len(columns.ids) - 1)
    columns.labels.append(_label(first))
    if "read_as" in first:
        columns.read_as[sys.intern(first["read_as"])] += 1
    if "unknown_mark" in first:
        columns.unknown_marks[first["unknown_mark"]] += 1
    columns.references.append(sys.intern(first.get("reference", "")))
    columns.jury.add(repeats)
    columns.judged.update(_judged(first))
    _read_scores(columns, repeats)


def _read_scores(columns: Columns, repeats: Sequence[Record]) -> None:
    """The scores of an instance: the means of its repeats."""
    first = repeats[0]
    for name in first.get("not_applicable", ()):
        columns.not_applicable.setdefault(name, set()).add(len(columns.ids) - 1)
    for name, reason in first.get("absent", {}).items():
        columns.not_applicable.setdefault(name, set()).add(len(columns.ids) - 1)
        columns.absent.setdefault(name, []).append(sys.intern(reason))
    means = _means([record["scores"] for record in repeats])
    for name in means.keys() | columns.scores.keys() | first.get("limits", {}).keys():
        if name not in columns.scores:
            columns.scores[name] = [None] * (len(columns.ids) - 1)
        columns.scores[name].append(means.get(name))
    if len(repeats) > 1 or "spans" in first or "limits" in first:
        _read_limits(columns, repeats)


def _means(scores: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """The mean of each score that all have."""
    if len(scores) == 1:
        return dict(zip(scores[0], map(float, scores[0].values()), strict=True))
    shared = set(scores[0]).intersection(*scores[1:])
    return {name: fmean([each[name] for each in scores]) for name in shared}


def _read_call(columns: Columns, record: Record) -> None:
    """What was measured when an answer was asked for."""
    columns.asked += 1
    columns.scales.update(record["scales"])
    columns.spending.add(record)
    columns.runs.add(record.get("run", 0))
    columns.cached += record["cached"]
    columns.retries += max(0, record["attempts"] - 1)
    if record["attempts"]:
        at_once = record["attempts"] == 1 and record["status"] != "request_error"
        columns.retried += not record["cached"] and not at_once
        if record["latency"]:  # What was refused took no time that an answer would take.
            columns.latencies.append(record["latency"])
            columns.first_latencies += [record["latency"]] * (at_once and not record["cached"])


def _read_limits(columns: Columns, repeats: Sequence[Record]) -> None:
    """What scores can be that may lie outside of 0..1, and those of the last instance that are missing in part."""
    for record in repeats:
        for name, (low, high) in record.get("spans", {}).items():
            known = columns.spans.get(name, (low, high))
            columns.spans[name] = (min(low, known[0]), max(high, known[1]))
    for name in {name for record in repeats for name in record.get("limits", {})}:
        limits: list[Any] = [record.get("limits", {}).get(name, [record["scores"].get(name)] * 2) for record in repeats]
        whole = [(ends[0], ends[1]) for ends in limits if None not in ends]
        if len(whole) == len(limits):
            worst, best = (fmean(ends[end] for ends in whole) for end in (0, 1))
            columns.limits.setdefault(name, {})[len(columns.ids) - 1] = (worst, best)
    if any(record["status"] in UNKNOWN for record in repeats) and len(repeats) > 1:
        _bound_by_known(columns, repeats)


def _bound_by_known(columns: Columns, repeats: Sequence[Record]) -> None:
    """Of the last instance some repeats are lost: its means lie between those with the lost at worst and at best."""
    kept = [record for record in repeats if record["status"] not in UNKNOWN]
    row = len(columns.ids) - 1
    for name in {name for record in kept for name in record["scores"]}:
        if row in columns.limits.get(name, {}):
            continue
        ends = columns.spans.get(name) or columns.scales[name]
        if all(name in record["scores"] for record in kept):
            known = [record["scores"][name] for record in kept]
            low, high = (fmean([*known, *[end] * (len(repeats) - len(kept))]) for end in (ends[0], ends[1]))
            columns.limits.setdefault(name, {})[row] = (low, high)


def _leave_out_untagged(columns: Columns) -> None:
    """A score over criteria with a tag does not exist for graded examples without such a criterion."""
    whole, open_rows = columns.scores.get("jury", []), columns.limits.get("jury", {})
    graded = [row for row, value in enumerate(whole) if value is not None or row in open_rows]
    for name in columns.spans.keys() & columns.scores.keys():
        limits = columns.limits.get(name, {})
        untagged = {row for row in graded if columns.scores[name][row] is None and row not in limits}
        columns.not_applicable.setdefault(name, set()).update(untagged)


def _appended(slices: dict[str, list[str]], instance_slices: Mapping[str, str], before: int) -> dict[str, list[str]]:
    for key in instance_slices.keys() - slices.keys():
        slices[sys.intern(key)] = [""] * before
    for key, values in slices.items():
        values.append(sys.intern(instance_slices.get(key, "")))
    return slices


def _judged(record: Record) -> Iterable[str]:
    """Records of earlier versions do not say so."""
    if "judged" in record:
        return record["judged"]
    return [name for name in record["scores"] if name.partition("_")[0] in ("jury", "harm")]


def _label(record: Record) -> tuple[str, str] | None:
    pair = record.get("label")
    return (sys.intern(pair[0]), sys.intern(pair[1])) if pair else None
