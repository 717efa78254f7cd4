"""Confidence intervals of mean scores: binary and graded, independent and clustered, single and stratified.

Every score is first rescaled to 0 (worst) .. 1 (best). What is then asked is always the same: how much the
scores vary, how many independent ones they are worth (clusters), and whether normal theory may be trusted.
Where it may not, only the ends of the scale are relied on. The method of ``mean_interval`` is

* *Wilson*, when only the two ends of the scale occur. Its limit towards an end with few cases misses too
  often (at n = 30 and a true 0.995 it covers 86 %), so there the Clopper-Pearson limit is taken if it is
  further out (the idea of Brown, Cai and DasGupta, Stat. Sci. 16, 2001, section 4.1.1).
* *Student t*, for graded scores from at least 10 units (scores or clusters), more than 25 times their
  squared skewness: Cochran's rule for trusting the normal curve (Sampling Techniques, section 2.15). It
  is shifted for the skewness that remains (Johnson, J. Am. Stat. Assoc. 73, 1978; over clusters outwards
  only, since theirs is uncertain) and leaves room for
  extreme scores, such as failed answers, too rare to have been seen: a share of 1 - 0.025^(1/n) at 95 %.
* *Bounded mean* otherwise: near an end of the scale, without variance, from few units. What lies above
  and below the median are two variables, each bounded by the rest of the scale. Each gets the limits of a
  share, which is safe: no variable in 0..1 with mean p has a variance above p (1 - p).
* *Clusters* divide n by the design effect: the variance of the mean by leaving out one cluster at a
  time over that of independent scores, at least 1. Where fewer than ``informative`` clusters hold a score but
  the most frequent one of their stratum it cannot be estimated, and n becomes the number of clusters.
  The quantile is Student's, its degrees of freedom one less than the equal clusters that the sizes are
  worth, sum(m)^2 / sum(m^2) (Kish). Under 10 of those a note is added: the width is itself uncertain.
* *Stratified*: mean +- quantile * sqrt(sum of squared standard errors) / strata. A stratum that is binary
  or not fit for t enters with p~ (1 - p~) / n, above 0 even at the ceiling, where p~ is the share after
  adding z^2 scores, half of them at each end (Agresti and Coull, Am. Stat. 52, 1998). With graded scores it is
  never narrower than the intervals of the strata combined by recovering variances: a sub-run of 50 with scores
  near 1 of which a rare one is 0 has no variance to speak of until that one is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_medhelm.results.stats.clusters import (
    INFORMATIVE,
    Codes,
    Design,
    Floats,
    cluster_note,
    codes_of,
    design_of,
    normal_quantile,
)
from pytest_medhelm.results.stats.quantiles import beta_quantile, student_t_quantile
from pytest_medhelm.results.stats.recovery import recovered

_FEW_CASES = 25
"""With fewer cases at one end the limit towards it is the exact one. The smallest round number with which
93 % are covered whatever the true share and n."""
_FEW_UNITS = 10
"""The skewness of fewer scores or clusters cannot be judged."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval in the units of the scores; ``low`` is the smaller number on every scale."""

    low: float
    high: float
    method: str
    """In plain words, e.g. "Wilson" or "cluster t, 34 clusters"."""
    note: str = ""
    """A warning to show beside it, e.g. "too few clusters (7 of at least 10)"."""


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of a proportion (Wilson, J. Am. Stat. Assoc. 22, 1927), both limits in 0..1.

    ``n`` may be an effective number and need not be whole.
    Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    if not (n > 0 and 0 <= successes <= n):
        raise ValueError(f"wilson needs 0 <= successes <= n and n > 0, not successes={successes}, n={n}")
    z = normal_quantile(confidence)
    share, weight = successes / n, z * z / n
    centre = share + weight / 2
    half = math.sqrt(weight * (share * (1 - share) + weight / 4))
    low = 0.0 if successes == 0 else (centre - half) / (1 + weight)
    high = 1.0 if successes == n else (centre + half) / (1 + weight)
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def standard_error(
    scores: Sequence[float],
    scale: tuple[float, float],
    clusters: Sequence[str] | None = None,
    strata: Sequence[str] | None = None,
) -> float | None:
    """The standard error of the mean, or of the unweighted mean of the stratum means; None from a single score.

    p (1 - p) / n for binary scores, the sample variance over n for graded ones, times the design effect of clusters
    (see ``mean_interval``). In the units of the scores.
    """
    if len(scores) < 2:
        return None
    unit = _rescaled(scores, scale)
    sources = np.arange(unit.size) if clusters is None else codes_of(clusters, blank_is_own=True)
    fixed = np.zeros(unit.size, dtype=np.intp) if strata is None else codes_of(strata)
    groups = [unit[fixed == stratum] for stratum in range(int(fixed.max()) + 1)]
    variances = [
        float(group.var(ddof=0 if _is_binary(group) or group.size < 2 else 1)) / group.size for group in groups
    ]
    effect = design_of(unit, sources, fixed, 0.95).effect
    return abs(scale[1] - scale[0]) * math.sqrt(effect * math.fsum(variances)) / len(groups)


