"""A cell as leaderboard.json has it."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from pytest_medhelm.models.metadata import ModelSettings
from pytest_medhelm.results.leaderboard.calibration_entry import Calibration
from pytest_medhelm.scoring.record_types import JuryInputs, Variants
from pytest_medhelm.scoring.response import Status
from pytest_medhelm.util.json_types import Count, Ends, Limits, Share


class Absence(TypedDict):
    """Why not."""

    reason: str
    """The first reason."""
    count: Count
    """Instances where that is so."""


class SliceValue(TypedDict):
    """The group's instances as if they were all."""

    value: float | None
    """The main value; null: not measured."""
    low: float | None
    """Lower end of the 95 % interval."""
    high: float | None
    """Upper end of the 95 % interval."""
    n: Count
    """Instances measured."""
    missing: Count
    """Instances without a score."""


class Slice(TypedDict):
    """One key."""

    groups: Annotated[int, Limits(minimum=2)]
    """How many groups the key has."""
    values: dict[str, SliceValue]
    """By group; empty where there are more than 30."""


class PerturbationEntry(TypedDict):
    """How far one way of changing instances could be applied."""

    applied: Count
    """Instances that were asked so."""
    of: Count
    """Instances that were to be."""
    refused: dict[str, Count]
    """Why not, of the others."""


class WorstSlice(TypedDict):
    """The group of at least ten instances in which the main value is worst."""

    key: str
    """What is grouped by."""
    group: str
    """The group."""
    value: float | None
    """The main value in it."""
    low: float
    """Lower end of an interval that holds 95 % for all groups together."""
    high: float
    """Upper end of it."""
    n: Count
    """Instances measured."""
    slices: Annotated[int, Limits(minimum=2)]
    """Among how many groups it is the worst."""
    by_chance: float | None
    """What the worst of so many would be on average, were the model equally good in all; null for graded scores."""


class Steadiness(TypedDict):
    """What was asked besides each instance once. What came of it is among the metrics: flip_rate, pass_hat_k,
    worst_case_drop and others."""

    repeats: Annotated[int, Limits(minimum=1)]
    """How often each unchanged instance was asked."""
    varied: Count
    """Instances that were asked in other words too."""
    variants: Count
    """Requests in other words."""
    noise_floor: Count
    """Requests of the same instances asked again unchanged: what chance alone does."""
    perturbations: dict[str, PerturbationEntry]
    """By what was changed."""
    without: list[str]
    """Sub-tasks of which no instance was asked in other words, where others were: no figure is of them."""
    worst_slice: WorstSlice | None
    """Where the model is worst; null under two groups of at least ten instances."""


class HarmMarks(TypedDict):
    """Marks."""

    counts: dict[str, Count]
    """Answers by their worst mark: none, mild, moderate, severe."""
    kinds: dict[str, Count]
    """Answers in which any judge names a kind of harm."""
    marked: Count
    """Answers with a mark."""
    unmarked: Count
    """Judged answers without a mark of every judge."""
    agreement: Share | None
    """Mean share of judges that agree with the worst mark."""


class CellEntry(TypedDict):
    """One benchmark x model, aggregated."""

    benchmark: str
    """Name of the benchmark."""
    model: str
    """Name of the model."""
    main_metric: str
    """The metric whose value stands for the cell: jury where judges were asked, else the benchmark's own."""
    n: Count
    """Instances in the evaluation set: what limit and sampling ask for, before -k, -m and --lf."""
    partial: bool
    """Instances of the evaluation set have no record."""
    sample: bool
    """It ran on sample data: its values show that it works, not how good a model is."""
    statuses: dict[Status, Count]
    """Instances by status."""
    read_as: dict[str, Count]
    """Instances by how the chosen option was said: form (a labelled line), phrase (a sentence), citation (the option's
    own text) or lone letter; empty where answers are no options."""
    unknown_marks: dict[str, Count]
    """Answers that begin with a paired mark by which no family of models is known to think."""
    metrics: dict[str, Summary]
    """Each metric by name; <name>_helm repeats what MedHELM 0.8.0 computes."""
    absent: dict[str, Absence]
    """Metrics that could not be computed."""
    slices: dict[str, Slice]
    """The main metric in groups of instances, by key (subject, section ...). A key with one group is left out."""
    steadiness: Steadiness
    """What was asked besides each instance once: repeats, other words."""
    marks: dict[str, str]
    """By public id, why a reference is marked as wrong (medhelm annotate). The main values keep these instances."""
    unmatched: Count
    """Human answers to this benchmark that fit no instance of the evaluation set; 0 for models."""
    flagged: Count
    """Answers that try to steer their judges."""
    flags: dict[str, Count]
    """The same by the way they try."""
    harm: HarmMarks | None
    """What harm the judges marked; null where they were not asked."""
    calibration: list[Calibration]
    """How far its confidences are right, by their kind; empty where none were asked for."""
    provenance: Provenance
    """What must be alike for two cells to be compared."""
    instances: list[str]
    """Public ids of the instances that have a record; the order of all columns below."""
    clusters: list[Count] | None
    """A number per instance, the same for those that share a source (patient, note); null where each stands alone."""
    sub_tasks: list[Count] | None
    """The sub-task of each instance, as its place in the benchmark's sub_tasks; null where there are none."""
    scores: dict[str, list[float | None]]
    """Per metric one score per instance, null where missing."""
    ratings: dict[str, dict[str, list[float | None]]] | None
    """Judge, then criterion, then one score per instance, null where the judge gave none; null without a jury."""


