"""Metrics of labels over a whole set of instances: macro and micro F1, precision and recall of one label.

They are no means of instance scores. Their intervals leave out one cluster at a time (the jackknife), and stand on the
logit scale: near 1 those on the plain scale cover 89 % instead of 95 % (100 instances, 95 % right).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pytest_medhelm.results.stats.intervals import mean_interval
from pytest_medhelm.results.stats.quantiles import student_t_quantile
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

Counts = npt.NDArray[np.float64]
"""[..., label, (true positives, predicted, right)]."""


def label_summaries(
    labels: Sequence[tuple[str, str] | None],
    clusters: Sequence[str],
    strata: Sequence[str] | None,
    facts: BenchmarkMetadata,
    confidence: float = 0.95,
) -> dict[str, Any]:
    """Summaries by metric name, in the form of a leaderboard cell's metrics; empty without labels.

    ``macro_f1`` is the unweighted mean of the labels' F1, ``micro_f1`` the F1 of all decisions together (as
    scikit-learn defines them, over the labels that are right or predicted somewhere); ``precision``, ``recall`` and
    ``f1`` are those of the Task's ``positive`` label. An answer without a usable label predicts none: it lowers
    recall. A division by zero is 0. With sub-runs each value is the unweighted mean of theirs.
    """
    kept = [index for index, pair in enumerate(labels) if pair is not None]
    pairs = [pair for pair in labels if pair is not None]
    if not pairs:
        return {}
    names = sorted({name for pair in pairs for name in pair} - {""})
    sources = _codes([clusters[index] for index in kept])
    runs = _codes([strata[index] for index in kept]) if strata is not None else np.zeros(len(pairs), dtype=np.intp)
    incomplete = strata is not None and {strata[index] for index in kept} != set(facts["sub_tasks"])
    # what each cluster adds to the counts of each sub-run
    added = np.zeros((int(sources.max()) + 1, int(runs.max()) + 1, len(names), 3))
    place = {name: position for position, name in enumerate(names)}
    for (gold, predicted), source, run in zip(pairs, sources, runs, strict=True):
        added[source, run, place[gold], 2] += 1
        if predicted:
            added[source, run, place[predicted], 1] += 1
            added[source, run, place[gold], 0] += gold == predicted
    total = added.sum(axis=0)
    right = [float(gold == predicted) for gold, predicted in pairs]
    chosen = place.get(facts["positive"])
    missing = len(labels) - len(pairs)
    return {
        name: _summary(
            float(metric(total, chosen).mean()),
            metric(total - added, chosen).mean(axis=1),
            right,
            [clusters[index] for index in kept],
            missing,
            incomplete,
            confidence,
        )
        for name, metric in _METRICS.items()
        if chosen is not None or name in ("macro_f1", "micro_f1")
    }


def _summary(
    value: float,
    without: Counts,
    right: Sequence[float],
    clusters: Sequence[str],
    missing: int,
    incomplete: bool,
    confidence: float,
) -> dict[str, Any]:
    low, high, method = _interval(value, without, right, clusters, confidence)
    return {
        "value": None if incomplete else value,
        "standard_error": None if incomplete else _jackknife_error(without),
        "low": None if incomplete else low,
        "high": None if incomplete else high,
        "method": "" if incomplete else method,
        "note": "a sub-run is missing" if incomplete else "over the whole set",
        "answered": None,
        # nothing is known of how missing labels would move it
        "worst": 0.0 if missing else value,
        "best": 1.0 if missing else value,
        "n": len(right),
        "missing": missing,
        "scale": [0.0, 1.0],
    }


def _interval(
    value: float, without: Counts, right: Sequence[float], clusters: Sequence[str], confidence: float
) -> tuple[float, float, str]:
    error = _jackknife_error(without)
    if error and 0.0 < value < 1.0:
        half = student_t_quantile(0.5 + confidence / 2, without.size - 1) * error / (value * (1 - value))
        middle = math.log(value / (1 - value))
        return _expit(middle - half), _expit(middle + half), "jackknife, logit"
    # all right, all wrong: as wide as the interval of the share of right answers
    share = mean_interval(right, scale=(0.0, 1.0), clusters=clusters, confidence=confidence)
    assert share is not None
    return min(value, share.low), max(value, share.high), share.method


def _expit(logit: float) -> float:
    """The share whose logit this is; of no overflow, however far out."""
    return 0.5 * (1 + math.tanh(logit / 2))


def _jackknife_error(without: Counts) -> float:
    n = without.size
    return math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum())) if n > 1 else 0.0


def _ratio(numerator: Counts, denominator: Counts) -> Counts:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _f1(counts: Counts) -> Counts:
    return _ratio(2 * counts[..., 0], counts[..., 1] + counts[..., 2])


def _macro(counts: Counts, _: int | None) -> Counts:
    seen = (counts[..., 1] + counts[..., 2]) > 0
    return _ratio((_f1(counts) * seen).sum(axis=-1), seen.sum(axis=-1).astype(np.float64))


def _micro(counts: Counts, _: int | None) -> Counts:
    return _f1(counts.sum(axis=-2))


def _precision(counts: Counts, label: int | None) -> Counts:
    return _ratio(counts[..., label, 0], counts[..., label, 1])


def _recall(counts: Counts, label: int | None) -> Counts:
    return _ratio(counts[..., label, 0], counts[..., label, 2])


def _f1_of(counts: Counts, label: int | None) -> Counts:
    return _f1(counts)[..., label]


_METRICS = {"macro_f1": _macro, "micro_f1": _micro, "precision": _precision, "recall": _recall, "f1": _f1_of}


def _codes(names: Sequence[str]) -> npt.NDArray[np.intp]:
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(name, len(seen)) for name in names], dtype=np.intp)
