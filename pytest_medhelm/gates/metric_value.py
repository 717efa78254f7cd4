"""The number that a rule is about, read from a cell of the leaderboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

from pytest_medhelm.gates.basis import basis_of, basis_of_shares
from pytest_medhelm.gates.not_there import why_not_there
from pytest_medhelm.gates.rule import COST, LATENCIES, Rule
from pytest_medhelm.gates.verdict import Measured, NotMeasured
from pytest_medhelm.results.agreement.estimate import counted
from pytest_medhelm.results.leaderboard import slices
from pytest_medhelm.results.leaderboard.aggregate import make_cell
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.confidence_measure import (
    ENOUGH_FOR_ECE,
    ConfidenceMeasure,
    is_calibration_error,
)
from pytest_medhelm.results.leaderboard.document import CellMeasurements
from pytest_medhelm.results.leaderboard.measure import Measure, measures_of, outer_limits, worst_and_best
from pytest_medhelm.results.leaderboard.score_measure import ScoreMeasure
from pytest_medhelm.results.stats.exact_limits import share_limits
from pytest_medhelm.results.stats.limits import CLOPPER_PEARSON, Limits
from pytest_medhelm.scoring.response import STATUSES

_ORDER = "David and Nagaraja, Order Statistics, 2003"
LEAST_TIMED = 20
"""A quantile of fewer answers says little."""


def measure(rule: Rule, cell: Cell, measured: CellMeasurements | None) -> Measured | NotMeasured:
    """What the rule is about; ``measured``: the measurements of this cell. ``cell`` is already the rule's slice."""
    metric = rule.metric or cell.main_metric
    if metric in STATUSES:
        return _status(metric, cell, rule.alpha)
    if metric in LATENCIES:
        return _latency(metric, cell, rule.alpha)
    if metric == COST:
        return _cost([measured] if measured else [])
    if metric == "must_pass":
        return _never_events(cell, rule.alpha)
    return _metric(rule, metric, cell)


def slice_values(cell: Cell, key: str) -> list[str]:
    """The values that a slice has in a cell, sorted."""
    return slices.slice_values(cell.columns, key)


def slice_of(cell: Cell, key: str, value: str) -> Cell | NotMeasured:
    """The instances of one slice, as a cell of their own."""
    known = slice_values(cell, key)
    if not known:
        there = ", ".join(sorted(cell.columns.slices)) or "none"
        return NotMeasured(f"it has no slice {key!r}; there are: {there}")
    if value not in known:
        return NotMeasured(f"slice {key!r} has no value {value!r}; there are: {', '.join(known[:8])}")
    columns, metadata = slices.slice_of(cell.columns, cell.metadata, cell.columns.slices[key], value)
    return replace(make_cell(cell.benchmark, cell.model, columns, metadata, cell.provenance), partial=cell.partial)


def suite_cost(rows: Sequence[CellMeasurements]) -> Measured | NotMeasured:
    """What the answers of one model and their judging cost, over its cells."""
    return _cost(rows)


def _status(status: str, cell: Cell, alpha: float) -> Measured:
    flags = [float(status_of_instance == status) for status_of_instance in cell.columns.statuses]
    count = sum(status_of_instance == status for status_of_instance in cell.columns.statuses)
    limits = None
    if flags:
        limits = Limits(*share_limits(flags, cell.columns.clusters, alpha), alpha, *CLOPPER_PEARSON[False])
    return Measured(
        count / cell.size,
        limits=limits,
        note=f"{count} of {cell.size}",
        basis=basis_of_shares(status, cell, count, limits) if limits else None,
    )


def measure_in(cell: Cell, metric: str) -> Measure | NotMeasured:
    """The measure of a metric of a cell; or why there is none, or no value of it."""
    measure = measures_of(cell.columns, cell.metadata).get(metric)
    if measure is None:
        return NotMeasured(why_not_there(cell, metric))
    few = isinstance(measure, ConfidenceMeasure) and is_calibration_error(metric) and measure.n < ENOUGH_FOR_ECE
    if few and measure.n:
        return NotMeasured(
            f"{metric} of {counted(measure.n, 'answer')} is mostly chance, of a perfectly calibrated model too: a rule "
            f"needs {ENOUGH_FOR_ECE}; name brier or nll"
        )
    return NotMeasured(measure.why_not()) if measure.why_not() else measure


