"""The standard error of a metric of labels, by leaving out one source of instances at a time (the jackknife)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pytest_medhelm.results.stats.label_limits import Labelled, seen

Counts = npt.NDArray[np.float64]
"""[..., label, (true positives, predicted, right)]."""


def jackknife_error(metric: str, answers: Sequence[Labelled], positive: str) -> float:
    """The standard error of a metric (``label_limits.METRICS``) of answers none of which is missing."""
    names = {name: number for number, name in enumerate(seen(answers))}
    sources = _codes([answer.cluster for answer in answers])
    parts = _codes([answer.sub_task for answer in answers])
    # what each source adds to the counts of each sub-task
    added = np.zeros((int(sources.max()) + 1, int(parts.max()) + 1, len(names), 3))
    for answer, source, part in zip(answers, sources, parts, strict=True):
        if answer.right:
            added[source, part, names[answer.right], 2] += 1
        if answer.predicted:
            added[source, part, names[answer.predicted], 1] += 1
            added[source, part, names[answer.predicted], 0] += answer.right == answer.predicted
    without = _METRICS[metric](added.sum(axis=0) - added, names.get(positive)).mean(axis=1)
    n = without.size
    return math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum())) if n > 1 else 0.0


def _ratio(numerator: Counts, denominator: Counts) -> Counts:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _f1(counts: Counts) -> Counts:
    return _ratio(2 * counts[..., 0], counts[..., 1] + counts[..., 2])


def _macro(counts: Counts, _: int | None) -> Counts:
    seen_there = (counts[..., 1] + counts[..., 2]) > 0
    return _ratio((_f1(counts) * seen_there).sum(axis=-1), seen_there.sum(axis=-1).astype(np.float64))


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
    codes: dict[str, int] = {}
    return np.array([codes.setdefault(name, len(codes)) for name in names], dtype=np.intp)
