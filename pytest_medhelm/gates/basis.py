"""The numbers that a verdict rests on, so that it can be explained and computed again by hand."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from pytest_medhelm.gates.rule import Rule
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.confidence_measure import ConfidenceMeasure
from pytest_medhelm.results.leaderboard.gate_entry import Basis
from pytest_medhelm.results.leaderboard.label_measure import LabelMeasure
from pytest_medhelm.results.leaderboard.measure import Measure, worst_and_best
from pytest_medhelm.results.leaderboard.score_measure import ScoreMeasure
from pytest_medhelm.results.stats.exact_limits import share_limits
from pytest_medhelm.results.stats.limits import Limits
from pytest_medhelm.scoring.response import STATUSES, Status

_MOST_FOR_POWER = 2_000
"""Instances up to which the chance of a pass is summed exactly."""


def basis_of(
    rule: Rule, cell: Cell, metric: str, measure: Measure, limits: Limits | None, outer: Limits | None
) -> Basis:
    """Of a metric."""
    worst, best = worst_and_best(measure)
    scores = measure if isinstance(measure, ScoreMeasure) else None
    right = _right(measure)
    return {
        "metric": metric,
        "n": measure.n,
        "right": right,
        "wrong": None if right is None else measure.n - right,
        "missing": _missing(cell, metric, measure) if measure.missing else {},
        "not_paired": 0,
        "sub_tasks": _sub_tasks(cell) if scores is None else dict(sorted(Counter(scores.sub_tasks or ()).items())),
        "sources": len(set(cell.columns.clusters)),
        "shared_sources": len(set(cell.columns.clusters)) < len(cell.columns.clusters),
        "limit": limits.name if limits and rule.bound else "",
        "source": limits.source if limits and rule.bound else "",
        "alpha": rule.alpha,
        "low": limits.low if limits else None,
        "high": limits.high if limits else None,
        "worst": worst,
        "best": best,
        "low_with_missing": outer.low if outer else None,
        "high_with_missing": outer.high if outer else None,
        "power": _power(rule, measure) if rule.bound else None,
        "judges": sorted(cell.jury.judges) if cell.columns.is_judged(metric) else [],
    }


def basis_of_shares(name: str, cell: Cell, count: int, limits: Limits, held: int = 0) -> Basis:
    """Of a share of instances, all of which are known: that of a status, or of ``held`` never-events."""
    whole = held or len(cell.columns.statuses)
    return {
        "metric": name,
        "n": whole,
        "right": count if held else None,
        "wrong": whole - count if held else None,
        "missing": {},
        "not_paired": 0,
        "sub_tasks": {},
        "sources": len(set(cell.columns.clusters)),
        "shared_sources": len(set(cell.columns.clusters)) < len(cell.columns.clusters),
        "limit": limits.name,
        "source": limits.source,
        "alpha": limits.alpha,
        "low": limits.low,
        "high": limits.high,
        "worst": count / whole,
        "best": count / whole,
        "low_with_missing": limits.low,
        "high_with_missing": limits.high,
        "power": None,
        "judges": [],
    }


def basis_of_pairs(
    rule: Rule, cell: Cell, differences: Sequence[float], gaps: int, known: Limits, outer: Limits
) -> Basis:
    """Of a comparison with a baseline; ``differences`` are those of known pairs, beside ``gaps`` others."""
    missing = _missing(cell, rule.metric or cell.main_metric)
    return {
        "metric": rule.metric or cell.main_metric,
        "n": len(differences),
        "right": None,
        "wrong": None,
        "missing": missing,
        "not_paired": gaps - sum(missing.values()),
        "sub_tasks": _sub_tasks(cell),
        "sources": len(set(cell.columns.clusters)),
        "shared_sources": len(set(cell.columns.clusters)) < len(cell.columns.clusters),
        "limit": known.name,
        "source": known.source,
        "alpha": rule.alpha,
        "low": known.low,
        "high": known.high,
        "worst": None,
        "best": None,
        "low_with_missing": outer.low,
        "high_with_missing": outer.high,
        "power": None,
        "judges": sorted(cell.jury.judges) if cell.columns.is_judged(rule.metric or cell.main_metric) else [],
    }


def _right(measure: Measure) -> float | None:
    if isinstance(measure, LabelMeasure):
        return float(
            sum(answer.right == answer.predicted for answer in measure.entries if answer.predicted is not None)
        )
    if not isinstance(measure, ScoreMeasure) or not measure.right_or_wrong:
        return None
    best = measure.scale[1]
    return float(sum(score == best for score in measure.scores))


def _missing(cell: Cell, metric: str, measure: Measure | None = None) -> dict[Status, int]:
    columns = cell.columns
    inapplicable = columns.not_applicable.get(metric, set())
    if isinstance(measure, ConfidenceMeasure):
        gaps = measure.gaps()
    elif metric in columns.scores:
        gaps = [row for row, score in enumerate(columns.scores[metric]) if score is None and row not in inapplicable]
    else:
        gaps = [row for row, pair in enumerate(columns.labels) if pair is None]
    counts = Counter(columns.statuses[row] for row in gaps)
    return {status: counts[status] for status in STATUSES if counts[status]}


def _sub_tasks(cell: Cell) -> dict[str, int]:
    return dict(sorted(Counter(cell.columns.sub_tasks).items())) if cell.metadata["sub_tasks"] else {}


def _power(rule: Rule, measure: Measure) -> float | None:
    """The chance that a model whose true share is the measured one passes, with as many answers, none missing."""
    if not isinstance(measure, ScoreMeasure) or not measure.right_or_wrong or measure.sub_tasks is not None:
        return None
    n, value = measure.n + measure.missing, measure.value()
    if value is None or n > _MOST_FOR_POWER or len(set(measure.clusters)) < len(measure.clusters):
        return None
    least, most = sorted(measure.scale)
    share = (value - least) / (most - least)

    def passes(count: int) -> bool:
        low, high = share_limits([1.0] * count + [0.0] * (n - count), None, rule.alpha)
        return rule.met(least + (most - least) * (low if rule.comparison == ">=" else high))

    if rule.comparison == ">=":
        first = bisect_left(range(n + 1), True, key=passes)
        counts = range(first, n + 1)
    else:
        last = bisect_left(range(n + 1), True, key=lambda count: not passes(count))
        counts = range(last)
    return min(1.0, math.fsum(_binomial(count, n, share) for count in counts))


def _binomial(count: int, n: int, share: float) -> float:
    if share in (0.0, 1.0):
        return float(count == n * share)
    whole = math.lgamma(n + 1) - math.lgamma(count + 1) - math.lgamma(n - count + 1)
    return math.exp(whole + count * math.log(share) + (n - count) * math.log1p(-share))
