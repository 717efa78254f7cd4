"""Cells of which the rest was not asked, because no completion of it could change a verdict.

A rule is judged twice, with all that was not asked at one end of the scale and at the other. Where verdicts can only
move one way as scores do, both being alike says that every completion comes to the same: the mean of any score, the
limits of a share (Wilson, Clopper and Pearson) and of a paired difference of shares (Tango) do. Limits of graded or
clustered scores do not: a mixed completion may have wider ones than either end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_medhelm.gates.rule import BESIDE_METRICS, Rule
from pytest_medhelm.results.leaderboard.aggregate import make_cell
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.columns import JuryColumns
from pytest_medhelm.scoring.jury.harm import HARM
from pytest_medhelm.scoring.response import STATUSES


def asked_of(cell: Cell) -> Cell:
    """What was asked of a curtailed cell, as if it were all."""
    columns = replace(cell.columns, size=len(cell.instances), unasked=[])
    return make_cell(cell.benchmark, cell.model, columns, cell.facts, cell.provenance)


def completions(rule: Rule, cell: Cell) -> tuple[Cell, Cell]:
    """The cell with the rest at either end of what a rule is about, its scores or a status."""
    metric = rule.metric or cell.main_metric
    if metric in STATUSES:
        return _completed(cell, "", 0.0, metric), _completed(cell, "", 0.0, "skipped" if metric == "ok" else "ok")
    if metric == "must_pass":
        metric = cell.main_metric
    worst, best = cell.columns.scales.get(metric, (0.0, 1.0))
    return _completed(cell, metric, worst, "ok"), _completed(cell, metric, best, "ok")


def undecided(rule: Rule, cell: Cell) -> str:
    """Why the two ends of a rule say nothing about what lies between; empty where they bound all completions."""
    metric = rule.metric or cell.main_metric
    columns = cell.columns
    if metric == "must_pass":
        return ""
    if metric in BESIDE_METRICS:
        return f"{metric} is known of a whole run only"
    if metric not in STATUSES:
        if metric in HARM or columns.jury.is_jury_metric(metric):
            return f"what judges will say decides {metric}"
        if metric not in columns.scores:
            return f"{metric} is no mean of scores"
    if not (rule.bound or rule.baseline):
        return ""
    names = [*columns.clusters, *(entry[1] or entry[0] for entry in columns.unasked)]
    if len(set(names)) < len(names):
        return "instances share a source, so that a mixed rest could widen the interval"
    if metric in STATUSES:
        return ""
    if cell.facts["strata"]:
        return "it has sub-runs, so that a mixed rest could widen the interval"
    scores = columns.scores[metric]
    ends = columns.scales[metric]
    if metric not in columns.binary or not all(score is None or score in ends for score in scores):
        return f"{metric} is not right or wrong, so that a mixed rest could widen the interval"
    if columns.not_applicable.get(metric) or (rule.bound and None in scores):
        return f"{metric} is missing for some instances"
    return ""


def _completed(cell: Cell, metric: str, score: float, status: str) -> Cell:
    columns, rest = cell.columns, cell.columns.unasked
    slices = {
        key: [*columns.slices.get(key, [""] * len(columns.ids)), *(entry[3].get(key, "") for entry in rest)]
        for key in {*columns.slices, *(key for entry in rest for key in entry[3])}
    }
    known: dict[str, Sequence[float | None]] = {metric: columns.scores[metric]} if metric in columns.scores else {}
    whole = replace(
        columns,
        ids=[*columns.ids, *(entry[0] for entry in rest)],
        statuses=[*columns.statuses, *[status] * len(rest)],
        clusters=[*columns.clusters, *(entry[1] or entry[0] for entry in rest)],
        strata=[*columns.strata, *(entry[2] for entry in rest)],
        slices=slices,
        labels=[],
        scores={name: [*scores, *[score] * len(rest)] for name, scores in known.items()},
        absent={},
        marks={},
        jury=JuryColumns(),
        unasked=[],
    )
    return make_cell(cell.benchmark, cell.model, whole, cell.facts, cell.provenance)