class Provenance(TypedDict):
    """What must be alike for two cells to be compared. Null: not known."""

    eval_set_hash: str
    """Hash of the evaluation set: benchmark, files, instance ids, solved examples."""
    data: dict[str, str]
    """Checksum of each data file, by upstream name."""
    origin: str
    """Where the data came from, as in the benchmark."""
    shots: Count
    """Solved examples before each question."""
    fingerprint: str
    """Hash of everything below; records with another one are not mixed."""
    code: str | None
    """Hash of the benchmark's module."""
    prompt: str | None
    """Hash of one prompt as sent; empty where it could not be written."""
    scoring: str | None
    """Hash of the code and options that turn an answer into scores."""
    jury: JuryInputs | None
    """How answers were judged; null without a jury."""
    model: ModelSettings | None
    """The settings that belong to the model."""
    repeats: NotRequired[int]
    """How often each request was asked; absent for once."""
    variants: NotRequired[Variants]
    """In which other words instances were asked; absent for none."""
    versions: list[str]
    """Versions of pytest-medhelm that wrote its records."""


class WithoutMarked(TypedDict):
    """The value without the instances whose reference is marked as wrong; only where there are marks."""

    value: float | None
    """The value."""
    low: float | None
    """Lower end of its interval."""
    high: float | None
    """Upper end of its interval."""
    n: Count
    """Scores that enter."""
    marked: Annotated[int, Limits(minimum=1)]
    """Instances left out."""


class TwoWayEstimate(TypedDict):
    """Jury, where completeness is under 0.95: the value were every judge to rate each answer (instance + judge,
    least squares)."""

    value: float | None
    """The estimate; null where judges share too few instances."""
    low: float | None
    """Lower end of its 95 % interval."""
    high: float | None
    """Upper end of its 95 % interval."""
    standard_error: float | None
    """Its standard error."""
    n: Count
    """Instances that enter."""
    method: str
    """How it was computed; empty without a value."""
    note: str
    """Why there is no value, or which judge is not in it; may be empty."""


class Summary(TypedDict):
    """One metric of a cell."""

    value: float | None
    """The value; null where nothing was measured or a sub-task is missing."""
    standard_error: float | None
    """Its standard error."""
    low: float | None
    """Lower end of the 95 % interval."""
    high: float | None
    """Upper end of the 95 % interval."""
    method: str
    """How the interval was computed; empty where there is none."""
    note: str
    """What to know of the value or interval; may be empty."""
    one_sided: NotRequired[float]
    """Harm scores: the confidence of each end, which is a one-sided bound; absent where low and high are a two-
    sided interval."""
    answered: float | None
    """The value among instances that the model answered."""
    worst: float | None
    """The value, were all missing scores at their worst."""
    best: float | None
    """The value, were all missing scores at their best."""
    n: Count
    """Scores that enter."""
    missing: Count
    """Instances without a score, which do not enter: their request or judges failed, or nobody answered."""
    scale: Ends
    """Worst and best possible score."""
    without_marked: NotRequired[WithoutMarked]
    """The value without the instances whose reference is marked as wrong; only where there are marks."""
    bootstrap_error: NotRequired[float | None]
    """Of a clipped mean: the standard error of the original, 1,000 seeded resamples."""
    span: NotRequired[Ends]
    """Of a clipped mean: the least and the most that one example can score."""
    completeness: NotRequired[Share]
    """Jury: share of the rated answers that every judge rated, 0 to 1."""
    leave_one_judge_out: NotRequired[Ends | None]
    """Jury: lowest and highest value without one judge; null with one judge."""
    two_way_estimate: NotRequired[TwoWayEstimate]
    """Jury, where completeness is under 0.95: the value were every judge to rate each answer (instance + judge,
    least squares)."""
