"""Confidence intervals of mean scores: binary and graded, independent and clustered, single and stratified.

Every score is first rescaled to 0 (worst) .. 1 (best). What is then asked is always the same: how much the
scores vary, how many independent ones they are worth (clusters), and whether normal theory may be trusted.
Where it may not, only the ends of the scale are relied on. The method of ``mean_interval`` is

* *Wilson* (``wilson``), when only the two ends of the scale occur. Its limit towards an end with few cases misses too
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
  never narrower than the intervals of the strata combined by recovering variances: a sub-task of 50 with scores
  near 1 of which a rare one is 0 has no variance to speak of until that one is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_medhelm.results.stats.wilson import checked_confidence, exact_low, limits_of_share
from pytest_medhelm.results.stats.wilson import wilson as wilson

INFORMATIVE = 5
"""Clusters that must hold a score other than the most frequent one before a design effect is believed."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval in the units of the scores; ``low`` is the smaller number on every scale."""

    low: float
    high: float
    method: str
    """In plain words, e.g. "Wilson" or "cluster t, 34 clusters"."""
    note: str = ""
    """A warning to show beside it, e.g. "too few clusters (7 of at least 10)"."""


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
    if _is_plain_share(scores, scale, clusters, strata):
        share = _share(scores, scale)
        return abs(scale[1] - scale[0]) * math.sqrt(share * (1 - share) / len(scores))
    from pytest_medhelm.results.stats.spread import error_of

    return error_of(scores, scale, clusters, strata, INFORMATIVE)


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

    With ``strata`` (fixed sub-tasks) it is for the unweighted mean of the stratum means. ``clusters`` names
    the source of each score; an empty name is a source of its own. A source may occur in several strata.

    The interval holds the mean, lies inside the scale and never has zero width. Raises ValueError when a
    score is not on the scale or the lengths differ.
    """
    for name, labels in (("clusters", clusters), ("strata", strata)):
        if labels is not None and len(labels) != len(scores):
            raise ValueError(f"{name} must have one entry per score: {len(labels)} for {len(scores)} scores")
    if not len(scores):
        return None
    if _is_plain_share(scores, scale, clusters, strata):
        low, high, method = _share_interval(_share(scores, scale), len(scores), confidence)
        note = ""
    else:
        from pytest_medhelm.results.stats.spread import interval_of

        low, high, method, note = interval_of(scores, scale, clusters, strata, confidence, informative)
    worst, best = float(scale[0]), float(scale[1])
    first, second = sorted(worst + (best - worst) * limit for limit in (low, high))
    inside = max(first, min(worst, best)), min(second, max(worst, best))
    return Interval(*inside, method, note)


def share_bounds(
    scores: Sequence[float], clusters: Sequence[str] | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """The exact lower and the exact upper bound of a share, each one-sided (Clopper and Pearson), both in 0..1.

    0 of 20 leaves up to 1 - 0.05^(1/20) = 13.9 % possible at 95 %. ``scores`` are 0 and 1; scores between (means of
    repeats) and clusters, which divide n by the design effect, are taken as Korn and Graubard (1998) do.
    Raises ValueError without scores.
    """
    if not len(scores):
        raise ValueError("share_bounds needs at least one score")
    if not _is_plain_share(scores, (0.0, 1.0), clusters, None):
        from pytest_medhelm.results.stats.spread import bounds_of_share

        return bounds_of_share(scores, clusters, confidence, INFORMATIVE)
    both, n = checked_confidence(2 * confidence - 1), float(len(scores))
    share = _share(scores, (0.0, 1.0))
    return exact_low(share * n, n, both), 1.0 - exact_low((1 - share) * n, n, both)


def _is_plain_share(
    scores: Sequence[float],
    scale: tuple[float, float],
    clusters: Sequence[str] | None,
    strata: Sequence[str] | None,
) -> bool:
    """Every score is at an end of the scale, each has a source of its own, and nothing is stratified."""
    sources = [name for name in clusters or () if name]
    return (
        scale[0] != scale[1]
        and set(scores) <= set(scale)
        and len(set(sources)) == len(sources)
        and len(set(strata or ())) <= 1
    )


def _share(scores: Sequence[float], scale: tuple[float, float]) -> float:
    """The share of scores at the best end."""
    return sum(score == scale[1] for score in scores) / len(scores)


def _share_interval(share: float, n: float, confidence: float) -> tuple[float, float, str]:
    low, high = limits_of_share(share, n, confidence)
    is_wilson = (low, high) == wilson(share * n, n, confidence)
    return low, high, "Wilson" if is_wilson else "Wilson, exact near the end"
