"""How far two raters are apart in the units of the scale: mean difference and limits of agreement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from pytest_medhelm.results.agreement.estimate import MIN_ANSWERS, NO_INTERVAL, TINY, Estimate, absent, counted
from pytest_medhelm.results.agreement.table import Floats, Table
from pytest_medhelm.results.stats.quantiles import student_t_quantile

_TAIL = 0.975
"""Of 95 % intervals, and of the 95 % of the differences that lie between the limits."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean difference of two raters, and the limits between which 95 % of the single differences lie."""

    mean: Estimate
    lower: Estimate
    upper: Estimate
    sd: float | None
    """Standard deviation of the differences."""


def differences(table: Table, clusters: Sequence[str] | None = None) -> Difference:
    """First column minus second: mean and 95 % limits of agreement, each with its 95 % interval.

    Bland and Altman, Lancet 327 (1986); the variance of a limit as in Stat. Methods Med. Res. 8 (1999), section 2.2.
    ``clusters`` names what answers share (several models on one instance): the interval of the mean then takes
    clusters as the independent units. Raises ValueError unless there are two columns without gaps.
    """
    if table.scores.shape[1] != 2 or not table.rated().all():
        raise ValueError("differences needs two raters who rated every answer")
    values = table.scores[:, 0] - table.scores[:, 1]
    n = int(values.size)
    names = ("mean difference", "lower limit", "upper limit")
    if n < MIN_ANSWERS:
        reason = f"only {counted(n, 'answer')} rated by both: at least {MIN_ANSWERS} are needed"
        mean, lower, upper = (absent(name, n, 2, reason) for name in names)
        return Difference(mean, lower, upper, None)
    average, sd = float(values.mean()), float(values.std(ddof=1))
    centre = clustered_mean(names[0], values, clusters, raters=2)
    z = NormalDist().inv_cdf(_TAIL)
    half = student_t_quantile(_TAIL, n - 1) * sd * math.sqrt(1 / n + z * z / (2 * (n - 1)))
    method = "mean and 1.96 standard deviations (Bland and Altman)"
    note = "" if sd else centre.note
    lower, upper = (
        Estimate(name, limit, limit - half if sd else None, limit + half if sd else None, n, 2, method, note)
        for name, limit in zip(names[1:], (average - z * sd, average + z * sd), strict=True)
    )
    return Difference(centre, lower, upper, sd)


def clustered_mean(name: str, values: Floats, clusters: Sequence[str] | None, *, raters: int) -> Estimate:
    """A mean with Student's 95 % t interval; ``clusters`` are then the independent units (linearised variance)."""
    n = int(values.size)
    if n == 0:
        return absent(name, 0, raters, "there is nothing to average")
    mean = float(values.mean())
    totals = cluster_totals((values - mean) / n, clusters)
    units = totals.size
    method = f"Student t, {units} clusters" if units < n else "Student t"
    if units < MIN_ANSWERS:
        return Estimate(name, mean, None, None, n, raters, method, f"too few independent answers: {NO_INTERVAL}")
    error = math.sqrt(units / (units - 1) * float((totals**2).sum()))
    if error <= TINY * max(1.0, abs(mean)):
        same = "it is the same on every instance" if units < n else "all differences are equal"
        return Estimate(name, mean, None, None, n, raters, method, f"{same}: {NO_INTERVAL}")
    half = student_t_quantile(_TAIL, units - 1) * error
    return Estimate(name, mean, mean - half, mean + half, n, raters, method)


def cluster_totals(parts: Floats, clusters: Sequence[str] | None) -> Floats:
    """Sums over the parts that share a cluster."""
    if clusters is None:
        return parts
    _, codes = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    return np.bincount(codes, parts).astype(np.float64)
