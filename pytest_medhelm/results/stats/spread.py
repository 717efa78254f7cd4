"""Intervals of graded, clustered and stratified scores, with numpy; the methods are those of ``intervals``.

``intervals`` is the way in: right-or-wrong scores of instances that stand alone need none of this, nor numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pytest_medhelm.results.stats.clusters import Codes, Design, Floats, cluster_note, codes_of, design_of
from pytest_medhelm.results.stats.quantiles import student_t_quantile
from pytest_medhelm.results.stats.recovery import recovered
from pytest_medhelm.results.stats.wilson import exact_low, limits_of_share, normal_quantile, wilson

_FEW_UNITS = 10
"""The skewness of fewer scores or clusters cannot be judged."""


def error_of(
    scores: Sequence[float],
    scale: tuple[float, float],
    clusters: Sequence[str] | None,
    strata: Sequence[str] | None,
    informative: int,
) -> float:
    """See ``intervals.standard_error``; of at least two scores."""
    unit = _rescaled(scores, scale)
    sources = np.arange(unit.size) if clusters is None else codes_of(clusters, blank_is_own=True)
    fixed = np.zeros(unit.size, dtype=np.intp) if strata is None else codes_of(strata)
    groups = [unit[fixed == stratum] for stratum in range(int(fixed.max()) + 1)]
    variances = [
        float(group.var(ddof=0 if _is_binary(group) or group.size < 2 else 1)) / group.size for group in groups
    ]
    effect = design_of(unit, sources, fixed, 0.95, informative).effect
    return abs(scale[1] - scale[0]) * math.sqrt(effect * math.fsum(variances)) / len(groups)


def interval_of(
    scores: Sequence[float],
    scale: tuple[float, float],
    clusters: Sequence[str] | None,
    strata: Sequence[str] | None,
    confidence: float,
    informative: int,
) -> tuple[float, float, str, str]:
    """Limits on the scale 0 (worst) to 1 (best), method and note; see ``intervals.mean_interval``."""
    unit = _rescaled(scores, scale)
    sources = np.arange(unit.size) if clusters is None else codes_of(clusters, blank_is_own=True)
    fixed = np.zeros(unit.size, dtype=np.intp) if strata is None else codes_of(strata)
    design = design_of(unit, sources, fixed, confidence, informative)
    if fixed.max() > 0:
        low, high, method = _stratified(unit, fixed, design, confidence)
        if not _is_binary(unit):
            apart = _apart(unit, sources, fixed, confidence, informative)
            low, high = min(low, max(0.0, apart[0])), max(high, min(1.0, apart[1]))
    else:
        low, high, method = _single(unit, design, confidence)
    if design.clusters:
        method += f", {design.clusters} cluster{'s' if design.clusters > 1 else ''}"
    return low, high, method, cluster_note(sources, fixed)


def bounds_of_share(
    scores: Sequence[float], clusters: Sequence[str] | None, confidence: float, informative: int
) -> tuple[float, float]:
    """See ``intervals.share_bounds``."""
    unit = _rescaled(scores, (0.0, 1.0))
    sources = np.arange(unit.size) if clusters is None else codes_of(clusters, blank_is_own=True)
    both = 2 * confidence - 1
    design = design_of(unit, sources, np.zeros(unit.size, dtype=np.intp), both, informative)
    n = unit.size / design.effect * min(1.0, normal_quantile(both) / design.quantile) ** 2
    share = float(unit.mean())
    return exact_low(share * n, n, both), 1.0 - exact_low((1 - share) * n, n, both)


def _single(unit: Floats, design: Design, confidence: float) -> tuple[float, float, str]:
    mean, n = float(unit.mean()), unit.size / design.effect
    binary = _is_binary(unit)
    by_t: tuple[float, float] | None = None
    if not binary and _is_regular(design.totals):
        low, high = by_t = _by_student(unit, design, confidence)
        if low >= 0 and high <= 1:
            return low, high, "cluster t" if design.clusters else "Student t"
    # Only z / sqrt(n) enters: Student's quantile in place of z is the same as n * (z / t) ** 2 scores.
    n *= (normal_quantile(confidence) / design.quantile) ** 2
    if binary:
        low, high = limits_of_share(mean, n, confidence)
        is_wilson = (low, high) == wilson(mean * n, n, confidence)
        return low, high, "Wilson" if is_wilson else "Wilson, exact near the end"
    middle = float(np.median(unit))
    above = np.maximum(unit - middle, 0.0).mean() / (1.0 - middle) if middle < 1 else 0.0
    below = np.maximum(middle - unit, 0.0).mean() / middle if middle > 0 else 0.0
    least_up, most_up = limits_of_share(float(above), n, confidence)
    least_down, most_down = limits_of_share(float(below), n, confidence)
    low = middle + (1 - middle) * least_up - middle * most_down
    high = middle + (1 - middle) * most_up - middle * least_down
    if by_t is not None:
        # Never narrower than t, which leaves the scale: else a higher confidence could have a narrower interval.
        low, high = min(low, max(0.0, by_t[0])), max(high, min(1.0, by_t[1]))
    return low, high, "bounded mean"


def _by_student(unit: Floats, design: Design, confidence: float) -> tuple[float, float]:
    """Student's t, shifted for skewness, with room for extreme scores too rare to have been seen."""
    mean, n = float(unit.mean()), unit.size / design.effect
    quantile = design.quantile
    if not design.clusters:
        quantile = student_t_quantile(0.5 + confidence / 2, n - 1)
    error = math.sqrt(float(unit.var(ddof=1)) / n)
    # Beyond 7 the shift would outgrow the quantile.
    shift = _skewness(design.totals) * (1 + 2 * min(quantile, 7.0) ** 2) / (6 * math.sqrt(design.totals.size))
    unseen = 1 - (0.5 - confidence / 2) ** (1 / n)
    # The skewness of sources is itself uncertain: a shift that it calls for widens one end and narrows none.
    down, up = (min(shift, 0.0), max(shift, 0.0)) if design.clusters else (shift, shift)
    return (
        min(mean + error * (down - quantile), mean * (1 - unseen)),
        max(mean + error * (up + quantile), mean + (1 - mean) * unseen),
    )


