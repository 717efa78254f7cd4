"""The figures of confidences that are no mean of losses, each with its limits, by the name of the metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pytest_medhelm.results.stats.calibration import debiased_ece, ece, ece_limits
from pytest_medhelm.results.stats.discrimination import auroc, auroc_limits, selective_accuracy, selective_limits

Numbers = Sequence[float]


class Figure(NamedTuple):
    """How a figure and its limits are computed, from confidences and whether each answer is right."""

    value: Callable[[Numbers, Numbers], float | None]
    limits: Callable[[Numbers, Numbers, Sequence[str] | None, float], tuple[float, float] | None]
    """The third are the sources of the answers, the last is the two-sided confidence."""


def _ece_1_limits(
    confidences: Numbers, outcomes: Numbers, clusters: Sequence[str] | None, confidence: float
) -> tuple[float, float]:
    return ece_limits(confidences, outcomes, clusters, confidence, 1)


FIGURES: Mapping[str, Figure] = {
    "auroc": Figure(auroc, auroc_limits),
    "selective_accuracy": Figure(selective_accuracy, selective_limits),
    "ece": Figure(ece, ece_limits),
    "ece_1": Figure(lambda confidences, outcomes: ece(confidences, outcomes, 1), _ece_1_limits),
    "ece_debiased": Figure(debiased_ece, ece_limits),
}
