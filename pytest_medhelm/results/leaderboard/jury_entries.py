"""The section on judges, as leaderboard.json has it."""

from __future__ import annotations

from typing import TypedDict

from pytest_medhelm.results.agreement.estimate import EstimateEntry
from pytest_medhelm.util.json_types import Count


class JudgeEntry(TypedDict):
    """One judge."""

    judge: str
    """Name as the user wrote it."""
    served: str
    """Model id in its answers; may be empty."""
    asked: Count
    """Verdicts asked for."""
    failed: Count
    """Verdicts that could not be used."""
    repaired: Count
    """Replies that had to be asked for again or repaired."""
    bias: EstimateEntry
    """Own score minus the mean of all judges."""
    spread: float | None
    """Standard deviation of its scores; null for one score."""
    within: float | None
    """Standard deviation over repeated ratings of one answer; null without repeats."""


class JudgeAlone(TypedDict):
    """One judge."""

    judge: str
    """Its name."""
    values: dict[str, float | None]
    """Value of each model."""
    spearman: EstimateEntry
    """Rank correlation of its order with that of all."""
    kendall: EstimateEntry
    """The same as Kendall's tau."""


class JudgesAlone(TypedDict):
    """The leaderboard of each judge alone, on the answers that all judges rated."""

    all: dict[str, float | None]
    """Value of each model over all judges."""
    judges: list[JudgeAlone]
    """Each judge alone."""
    without: dict[str, dict[str, float | None]]
    """Per model the value without each judge, by judge."""


class SelfPreference(EstimateEntry):
    """One judge."""

    judge: str
    """Its name."""


class JudgedBenchmark(TypedDict):
    """Its judges, over all models that this jury rated."""

    benchmark: str
    """Name of the benchmark."""
    models: list[str]
    """The models rated."""
    agreement: EstimateEntry
    """How far one judge may stand for another."""
    judges: list[JudgeEntry]
    """Each judge."""
    alone: JudgesAlone
    """The leaderboard of each judge alone, on the answers that all judges rated."""
    self_preference: list[SelfPreference]
    """How much more each judge gives models of its own vendor than the others do; only where it judges some."""


class SameVendor(TypedDict):
    """A pair."""

    judge: str
    """The judge."""
    model: str
    """The model."""
    vendor: str
    """What they share."""


class JurySection(TypedDict):
    """The judges of each benchmark beside each other. Aggregates only."""

    benchmarks: list[JudgedBenchmark]
    """One entry per benchmark that a jury rated."""
    same_vendor: list[SameVendor]
    """Judges that rate a model of their own family."""