def _stratified(unit: Floats, fixed: Codes, design: Design, confidence: float) -> tuple[float, float, str]:
    z = normal_quantile(confidence)
    groups = [unit[fixed == stratum] for stratum in range(int(fixed.max()) + 1)]
    variance = 0.0
    for group in groups:
        n = group.size
        if not _is_binary(group) and _is_regular(group - group.mean()):
            square, df = float(group.var(ddof=1)), n - 1
        else:
            share = (float(group.sum()) + z * z / 2) / (n + z * z)
            square, df = share * (1 - share), n + 3  # about four scores were added
        variance += square / n * (student_t_quantile(0.5 + confidence / 2, df) / z) ** 2
    mean = math.fsum(float(group.mean()) for group in groups) / len(groups)
    half = design.quantile * math.sqrt(variance * design.effect) / len(groups)
    return max(0.0, mean - half), min(1.0, mean + half), f"stratified, {len(groups)} strata"


def _apart(unit: Floats, sources: Codes, fixed: Codes, confidence: float, informative: int) -> tuple[float, float]:
    """The intervals of the strata, each with the sources that it has, combined by recovering variances."""
    parts = []
    for stratum in range(int(fixed.max()) + 1):
        group, sources_of_stratum = unit[fixed == stratum], np.unique(sources[fixed == stratum], return_inverse=True)[1]
        design = design_of(group, sources_of_stratum, np.zeros(group.size, dtype=np.intp), confidence, informative)
        low, high, _ = _single(group, design, confidence)
        parts.append((float(group.mean()), low, high))
    return recovered(parts)


def _is_binary(unit: Floats) -> bool:
    return bool(((unit == 0.0) | (unit == 1.0)).all())


def _rescaled(scores: Sequence[float], scale: tuple[float, float]) -> Floats:
    worst, best = scale
    if worst == best:
        raise ValueError(f"scale must have two different ends, not {worst} twice")
    unit = (np.asarray(scores, dtype=np.float64) - worst) / (best - worst)
    outside = ~((unit >= -1e-9) & (unit <= 1 + 1e-9))
    if outside.any():
        raise ValueError(f"score {scores[int(outside.argmax())]} is not on the scale {worst} .. {best}")
    return np.clip(unit, 0.0, 1.0)


def _skewness(deviations: Floats) -> float:
    return float((deviations**3).mean() / (deviations**2).mean() ** 1.5)


def _is_regular(deviations: Floats) -> bool:
    """Whether Student's t may be trusted with these deviations from the mean: Cochran's rule."""
    count = deviations.size
    if count < _FEW_UNITS or float(np.abs(deviations).max()) * count < 1e-9:
        return False
    return count > 25 * _skewness(deviations) ** 2