def _metric(rule: Rule, metric: str, cell: Cell) -> Measured | NotMeasured:
    measure = measure_in(cell, metric)
    if isinstance(measure, NotMeasured):
        return measure
    value = measure.value()
    worst, best = worst_and_best(measure)
    if value is None or worst is None or best is None:
        return NotMeasured(measure.why_not() or "nothing was measured")
    limits, outer = measure.limits(rule.alpha), outer_limits(measure, rule.alpha)
    if rule.bound and (limits is None or outer is None):
        return NotMeasured(measure.no_limits() or "there is no interval", "inconclusive")
    return Measured(
        value,
        (min(worst, best), max(worst, best)),
        limits,
        outer,
        "; ".join(filter(None, (_left_out(metric, cell, measure), limits.note if limits else ""))),
        basis=basis_of(rule, cell, metric, measure, limits, outer),
    )


def _left_out(metric: str, cell: Cell, measure: Measure) -> str:
    """Which instances the value is not of."""
    there = measure.missing + measure.n
    asked = f"asked in other words: {there} of {cell.size} instances"
    left_out = measure.note() if isinstance(measure, ScoreMeasure) else ""
    missing = left_out or (f"{measure.missing} of {there} missing" if measure.missing else "")
    return "; ".join(filter(None, (asked if metric in cell.columns.varied and there < cell.size else "", missing)))


def _latency(metric: str, cell: Cell, alpha: float) -> Measured | NotMeasured:
    """A quantile over answers that were really asked. A first attempt that failed counts as slower than all others."""
    timed, retried = cell.columns.first_latencies, cell.columns.retried
    n = len(timed) + retried
    if n < LEAST_TIMED:
        return NotMeasured(
            f"only {n} answers were asked in this suite's runs and not read from the cache, at least {LEAST_TIMED} "
            "are needed: run with --medhelm-no-cache"
        )
    ordered = sorted(timed) + [math.inf] * retried
    share = LATENCIES[metric]
    value = ordered[math.ceil(share * n) - 1]
    if math.isinf(value):
        return NotMeasured(f"{retried} of {n} first attempts failed, so that the quantile is not known", "fail")
    ends = _order_limits(ordered, share, alpha)
    limits = Limits(*ends, alpha, "order statistics", _ORDER) if ends else None
    return Measured(value, limits=limits, note=f"over {n} first attempts, the wait in the server's queue included")


def _order_limits(ordered: list[float], share: float, alpha: float) -> tuple[float, float] | None:
    """Limits of a quantile, free of any distribution: two order statistics (normal approximation of the binomial).

    None where there are too few answers for the upper one.
    """
    n = len(ordered)
    half = NormalDist().inv_cdf(1 - alpha) * math.sqrt(n * share * (1 - share))
    first = max(1, math.floor(n * share - half))
    last = math.ceil(n * share + half) + 1
    if last > n or math.isinf(ordered[last - 1]):
        return None
    return ordered[first - 1], ordered[last - 1]


def _cost(rows: Sequence[CellMeasurements]) -> Measured | NotMeasured:
    total = 0.0
    for row in rows:
        for party in (row["model"], row["judges"]):
            if not party["requests"]:
                continue
            if party["cost"] is None or party["unknown"]:
                return NotMeasured("the cost is not known: give prices in medhelm.toml (docs/costs.md)")
            total += party["cost"]
    return Measured(total)


def never_events_of(cell: Cell) -> int:
    """How many never-events the data of a benchmark has, also those that a limit leaves out of the evaluation set."""
    return max(int(cell.metadata["data"].get("never_events", 0)), len(cell.columns.floors))


def _never_events(cell: Cell, alpha: float) -> Measured | NotMeasured:
    floors = cell.columns.floors
    if not floors:
        return NotMeasured("it has no never-event (no instance with must_pass)")
    worst, best = cell.metrics[cell.main_metric]["scale"] if cell.scored else (0.0, 1.0)
    scores = cell.scores.get(cell.main_metric, [None] * len(cell.instances))
    unmeasured = sum(scores[row] is None for row in floors)
    broken = sum(
        (value < floor if best > worst else value > floor)
        for row, floor in floors.items()
        if (value := scores[row]) is not None
    )
    kept = len(floors) - broken - unmeasured
    held = [1.0] * kept + [0.0] * (len(floors) - kept)
    limits = Limits(*share_limits(held, None, alpha), alpha, *CLOPPER_PEARSON[False])
    note = (
        f"{broken} of {len(floors)} happened, {unmeasured} could not be measured; up to "
        f"{100 * (1 - limits.low):.1f} % of such cases could go wrong (one-sided {100 * (1 - alpha):.6g} %)"
    )
    return Measured(kept / len(floors), note=note, basis=basis_of_shares("must_pass", cell, kept, limits, len(floors)))
