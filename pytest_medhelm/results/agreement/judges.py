"""Single judges: who is harsh, whose absence moves a value, who would order the models otherwise, who favours its own.

Scores are those of one criterion, or of the mean of all. An answer is one instance answered by one model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pytest_medhelm.results.agreement.coefficients import kendall, spearman
from pytest_medhelm.results.agreement.differences import cluster_totals, clustered_mean
from pytest_medhelm.results.agreement.estimate import MIN_ANSWERS, Estimate, absent, counted
from pytest_medhelm.results.agreement.table import Table
from pytest_medhelm.results.stats.quantiles import student_t_quantile


@dataclass(frozen=True, slots=True)
class Bias:
    """How a rater's scores lie beside those of all raters of the same answers."""

    rater: str
    bias: Estimate
    """Mean of own score minus mean of all raters, own included; on answers with another rating."""
    spread: float | None
    """Standard deviation of the rater's scores; None for a single one."""


def biases(table: Table, clusters: Sequence[str] | None = None) -> list[Bias]:
    """The bias and spread of every rater; ``clusters`` names, row by row, what answers share."""
    rated = table.rated()
    compared = rated.sum(axis=1) >= 2
    estimates = []
    for column, rater in enumerate(table.raters):
        scores = table.scores[rated[:, column], column]
        rows = np.flatnonzero(rated[:, column] & compared)
        values = table.scores[rows, column] - np.nanmean(table.scores[rows], axis=1) if rows.size else np.zeros(0)
        shared = None if clusters is None else [clusters[int(row)] for row in rows]
        estimate = (
            clustered_mean("bias", values, shared, raters=len(table.raters))
            if rows.size
            else absent("bias", 0, len(table.raters), "shares no answer with another rater")
        )
        estimates.append(Bias(rater, estimate, float(scores.std(ddof=1)) if scores.size > 1 else None))
    return estimates


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The mean over all judges, and without each of them."""

    value: float | None
    without: Mapping[str, float]
    n: int
    """Answers that every judge rated: only these enter."""
    note: str = ""

    @property
    def low(self) -> float | None:
        """The smallest mean without a judge."""
        return min(self.without.values(), default=None)

    @property
    def high(self) -> float | None:
        """The largest mean without a judge."""
        return max(self.without.values(), default=None)


def leave_one_out(table: Table) -> LeaveOneOut:
    """How far the mean depends on single judges: over the answers that all of them rated."""
    whole = table.whole()
    n = int(whole.sum())
    left = len(whole) - n
    note = f"{counted(left, 'answer')} without a score of every judge" if left else ""
    if not n:
        return LeaveOneOut(None, {}, 0, note or "no answer has scores")
    means = table.scores[whole].mean(axis=0)
    if means.size < 2:
        return LeaveOneOut(float(means[0]), {}, n, "a single judge cannot be left out")
    without = {rater: float(np.delete(means, position).mean()) for position, rater in enumerate(table.raters)}
    return LeaveOneOut(float(means.mean()), without, n, note)


@dataclass(frozen=True, slots=True)
class Ordering:
    """The leaderboard of one judge, beside that of all."""

    judge: str
    values: Mapping[str, float]
    """Mean by model."""
    spearman: Estimate
    kendall: Estimate


def orderings(tables: Mapping[str, Table]) -> tuple[dict[str, float], list[Ordering]]:
    """From the judges' table of each model, the full leaderboard and that of every judge alone.

    Only answers that every judge rated enter, so that no judge's mean is over easier ones. Each judge's order is
    correlated with the full one, in which it has a part: with three judges 0.8 is little. Models without such
    answers are left out; under three models a sentence stands in place of the correlations.
    """
    means = {}
    judges = sorted({rater for table in tables.values() for rater in table.raters})
    for model, table in sorted(tables.items()):
        whole = table.whole()
        if whole.any() and list(table.raters) == judges:
            means[model] = table.scores[whole].mean(axis=0)
    full = {model: float(values.mean()) for model, values in means.items()}
    result = []
    for position, judge in enumerate(judges):
        alone = {model: float(values[position]) for model, values in means.items()}
        result.append(Ordering(judge, alone, *_order(alone, full)))
    return full, result


def _order(alone: Mapping[str, float], full: Mapping[str, float]) -> tuple[Estimate, Estimate]:
    if len(alone) < MIN_ANSWERS:
        reason = f"{counted(len(alone), 'model')} can hardly be ordered wrongly: at least {MIN_ANSWERS} are needed"
        return absent("Spearman", len(alone), 2, reason), absent("Kendall", len(alone), 2, reason)
    both = np.array([[alone[model], full[model]] for model in sorted(alone)]).round(9)
    if not np.ptp(both, axis=0).all():
        reason = "every model has the same mean: there is no order"
        return absent("Spearman", len(alone), 2, reason), absent("Kendall", len(alone), 2, reason)
    table = Table(both, tuple(sorted(alone)), ("judge", "all judges"))
    return spearman(table), kendall(table)


def self_preference(
    judge: str,
    tables: Mapping[str, Table],
    clusters: Mapping[str, Sequence[str]],
    families: Mapping[str, str],
) -> Estimate:
    """How much more a judge gives to models of its own family than the other judges do.

    On each answer: the judge's score minus the mean of the others. The mean of that over the family's answers, minus
    the mean over all other answers, which is what the judge gives more (or less) to anybody. Positive is favour.
    ``families`` gives the family of each model and of each judge; ``clusters`` names, for each model row by row, the
    instance: the interval takes instances as independent.
    """
    name = "self-preference"
    home = families[judge]
    parts: dict[bool, list[float]] = {True: [], False: []}
    shared: dict[bool, list[str]] = {True: [], False: []}
    raters = 0
    for model, table in tables.items():
        if judge not in table.raters:
            continue
        raters = max(raters, len(table.raters))
        column = table.raters.index(judge)
        others = np.delete(table.scores, column, axis=1)
        for row in np.flatnonzero(table.rated()[:, column] & ~np.isnan(others).all(axis=1)):
            same_vendor = families[model] == home
            parts[same_vendor].append(float(table.scores[row, column] - np.nanmean(others[row])))
            shared[same_vendor].append(clusters[model][int(row)])
    same, other = np.array(parts[True]), np.array(parts[False])
    if not same.size or not other.size:
        missing = "of its own family" if not same.size else "of another family"
        return absent(name, int(same.size), raters, f"no answer {missing} that others rated too")
    value = float(same.mean() - other.mean())
    influence = np.concatenate([(same - same.mean()) / same.size, (other.mean() - other) / other.size])
    totals = cluster_totals(influence, shared[True] + shared[False])
    units = totals.size
    method = f"Student t, {units} instances"
    error = math.sqrt(units / (units - 1) * float((totals**2).sum())) if units > 1 else 0.0
    if len(set(shared[True])) < MIN_ANSWERS or error < 1e-12:
        return Estimate(name, value, None, None, int(same.size), raters, method, "too few instances for an interval")
    half = student_t_quantile(0.975, min(len(set(shared[True])), len(set(shared[False]))) - 1) * error
    return Estimate(name, value, value - half, value + half, int(same.size), raters, method)
