"""A judged rule, as leaderboard.json has it."""

from __future__ import annotations

from typing import Literal, TypedDict

from pytest_medhelm.scoring.response import Status
from pytest_medhelm.util.json_types import Count, Share


class Basis(TypedDict):
    """What a verdict rests on: enough to compute it again by hand."""

    metric: str
    """Name of the metric or status."""
    n: Count
    """Instances with a score, or pairs; of precision, recall and F1 those that the share is of."""
    right: float | None
    """How many are right, where scores are right or wrong; with repeats it need not be whole. Null elsewhere."""
    wrong: float | None
    """How many are wrong."""
    missing: dict[Status, Count]
    """Instances without a score, by status."""
    not_paired: Count
    """Further pairs without a difference, for want of the baseline's score or of a judge that rated both."""
    sub_tasks: dict[str, Count]
    """Instances of each sub-task, all of which weigh the same; empty where there are none."""
    sources: Count
    """How many sources (patients, notes) the instances have."""
    shared_sources: bool
    """Some instances share a source."""
    limit: str
    """Name of the formula of the limits; empty where a rule takes the value itself."""
    source: str
    """Where the formula was published."""
    alpha: Share
    """The one-sided level of each limit, after sharing it among candidates and alternatives."""
    low: float | None
    """Lower limit of what was measured."""
    high: float | None
    """Upper limit of what was measured."""
    worst: float | None
    """The value with all that is missing at its worst."""
    best: float | None
    """The value with all that is missing at its best."""
    low_with_missing: float | None
    """The lowest lower limit that the missing leave possible. A pass of >= rests on it."""
    high_with_missing: float | None
    """The highest upper limit that the missing leave possible. A pass of <= rests on it."""
    power: Share | None
    """The chance of a pass for a model whose true value is the measured one, or, against a baseline, for one that is
    just as good; null where it is not computed."""
    judges: list[str]
    """The judges whose verdicts the metric is made of; empty for others."""


class GateEntry(TypedDict):
    """A rule judged for one model and benchmark."""

    rule: str
    """As it was written."""
    model: str
    """Name of the model."""
    benchmark: str
    """Name of the benchmark; * where none was selected."""
    value: float | None
    """What was held against the threshold."""
    low: float | None
    """Lower end of its interval."""
    high: float | None
    """Upper end of its interval."""
    threshold: float
    """The number in the rule."""
    verdict: Literal["pass", "fail", "inconclusive", "not evaluated"]
    """Only pass is a pass. fail: shown to be worse; inconclusive: not shown either way; not evaluated: sample or
    partial data, or no records."""
    reason: str
    """Why this verdict."""
    interval: str
    """What the two ends are."""
    why: str
    """The reason that a gate file gives for the rule; empty without one."""
    baseline: str
    """The model that was compared with; value, low and high are then differences."""
    sentence: str
    """All of it in one sentence, as the terminal and JUnit show it."""
    meaning: str
    """What the verdict means, and what it does not mean, in plain words."""
    basis: Basis | None
    """The numbers that it rests on; null where nothing was measured."""
