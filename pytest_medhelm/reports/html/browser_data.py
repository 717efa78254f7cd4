"""The shapes of what the instance browser's script is handed: the index of all records, and chunks of instances."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from pytest_medhelm.scoring.record_types import ConfidenceRecord, HarmMark
from pytest_medhelm.tasks.prompts import Message


class CodedColumn(TypedDict):
    """A slice of a benchmark's instances, dictionary-coded."""

    values: list[str]
    codes: list[int]
    """Per instance the position of its value."""


class IndexedModel(TypedDict):
    """A model that records name."""

    name: str
    kind: str
    """Empty for one that the leaderboard does not have yet."""


class IndexedBenchmark(TypedDict):
    """A benchmark and how its instances are cut into chunks."""

    name: str
    title: str
    key: str
    """The k-th ``per_chunk`` instances are the chunk ``key-k``."""
    count: int
    per_chunk: int
    slices: dict[str, CodedColumn]


class IndexedCell(TypedDict):
    """What the leaderboard says of the records of a benchmark and a model."""

    benchmark: str
    model: str
    main_metric: str
    sample: bool
    partial: bool
    n: int
    scale: list[float]
    marks: dict[str, str]
    """By public id, why the reference is marked as wrong."""


class IndexedRecords(TypedDict):
    """The records, column by column; models, statuses and severities as positions in the lists of the index."""

    model: list[int]
    variant: list[int]
    """0 the instance as it is, 1 a repeat, 2 in other words, 3 unchanged again beside these."""
    status: list[int]
    score: list[float | None]
    harm: list[int]
    flagged: list[int]
    spread: list[float | None]
    """Of the judges, 0 to 1; None for one judge."""


class IndexData(TypedDict):
    """All that the page needs but the texts. Public ids only."""

    format: int
    suite: str
    currency: str
    statuses: list[str]
    severities: list[str]
    models: list[IndexedModel]
    """In the order of the leaderboard."""
    benchmarks: list[IndexedBenchmark]
    cells: list[IndexedCell]
    metrics: dict[str, str]
    """Metrics in words."""
    ids: list[str]
    """Of the instances, in the order of the benchmarks."""
    counts: list[int]
    """How many records each instance has."""
    records: IndexedRecords
    part: NotRequired[bool]
    """Some of the instances are left out."""


class GivenRating(TypedDict):
    """What a rater said of an answer outside of the runs."""

    rater: str
    kind: str
    scores: dict[str, float]
    harm: HarmMark | None


class CriterionView(TypedDict):
    """A criterion with points: met, not met or missing (None), and why."""

    criterion: str
    points: float
    tags: list[str]
    met: bool | None
    reason: str


class TryView(TypedDict):
    """One rating of an answer by a judge, with its ``reasons`` by criterion or the whole ``reply``."""

    scores: dict[str, float]
    harm: HarmMark | None
    error: str
    items: NotRequired[list[CriterionView]]
    reasons: NotRequired[dict[str, str]]
    reply: NotRequired[str]


class VerdictView(TypedDict):
    """A judge's verdict, with each try."""

    judge: str
    served: str
    status: str
    scores: dict[str, float]
    harm: HarmMark | None
    error: str
    repaired: int
    latency: float | None
    usage: dict[str, int] | None
    cost: float | None
    tries: list[TryView]


class CallView(TypedDict):
    """A call of a tool in an agent's episode."""

    tool: str
    arguments: str
    status: str
    """ok, refused (by the hospital) or malformed."""
    result: str
    changes: list[str]
    """What it changed in the chart, in words."""


class TurnView(TypedDict):
    """A turn of an agent."""

    thinking: str
    text: str
    problem: str
    """Why it could not be read."""
    calls: list[CallView]


class EpisodeView(TypedDict):
    """An agent's episode (agents.timeline)."""

    ending: str
    answer: str
    safety: list[str]
    """What must not have happened, in words."""
    checks: list[tuple[str, bool]]
    """What was checked, and whether it is met."""
    steps: list[TurnView]


class RecordView(TypedDict):
    """A record with its texts."""

    model: str
    perturbation: str
    repeat: int
    status: str
    main_metric: str
    scores: dict[str, float]
    scales: dict[str, list[float]]
    label: list[str] | None
    read: str | None
    flags: list[str]
    harm: HarmMark | None
    confidence: ConfidenceRecord | None
    error: str
    not_applicable: list[str]
    absent: dict[str, str]
    latency: float
    attempts: int
    cached: bool
    usage: dict[str, int]
    cost: float | None
    paid: float | None
    prompt: int
    """Position among the instance's prompts."""
    reference: int
    """Position among the instance's references."""
    answer: str
    thinking: str
    episode: NotRequired[EpisodeView]
    """Of an agent."""
    given: list[GivenRating]
    verdicts: list[VerdictView]


class InstanceView(TypedDict):
    """One instance with all that its models answered."""

    id: str
    slices: dict[str, str]
    sub_task: str
    prompts: list[list[Message]]
    references: list[str]
    records: list[RecordView]


class Chunk(TypedDict):
    """Some instances, by public id."""

    instances: dict[str, InstanceView]