def mean_interval(
    scores: Sequence[float],
    *,
    scale: tuple[float, float],
    clusters: Sequence[str] | None = None,
    strata: Sequence[str] | None = None,
    confidence: float = 0.95,
    informative: int = INFORMATIVE,
) -> Interval | None:
    """An interval for the mean of scores that lie on ``scale`` = (worst, best); None without scores.

    With ``strata`` (fixed sub-runs) it is for the unweighted mean of the stratum means. ``clusters`` names
    the source of each score; an empty name is a source of its own. A source may occur in several strata.

    The interval holds the mean, lies inside the scale and never has zero width. Raises ValueError when a
    score is not on the scale or the lengths differ.
    """
    for name, labels in (("clusters", clusters), ("strata", strata)):
        if labels is not None and len(labels) != len(scores):
            raise ValueError(f"{name} must have one entry per score: {len(labels)} for {len(scores)} scores")
    if not len(scores):
        return None
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
    worst, best = float(scale[0]), float(scale[1])
    first, second = sorted(worst + (best - worst) * limit for limit in (low, high))
    inside = max(first, min(worst, best)), min(second, max(worst, best))
    return Interval(*inside, method, cluster_note(sources, fixed))


def share_bounds(
    scores: Sequence[float], clusters: Sequence[str] | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """The exact lower and the exact upper bound of a share, each one-sided (Clopper and Pearson), both in 0..1.

    0 of 20 leaves up to 1 - 0.05^(1/20) = 13.9 % possible at 95 %. ``scores`` are 0 and 1; scores between (means of
    repeats) and clusters, which divide n by the design effect, are taken as Korn and Graubard (1998) do.
    Raises ValueError without scores.
    """
    unit = _rescaled(scores, (0.0, 1.0))
    if not unit.size:
        raise ValueError("share_bounds needs at least one score")
    sources = np.arange(unit.size) if clusters is None else codes_of(clusters, blank_is_own=True)
    both = 2 * confidence - 1
    design = design_of(unit, sources, np.zeros(unit.size, dtype=np.intp), both)
    n = unit.size / design.effect * min(1.0, normal_quantile(both) / design.quantile) ** 2
    share = float(unit.mean())
    return _exact_low(share * n, n, both), 1.0 - _exact_low((1 - share) * n, n, both)


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
        low, high = _share_limits(mean, n, confidence)
        plain = (low, high) == wilson(mean * n, n, confidence)
        return low, high, "Wilson" if plain else "Wilson, exact near the end"
    middle = float(np.median(unit))
    above = np.maximum(unit - middle, 0.0).mean() / (1.0 - middle) if middle < 1 else 0.0
    below = np.maximum(middle - unit, 0.0).mean() / middle if middle > 0 else 0.0
    least_up, most_up = _share_limits(float(above), n, confidence)
    least_down, most_down = _share_limits(float(below), n, confidence)
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


def _share_limits(share: float, n: float, confidence: float) -> tuple[float, float]:
    """Wilson's limits of a share of 1 among n, but the exact one where few cases lie on its side."""
    share = min(share, 1.0)
    low, high = wilson(share * n, n, confidence)
    if share * n < _FEW_CASES:
        low = min(low, _exact_low(share * n, n, confidence))
    if (1 - share) * n < _FEW_CASES:
        high = max(high, 1 - _exact_low((1 - share) * n, n, confidence))
    return low, high


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
        group, own = unit[fixed == stratum], np.unique(sources[fixed == stratum], return_inverse=True)[1]
        design = design_of(group, own, np.zeros(group.size, dtype=np.intp), confidence, informative)
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


def _exact_low(successes: float, n: float, confidence: float) -> float:
    """The lower Clopper-Pearson limit, continued to numbers that are not whole (Korn and Graubard, 1998)."""
    if successes <= 0:
        return 0.0
    return beta_quantile(0.5 - confidence / 2, successes, n - successes + 1)
