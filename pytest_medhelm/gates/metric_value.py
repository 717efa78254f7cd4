"""The number that a rule is about, read from a cell of the leaderboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist

from pytest_medhelm.gates.rule import ALPHA, COST, LATENCIES, Rule
from pytest_medhelm.gates.verdict import Measured, NotMeasured
from pytest_medhelm.results.leaderboard.aggregate import make_cell
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.document import CellMeasurements
from pytest_medhelm.results.stats.exact_limits import Labelled, label_limits, mean_limits, share_limits
from pytest_medhelm.scoring.response import STATUSES
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

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
        return _never_events(cell)
    return _metric(metric, cell, rule.alpha)


def at_level(cell: Cell, alpha: float) -> Cell:
    """The cell with intervals whose ends are each at the one-sided level alpha."""
    if math.isclose(alpha, ALPHA):
        return cell
    return make_cell(cell.benchmark, cell.model, cell.columns, cell.metadata, cell.provenance, 1 - 2 * alpha)


def slice_values(cell: Cell, key: str) -> list[str]:
    """The values that a slice has in a cell, sorted."""
    return sorted(set(cell.columns.slices.get(key, ())) - {""})


def slice_of(cell: Cell, key: str, value: str) -> Cell | NotMeasured:
    """The instances of one slice, as a cell of their own."""
    known = slice_values(cell, key)
    if not known:
        there = ", ".join(sorted(cell.columns.slices)) or "none"
        return NotMeasured(f"it has no slice {key!r}; there are: {there}")
    if value not in known:
        return NotMeasured(f"slice {key!r} has no value {value!r}; there are: {', '.join(known[:8])}")
    rows = [row for row, found in enumerate(cell.columns.slices[key]) if found == value]
    columns = cell.columns.only(rows)
    facts: BenchmarkMetadata = {
        **cell.metadata,
        "sub_tasks": [name for name in cell.metadata["sub_tasks"] if name in set(columns.sub_tasks)],
    }
    return replace(make_cell(cell.benchmark, cell.model, columns, facts, cell.provenance), partial=cell.partial)


def suite_cost(rows: Sequence[CellMeasurements]) -> Measured | NotMeasured:
    """What the answers of one model and their judging cost, over its cells."""
    return _cost(rows)


def _status(status: str, cell: Cell, alpha: float) -> Measured:
    count = sum(found == status for found in cell.columns.statuses)
    flags = [float(found == status) for found in cell.columns.statuses]
    limits = share_limits(flags, cell.columns.clusters, alpha) if flags else None
    return Measured(count / cell.size, limits=limits, note=f"{count} of {cell.size}", interval=bounds_name(1 - alpha))


def _metric(metric: str, cell: Cell, alpha: float) -> Measured | NotMeasured:
    summary = cell.metrics.get(metric)
    if summary is None and metric in cell.absent:
        return NotMeasured(f"metric {metric!r} is absent: {cell.absent[metric]['reason']}")
    if summary is None:
        known = ", ".join(sorted(cell.metrics)) or "none"
        return NotMeasured(f"metric {metric!r} was not recorded; known are: {known}")
    value, low, high = summary["value"], summary["low"], summary["high"]
    worst, best = summary["worst"], summary["best"]
    if value is None or low is None or high is None or worst is None or best is None:
        return NotMeasured(summary["note"] or "nothing was measured")
    exact = _exact_limits(metric, cell, alpha) if "one_sided" not in summary else None
    limits = exact or (low, high)
    ends = min(worst, best), max(worst, best)
    # Missing data move a limit by as much as they can move the value.
    outer = limits[0] + min(0.0, ends[0] - value), limits[1] + max(0.0, ends[1] - value)
    missing = f"{summary['missing']} of {summary['missing'] + summary['n']} missing" if summary["missing"] else ""
    one_sided = summary.get("one_sided", 1 - alpha if exact else None)
    kind = interval_name(alpha) if one_sided is None else bounds_name(one_sided)
    return Measured(value, ends, limits, outer, missing, kind)


def _exact_limits(metric: str, cell: Cell, alpha: float) -> tuple[float, float] | None:
    """The limits of right-or-wrong scores, and of what is made of labels; None for others, which keep the page's."""
    aside = cell.columns.not_applicable.get(metric, set())
    kept = [
        place for place, score in enumerate(cell.scores.get(metric, ())) if score is not None and place not in aside
    ]
    page = cell.metrics[metric]
    if metric not in cell.scores:
        return (
            label_limits(metric, _labelled(cell), cell.metadata.get("positive"), alpha) if cell.columns.labels else None
        )
    least, most = sorted(page["scale"])
    values = [cell.scores[metric][place] for place in kept]
    if not kept or not set(values) <= {least, most}:
        return None
    right = [float(value == most) for value in values]
    clusters = [cell.columns.clusters[place] for place in kept]
    strata = None if cell.sub_tasks is None else [cell.sub_tasks[place] for place in kept]
    low, high = share_limits(right, clusters, alpha) if strata is None else mean_limits(right, clusters, strata, alpha)
    low, high = least + (most - least) * low, least + (most - least) * high
    if strata is None or page["low"] is None or page["high"] is None:
        return low, high
    return min(low, page["low"]), max(high, page["high"])


def _labelled(cell: Cell) -> list[Labelled]:
    columns = cell.columns
    rows = zip(columns.labels, columns.clusters, columns.sub_tasks, strict=True)
    return [
        Labelled(*pair, cluster, stratum if cell.sub_tasks is not None else "")
        for pair, cluster, stratum in rows
        if pair is not None
    ]


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
    limits = _order_limits(ordered, share, alpha)
    return Measured(value, limits=limits, note=f"over {n} first attempts", interval=interval_name(alpha))


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


def _never_events(cell: Cell) -> Measured | NotMeasured:
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
    return Measured(kept / len(floors), note=f"{broken} of {len(floors)} happened, {unmeasured} could not be measured")


def interval_name(alpha: float) -> str:
    return f"{100 * (1 - 2 * alpha):.4g} % interval"


def bounds_name(confidence: float) -> str:
    return f"one-sided {100 * confidence:.6g} % bounds"
