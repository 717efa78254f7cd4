"""A cell of the leaderboard: one benchmark x model, aggregated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_medhelm.results.leaderboard.cell_entry import Absence, HarmMarks, Provenance, Summary
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.jury_columns import JuryColumns, Ratings
from pytest_medhelm.scoring.response import Status
from pytest_medhelm.tasks.metadata import BenchmarkMetadata


@dataclass(frozen=True)
class Cell:
    """All records of one benchmark x model."""

    benchmark: str
    model: str
    main_metric: str
    size: int
    """Instances in the evaluation set."""
    statuses: Mapping[Status, int]
    metrics: Mapping[str, Summary]
    """Per metric: value, low, high, method, note, answered, worst, best, n, missing, scale."""
    instances: Sequence[str]
    """Public ids, in the order of ``scores``."""
    scores: Mapping[str, Sequence[float | None]]
    """Per metric one score per instance, None where missing."""
    metadata: BenchmarkMetadata = field(repr=False)
    """What describes the benchmark."""
    eval_set_hash: str
    """Hash of the evaluation set: only cells that share it are ranked against each other."""
    partial: bool
    """Some instances of the evaluation set have no record, and were not left out by design."""
    provenance: Provenance = field(repr=False)
    """What must be alike for a comparison (``provenance_of``)."""
    absent: Mapping[str, Absence] = field(default_factory=dict)
    """Per metric that could not be computed: the first reason, and for how many instances."""
    jury: JuryColumns = field(default_factory=JuryColumns, repr=False)
    """The verdicts, in the order of ``instances``."""
    harm: HarmMarks | None = None
    """What harm the judges marked; None where they were not asked."""
    unmatched: int = 0
    """Human answers that fit no instance of the evaluation set."""
    clusters: Sequence[int] | None = field(default=None, repr=False)
    """A number per instance, the same for those that share a source; None where each stands alone."""
    sub_tasks: Sequence[int] | None = field(default=None, repr=False)
    """The sub-task of each instance, as its position in ``metadata["sub_tasks"]``; None without sub-tasks."""
    read_as: Mapping[str, int] = field(default_factory=dict)
    """Instances by how the chosen option was said; empty where answers are no options."""
    unknown_marks: Mapping[str, int] = field(default_factory=dict)
    """Answers by the paired mark around their first part that no family of models is known by."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """By public id, why a reference is held to be wrong. The main values keep these instances."""
    columns: Columns = field(default_factory=Columns, repr=False)
    """What it was aggregated from."""

    @property
    def ratings(self) -> Sequence[Ratings | None]:
        """The usable verdicts of each instance; None where no judge was asked."""
        return self.jury.ratings

    @property
    def criteria(self) -> tuple[str, ...]:
        """What the judges rated."""
        return self.jury.criteria

    @property
    def scored(self) -> bool:
        """The main metric was measured at least once."""
        return self.main_metric in self.metrics

    @property
    def value(self) -> float | None:
        """The main value."""
        main = self.metrics.get(self.main_metric)
        return None if main is None else main["value"]

    @property
    def whole(self) -> bool:
        """Every instance of the evaluation set has a record."""
        return not self.partial

    @property
    def sample(self) -> bool:
        """The benchmark ran on sample data."""
        return bool(self.metadata["data"]["origin"] == "sample")
