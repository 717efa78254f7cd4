"""Metrics: plain functions from (prediction, reference) to named scores.

A benchmark calls one by its name on the ``score`` fixture, e.g. ``score.exact_match(response.choice,
instance.answer)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_medhelm.scoring.metrics import exact_match as strings
from pytest_medhelm.scoring.metrics.calculation import medcalc_accuracy
from pytest_medhelm.scoring.metrics.error_detection import medec
from pytest_medhelm.scoring.metrics.icd10 import mimiciv_billing_code
from pytest_medhelm.scoring.metrics.numeric import number_accuracy
from pytest_medhelm.scoring.metrics.rouge import rouge_english, rouge_unicode
from pytest_medhelm.scoring.metrics.script_concordance import sct_score
from pytest_medhelm.scoring.metrics.sql import ehr_sql


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


_ROUGE = ("rouge_1", "rouge_2", "rouge_l")

METRICS: Mapping[str, Metric] = {
    "exact_match": Metric(strings.exact_match, ("exact_match",), binary=True),
    "quasi_exact_match": Metric(strings.quasi_exact_match, ("quasi_exact_match",), binary=True),
    "prefix_exact_match": Metric(strings.prefix_exact_match, ("prefix_exact_match",), binary=True),
    "quasi_prefix_exact_match": Metric(strings.quasi_prefix_exact_match, ("quasi_prefix_exact_match",), binary=True),
    "f1_score": Metric(strings.f1_score, ("f1_score",)),
    "number_accuracy": Metric(number_accuracy, ("number_accuracy",), binary=True),
    "medcalc_accuracy": Metric(medcalc_accuracy, ("medcalc_accuracy",), binary=True),
    "rouge_english": Metric(rouge_english, _ROUGE),
    "sct_score": Metric(sct_score, ("sct_score", "sct_expert_set_membership")),
    "rouge_unicode": Metric(rouge_unicode, (*_ROUGE, *(f"{name}_helm" for name in _ROUGE))),
    "medec": Metric(medec, ("medec_error_flag_accuracy", "medec_error_sentence_accuracy"), binary=True),
    "mimiciv_billing_code": Metric(
        mimiciv_billing_code,
        ("mimiciv_billing_code_f1", "mimiciv_billing_code_precision", "mimiciv_billing_code_recall"),
    ),
    "ehr_sql": Metric(ehr_sql, ("ehr_sql_execution_accuracy", "ehr_sql_query_validity"), binary=True),
}
