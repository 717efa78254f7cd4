"""The built-in metrics: plain functions from (prediction, reference) to scores, each a method of ``Score``.

A benchmark's own metric stands beside the benchmark, is declared in ``Task(metrics=...)`` and called by
``score.metric(function, ...)``.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_medhelm.scoring.metrics.exact_match import (
    exact_match,
    f1_score,
    prefix_exact_match,
    quasi_exact_match,
    quasi_prefix_exact_match,
)
from pytest_medhelm.scoring.metrics.numeric import number_accuracy
from pytest_medhelm.scoring.metrics.rouge import rouge_english, rouge_unicode
from pytest_medhelm.tasks.metric import Metric

MEASURE_VERSIONS = {"summarization": 1, "style": 1}
"""Of the modules whose measures ``score.overlap`` and ``score.style`` record; raised as ``Metric.version`` is."""
_ROUGE = ("rouge_1", "rouge_2", "rouge_l")

METRICS: Mapping[str, Metric] = {
    "exact_match": Metric(exact_match, ("exact_match",), binary=True),
    "quasi_exact_match": Metric(quasi_exact_match, ("quasi_exact_match",), binary=True),
    "prefix_exact_match": Metric(prefix_exact_match, ("prefix_exact_match",), binary=True),
    "quasi_prefix_exact_match": Metric(quasi_prefix_exact_match, ("quasi_prefix_exact_match",), binary=True),
    "f1_score": Metric(f1_score, ("f1_score",)),
    "number_accuracy": Metric(number_accuracy, ("number_accuracy",), binary=True),
    "rouge_english": Metric(rouge_english, _ROUGE),
    "rouge_unicode": Metric(rouge_unicode, (*_ROUGE, *(f"{name}_helm" for name in _ROUGE))),
}
"""By the name of the function."""
