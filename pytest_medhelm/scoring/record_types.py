"""A record as plain values: it travels from xdist workers to the controller, and lies in suite.sqlite as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

from pytest_medhelm.models.metadata import ModelSettings
from pytest_medhelm.scoring.response import Status
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

if TYPE_CHECKING:
    from pytest_medhelm.agents.timeline import EpisodeRecord


class HarmMark(TypedDict):
    """What harm one judge marked, or all of an answer together."""

    severity: str
    kinds: list[str]
    marked: NotRequired[int]
    """Judges that gave a mark; of all together, as the next two."""
    judges: NotRequired[int]
    agree: NotRequired[float]
    """The share of judges that chose the worst severity."""


class VerdictRepeat(TypedDict):
    """One of several ratings of an answer by one judge."""

    request: str
    error: str
    scores: dict[str, float]
    harm: HarmMark | None


class VerdictRecord(TypedDict):
    """What one judge said of one answer, without texts."""

    judge: str
    served: NotRequired[str]
    request: str
    requests: NotRequired[list[str]]
    status: str
    """ok or judge_error."""
    scores: dict[str, float]
    harm: NotRequired[HarmMark | None]
    error: str
    harm_error: NotRequired[str]
    """Why its mark of harm could not be used, where its scores could."""
    repaired: NotRequired[int]
    latency: float
    """Seconds."""
    cached: bool
    usage: dict[str, int]
    """Tokens."""
    cost: NotRequired[float | None]
    paid: NotRequired[float | None]
    repeats: NotRequired[list[VerdictRepeat]]
    items: NotRequired[list[list[list[Any]]]]
    """Of criteria with points: by rating, a name and whether it is met (None: missing)."""
    prompt: NotRequired[str]
    rubric: NotRequired[str]
    order: NotRequired[list[int]]


class ConfidenceRecord(TypedDict):
    """How sure the model was of the option that it chose."""

    kind: str
    """logprobs or stated."""
    value: float | None
    """The probability, 0 to 1, that it is right; None: not known."""
    reason: str
    """Why it is not known."""


class JuryInputs(TypedDict):
    """How answers are judged."""

    judges: dict[str, ModelSettings]
    """The settings of each judge, by name."""
    rubric: str
    """Hash of the rubric."""
    wording: str
    """Hash of the rubric's wording as sent."""
    repeats: int
    """How often each judge rates each answer."""
    shuffle: NotRequired[bool]
    """Criteria are put in an order of their own to each judge."""
    calls: NotRequired[Literal["each", "together"]]
    """Criteria with points: one request for each, or one for all of an answer."""


class Variants(TypedDict):
    """In which other words instances are asked."""

    perturbations: dict[str, int]
    """Each with its version."""
    limit: int | None
    """How many instances of each sub-task were to be changed; null for all."""
    noise_floor: int | None
    """How often each of them was asked again unchanged; null for as often as changed."""


class FingerprintInputs(TypedDict):
    """What shapes answers and scores besides the data; its hash is a record's fingerprint."""

    model: ModelSettings
    code: str | None
    prompt: str | None
    scoring: str | None
    jury: JuryInputs | None
    repeats: NotRequired[int]
    """How often each request is asked; absent for once."""
    variants: NotRequired[Variants]
    """In which other words instances are asked; absent for none."""


class Record(TypedDict):
    """Everything known of one instance x model x perturbation x repeat."""

    benchmark: str
    instance: str
    model: str
    perturbation: str
    repeat: int
    repeats: NotRequired[int]
    """How often the unchanged instance is asked; absent for once."""
    perturbations: NotRequired[dict[str, str]]
    """Of the first asking of an instance to be changed: by perturbation why it cannot be, empty where it is."""
    public_id: str
    status: Status
    main_metric: str
    scores: dict[str, float]
    judged: NotRequired[list[str]]
    """Scores that are made of verdicts of judges."""
    not_applicable: list[str]
    """Scores that do not exist for this instance."""
    absent: dict[str, str]
    """Scores that could not be computed, each with the reason."""
    label: list[str] | None
    """(right, predicted)."""
    read: NotRequired[str]
    """What was read from the answer, where that is a number or a letter."""
    answer: NotRequired[str]
    """The letter that the chosen option has in the unchanged instance; only where options were moved."""
    read_as: NotRequired[str]
    """How the chosen option was said: form, phrase, citation or lone letter."""
    confidence: NotRequired[ConfidenceRecord]
    """How sure the model was of its option, where that was asked for."""
    unknown_mark: NotRequired[str]
    """A paired mark around the first part of the answer that no family of models is known by."""
    scales: dict[str, list[float]]
    """By score (worst, best)."""
    eval_set_hash: str
    eval_set_size: int
    fingerprint: str
    cluster: str
    sub_task: str
    slices: dict[str, str]
    request: str
    reference: str
    """The key of the reference's text."""
    spans: NotRequired[dict[str, list[float]]]
    """Scores that may lie outside of their scale: the least and the most that they can be."""
    limits: NotRequired[dict[str, list[float]]]
    """Scores that are missing in part: what they are at worst and at best."""
    criteria: NotRequired[str]
    """The key of the text of the criteria with points by which the answer was graded."""
    episode: NotRequired[EpisodeRecord]
    """Of an agent: how its episode went."""
    error: str
    verdicts: list[VerdictRecord]
    flags: list[str]
    """How the answer tries to steer its judges."""
    harm: HarmMark | None
    must_pass: NotRequired[float]
    """The least main score of a never-event."""
    latency: float
    """Seconds."""
    attempts: int
    cached: bool
    usage: dict[str, int]
    """Tokens."""
    cost: float | None
    paid: float | None
    unmatched: NotRequired[int]
    """Human answers that fit no instance of the benchmark."""
    run: NotRequired[int]
    """The number of its run, as the suite knows it."""
    benchmark_metadata: NotRequired[BenchmarkMetadata]
    """With the first record of a benchmark."""
    fingerprint_inputs: NotRequired[FingerprintInputs]
    """With the first record of a fingerprint."""
