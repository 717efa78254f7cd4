"""Metrics: plain functions from (prediction, reference) to named scores.

A benchmark calls one by its name on the ``score`` fixture, e.g. ``score.exact_match(response.choice,
instance.answer)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_medhelm.metrics.calculation import medcalc_accuracy
from pytest_medhelm.metrics.overlap import rouge
from pytest_medhelm.metrics.strings import exact_match


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as the ``score`` fixture sees it."""

    compute: Callable[..., float | Mapping[str, float]]
    """Returns one value, or several by name; must return plain floats."""
    names: tuple[str, ...]
    """Names of the scores that it records, in a fixed order; known beforehand so that an answer that could
    not be read still gets every one of them, at its worst."""
    scale: tuple[float, float] = (0.0, 1.0)
    """Worst and best value."""
    binary: bool = False
    """Only the two ends of the scale occur."""


METRICS: Mapping[str, Metric] = {
    "exact_match": Metric(exact_match, ("exact_match",), binary=True),
    "medcalc_accuracy": Metric(medcalc_accuracy, ("medcalc_accuracy",), binary=True),
    "rouge": Metric(rouge, ("rouge_1", "rouge_2", "rouge_l")),
}
