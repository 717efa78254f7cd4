"""What a cell of the leaderboard says beside the mean of its jury scores.

How complete the jury was, what single judges do to the value, and an estimate for an incomplete jury.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pytest_medhelm.results.leaderboard.cell_entry import Summary, TwoWayEstimate
from pytest_medhelm.results.leaderboard.jury_columns import score
from pytest_medhelm.results.stats.intervals import mean_interval
from pytest_medhelm.results.stats.quantiles import student_t_quantile

if TYPE_CHECKING:
    from pytest_medhelm.results.leaderboard.columns import Columns

Floats = npt.NDArray[np.float64]

COMPLETE_ENOUGH = 0.95
"""Below this share of answers that every judge rated, the two_way_estimate estimate stands beside the value."""
NOTE = "instances only, these judges taken as fixed"


# Beside the value of a jury metric


def add_jury_extras(summary: Summary, name: str, columns: Columns, sub_tasks: Sequence[str] | None) -> None:
    """``completeness``, ``leave_one_judge_out`` and, where the jury is incomplete, ``two_way_estimate``."""
    jury = columns.jury
    column = jury.column(name)
    judges = sorted(jury.judges)
    scale = (columns.scales[name][0], columns.scales[name][1])
    matrix = np.full((len(jury.ratings), len(judges)), np.nan)
    failed = np.zeros(len(jury.ratings), dtype=np.bool_)
    for index, ratings in enumerate(jury.ratings):
        if ratings is None:
            # refused, empty, ...: the same value from every judge, without a call
            value = columns.scores[name][index]
            failed[index] = value is not None
            matrix[index] = np.nan if value is None else value
        else:
            for position, judge in enumerate(judges):
                if judge in ratings:
                    matrix[index, position] = score(ratings[judge], column)
    asked = np.array([ratings is not None for ratings in jury.ratings])
    whole = ~np.isnan(matrix).any(axis=1)
    completeness = float(whole[asked].mean()) if asked.any() else 1.0
    runs = [sub_tasks[index] for index in range(len(whole)) if whole[index]] if sub_tasks else None
    summary["completeness"] = completeness
    summary["leave_one_judge_out"] = _leave_one_out(matrix[whole], runs)
    if completeness < COMPLETE_ENOUGH:
        summary["two_way_estimate"] = two_way_estimate(matrix, failed, judges, scale, columns.clusters, sub_tasks)


def _leave_one_out(whole: Floats, sub_tasks: Sequence[str] | None) -> list[float] | None:
    """The lowest and the highest value without one judge, on the instances that all of them rated."""
    if not len(whole) or whole.shape[1] < 2:
        return None
    weights = _weights(sub_tasks, len(whole))
    values = [float(weights @ np.delete(whole, judge, axis=1).mean(axis=1)) for judge in range(whole.shape[1])]
    return [min(values), max(values)]


def _weights(sub_tasks: Sequence[str] | None, n: int) -> Floats:
    """What each instance counts: the same within a sub-task, every sub-task as much as the others."""
    if sub_tasks is None:
        return np.full(n, 1 / n)
    sizes = Counter(sub_tasks)
    return np.array([1 / (len(sizes) * sizes[sub_task]) for sub_task in sub_tasks])


def two_way_estimate(
    matrix: Floats,
    failed: npt.NDArray[np.bool_],
    judges: Sequence[str],
    scale: tuple[float, float],
    clusters: Sequence[str],
    sub_tasks: Sequence[str] | None = None,
) -> TwoWayEstimate:
    """The mean over all instances that any judge rated, were every judge to rate each.

    Least squares for score = instance + judge: a harsh judge who is missing for some instances neither raises nor
    lowers them. Failed answers keep their value and tell nothing of the judges. The standard error leaves out one
    cluster of instances at a time. NaN stands where a judge gave no verdict.

    Where judges share too few instances to be compared, there is no value and a note says why.
    """
    kept: npt.NDArray[np.bool_] = np.asarray(~np.isnan(matrix).all(axis=1))
    silent = [judge for judge, column in zip(judges, matrix[~failed].T, strict=True) if np.isnan(column).all()]
    voices = [position for position, judge in enumerate(judges) if judge not in silent]
    result = _no_estimate(int(kept.sum()))
    note = f"without {', '.join(silent)}, who gave no verdict" if silent else ""
    if not voices:
        return result | {"note": "no judge gave a verdict"}
    parts = [sub_tasks[row] for row in np.flatnonzero(kept).tolist()] if sub_tasks else None
    fitted = _fitted(matrix[kept][:, voices], failed[kept], parts)
    value = fitted.value(np.ones(len(fitted.means), dtype=np.bool_))
    if value is None:
        return result | {"note": "judges share too few instances to be compared"}
    sources = [name for name, rated in zip(clusters, kept, strict=True) if rated]
    low, high, error = fitted.limits(value, sources)
    # never narrower than what the instances' own means allow, and never of zero width
    ends = sorted(scale)
    interval = mean_interval(
        np.clip(fitted.means, ends[0], ends[1]).tolist(), scale=scale, clusters=sources, strata=fitted.sub_tasks
    )
    assert interval is not None
    half = (interval.high - interval.low) / 2
    return result | {
        "value": min(max(value, ends[0]), ends[1]),
        "low": max(ends[0], min(low, value - half)),
        "high": min(ends[1], max(high, value + half)),
        "standard_error": error,
        "method": "instance + judge, least squares; one cluster left out at a time",
        "note": note,
    }


def _no_estimate(n: int) -> TwoWayEstimate:
    return {"value": None, "low": None, "high": None, "standard_error": None, "n": n, "method": "", "note": ""}


@dataclass(frozen=True)
class _TwoWay:
    """What each instance adds to the normal equations of the judges' effects."""

    means: Floats
    shares: Floats
    squares: Floats
    sides: Floats
    sub_tasks: Sequence[str] | None

    def value(self, rows: npt.NDArray[np.bool_]) -> float | None:
        """The mean over some instances, were every judge to rate each; None where judges share too few."""
        left = self.squares[rows].sum(axis=0)
        if np.linalg.matrix_rank(left) < left.shape[0] - 1:
            return None
        effects = np.linalg.pinv(left) @ self.sides[rows].sum(axis=0)
        named = [self.sub_tasks[row] for row in np.flatnonzero(rows).tolist()] if self.sub_tasks else None
        return float(_weights(named, int(rows.sum())) @ (self.means[rows] - self.shares[rows] @ effects))

    def limits(self, value: float, sources: Sequence[str]) -> tuple[float, float, float | None]:
        """The 95 % limits and the standard error, by leaving out one source at a time."""
        codes = {name: code for code, name in enumerate(dict.fromkeys(sources))}
        source = np.array([codes[name] for name in sources])
        without = [self.value(source != code) for code in range(len(codes))] if len(codes) > 1 else []
        if not without or None in without:
            return value, value, None
        parts = np.array(without, dtype=np.float64)
        error = float(np.sqrt((len(parts) - 1) / len(parts) * ((parts - parts.mean()) ** 2).sum()))
        half = student_t_quantile(0.975, len(parts) - 1) * error
        return value - half, value + half, error


def _fitted(scores: Floats, spared: npt.NDArray[np.bool_], sub_tasks: Sequence[str] | None) -> _TwoWay:
    mask = (~np.isnan(scores)).astype(np.float64)
    means = np.nansum(scores, axis=1) / mask.sum(axis=1)
    shares = mask / mask.sum(axis=1, keepdims=True)
    shares[spared], counted = 0.0, mask * ~spared[:, None]
    squares = np.einsum("ij,jk->ijk", counted, np.eye(scores.shape[1])) - np.einsum("ij,ik->ijk", counted, shares)
    return _TwoWay(means, shares, squares, counted * (np.nan_to_num(scores) - means[:, None]), sub_tasks)
