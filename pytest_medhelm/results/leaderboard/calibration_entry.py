"""How far the confidences of a cell are right, as leaderboard.json has it: what a picture and its sentences need."""

from __future__ import annotations

from typing import TypedDict

from pytest_medhelm.util.json_types import Count, Share


class BrierParts(TypedDict):
    """The Brier score is miscalibration - discrimination + uncertainty (CORP)."""

    miscalibration: float
    """What recalibrating would gain; chance makes some of it."""
    discrimination: float
    """What telling right answers from wrong ones gains."""
    uncertainty: float
    """The Brier score of always saying the accuracy."""


class ByChance(TypedDict):
    """The calibration error in ten bins of a perfectly calibrated model with these confidences."""

    mean: float
    """Its mean."""
    high: float
    """What it exceeds in 1 of 20 runs: below that nothing speaks of miscalibration."""


class CurveStep(TypedDict):
    """Neighbouring confidences for which one share of right answers fits best."""

    low: Share
    """The least of these confidences."""
    high: Share
    """The greatest of them."""
    right: Share
    """Share of right answers."""
    answers: Count
    """How many there are."""


class BandPoint(TypedDict):
    """Where the curve of a perfectly calibrated model lies in 95 of 100 runs."""

    confidence: Share
    """At this confidence."""
    low: Share
    """Lower end."""
    high: Share
    """Upper end."""


class SelectivePoint(TypedDict):
    """Accuracy when only the surest answers are kept."""

    kept: Share
    """Share of answers kept."""
    accuracy: Share
    """Share of them that are right."""


class Rescaled(TypedDict):
    """After Platt rescaling, each answer by what others teach (five folds)."""

    slope: float
    """Of the log-odds, from all answers; below 1: the model is surer than it should be."""
    intercept: float
    """Below 0: it is right less often than it says."""
    brier: float
    """Brier score after it."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    """Upper end of its 95 % interval."""
    nll: float
    """Negative log-likelihood after it."""


class Calibration(TypedDict):
    """One kind of confidence; kinds are never pooled. Values with intervals are among the metrics."""

    kind: str
    """logprobs (probabilities of tokens), stated (by the model) or agreement (of repeats)."""
    n: Count
    """Instances whose confidence is known, by the first answer to each."""
    missing: Count
    """Instances whose confidence is not; they do not enter, and bound the metrics."""
    reasons: dict[str, Count]
    """Why not."""
    confidence: list[float | None]
    """Of the first answer to each instance, in the order of instances; null where it is missing."""
    mean: Share | None
    """Mean confidence; null where none is known, like all that follows."""
    accuracy: Share | None
    """Share of right answers among those whose confidence is known."""
    parts: BrierParts | None
    """The Brier score of these answers in three parts."""
    ece_by_chance: ByChance | None
    """What chance alone makes of the calibration error."""
    curve: list[CurveStep]
    """The reliability curve, from the least to the most confident answers."""
    band: list[BandPoint]
    """The consistency band around it."""
    selective: list[SelectivePoint]
    """From the surest twentieth of the answers to all of them."""
    rescaled: Rescaled | None
    """Null with fewer than ten right or ten wrong answers."""
