"""What may leave the organisation: cells alone, so coarse that no count from 1 to 10 can be computed back.

The rule and why it holds are in docs/export.md; the number is that of the CMS Cell Size Suppression Policy
(https://resdac.org/articles/cms-cell-size-suppression-policy): no cell of 1 to 10, and nothing that it follows from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.reports.export.rows import Row, cell_head
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.scoring.response import STATUSES

SMALLEST = 11
"""The smallest count that may be shown (CMS)."""
FEW = f"fewer than {SMALLEST} instances"
FEW_MEASURED = f"fewer than {SMALLEST} instances may be measured"
UNEQUAL = "its sub-tasks count alike, and some may be small"
UNPUBLISHED = "ok"
"""The status whose count is not given: what is left of the total would tell the others'."""


def aggregate_rows(cells: Sequence[Cell], models: Mapping[str, ModelMetadata]) -> Iterator[Row]:
    """Per cell a row for each status, and two for each metric (how many are measured, and the value), as bands."""
    for cell in cells:
        head = cell_head(cell, models)
        if cell.size < SMALLEST:
            yield head | {"size": None, "partial": None, "kind": "cell", "suppressed": FEW}
            continue
        for status in STATUSES:
            if status != UNPUBLISHED:
                low, high = count_band(cell.statuses.get(status, 0), cell.size)
                yield head | {"kind": "status", "name": status, "low": low, "high": high}
        # Bands of several metrics of the same answers would meet in a narrower one.
        for name in sorted(cell.scores.keys() - cell.columns.derived):
            yield from _of_metric(head | {"name": name, "main_metric": name == cell.main_metric}, cell, name)


def _of_metric(head: Mapping[str, object], cell: Cell, name: str) -> Iterator[Row]:
    # The mean over instances, each counted alike: what the bands are made for.
    scores = [score for score in cell.scores[name] if score is not None]
    worst, best = cell.columns.scales[name]
    measured = count_band(len(scores), cell.size)
    yield {**head, "kind": "measured", "low": measured[0], "high": measured[1]}
    value = {**head, "kind": "value", "scale_worst": worst, "scale_best": best}
    if measured[0] < SMALLEST:
        yield value | {"suppressed": FEW_MEASURED}
    elif cell.sub_tasks is not None:
        yield value | {"suppressed": UNEQUAL}
    else:
        low, high = share_band((fmean(scores) - worst) / (best - worst), measured[0])
        ends = sorted((worst + low * (best - worst), worst + high * (best - worst)))
        yield value | {"low": ends[0], "high": ends[1]}


def count_band(count: int, size: int) -> tuple[int, int]:
    """The band of a count from 0 to ``size``: one of bands of at least 11 counts each, which begin at 0.

    Raises ValueError where ``size`` is below 11: there is no such band.
    """
    if not 0 <= count <= size or size < SMALLEST:
        raise ValueError(f"no band of {SMALLEST} holds {count} of {size}")
    bands = (size + 1) // SMALLEST
    edges = [number * (size + 1) // bands for number in range(bands + 1)]
    # The edges are rounded down: the place that the division names may be one too low.
    band = next(number for number in range(bands) if count < edges[number + 1])
    return edges[band], edges[band + 1] - 1


def share_band(share: float, at_least: int) -> tuple[float, float]:
    """The band of a share (0: worst, 1: best) of ``at_least`` instances or more: at least 11 of them wide but for one.

    Raises ValueError where ``at_least`` is below 11.
    """
    if at_least < SMALLEST:
        raise ValueError(f"a share of {at_least} instances is not shown")
    bands = (at_least + 1) // SMALLEST
    # A share that is an edge but for the last bits of the float belongs to the band above it.
    band = min(bands - 1, max(0, math.floor(share * bands + 1e-9)))
    return band / bands, (band + 1) / bands
