"""The built-in metrics: plain functions from (prediction, reference) to scores, each a method of ``Score``.

A benchmark's own metric stands beside the benchmark, is declared in ``Task(metrics=...)`` and called by
``score.metric(function, ...)``. docs/metrics.md is written from what stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_medhelm.scoring.metrics import style, summarization
from pytest_medhelm.scoring.metrics.exact_match import (
    exact_match,
    f1_score,
    prefix_exact_match,
    quasi_exact_match,
    quasi_prefix_exact_match,
)
from pytest_medhelm.scoring.metrics.numeric import number_accuracy
from pytest_medhelm.scoring.metrics.rouge import rouge_english, rouge_unicode
from pytest_medhelm.scoring.metrics.summarization import Scales
from pytest_medhelm.tasks.metric import Metric

MEASURE_VERSIONS = {"summarization": 1, "style": 1}
"""Of the modules whose measures ``score.overlap`` and ``score.style`` record; raised as ``Metric.version`` is."""
_ROUGE = ("rouge_1", "rouge_2", "rouge_l")
_HELM = "HELM, basic metrics (MedHELM 0.8.0)"
_LIN = "Lin 2004; rouge-score"

METRICS: Mapping[str, Metric] = {
    "exact_match": Metric(exact_match, ("exact_match",), binary=True, source=_HELM),
    "exact_match_strict": Metric(exact_match, ("exact_match_strict",), binary=True),
    "quasi_exact_match": Metric(quasi_exact_match, ("quasi_exact_match",), binary=True, source=_HELM),
    "prefix_exact_match": Metric(prefix_exact_match, ("prefix_exact_match",), binary=True, source=_HELM),
    "quasi_prefix_exact_match": Metric(
        quasi_prefix_exact_match, ("quasi_prefix_exact_match",), binary=True, source=_HELM
    ),
    "f1_score": Metric(f1_score, ("f1_score",), source=_HELM),
    "number_accuracy": Metric(number_accuracy, ("number_accuracy",), binary=True),
    "rouge_english": Metric(rouge_english, _ROUGE, source=_LIN),
    "rouge_unicode": Metric(rouge_unicode, _ROUGE, source=_LIN),
}
"""By the name of the function: what ``score.metric("name", ...)`` and own benchmarks in YAML can call."""


def _each(compute: Callable[..., Any], scales: Scales, source: str = "") -> dict[str, Metric]:
    return {name: Metric(compute, (name,), scale, source=source) for name, scale in scales.items()}


TEXT_METRICS: Mapping[str, Metric] = {
    **_each(summarization.bleu, summarization.BLEU, "Papineni et al. 2002; sacrebleu"),
    **_each(summarization.bertscore, summarization.BERTSCORE, "Zhang et al. 2020; bert-score"),
    **_each(summarization.extraction, summarization.EXTRACTION, "Grusky et al. 2018"),
    **_each(style.flesch_kincaid_grade, style.READABILITY, "Kincaid et al. 1975"),
    **_each(style.smog_grade, style.SMOG, "McLaughlin 1969"),
    **_each(style.reading_level_on_target, style.ON_TARGET, "eighth grade, as advised for patients"),
    **_each(style.hedging, style.HEDGING),
    **_each(style.length_ratio, style.LENGTH),
    **_each(style.section_structure, style.STRUCTURE),
}
"""By the name of the score: what ``score.overlap`` and ``score.style`` record (docs/text-metrics.md)."""
