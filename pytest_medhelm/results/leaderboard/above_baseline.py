"""Is a candidate shown to be above the best baseline of a benchmark? One that is not has shown nothing there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from pytest_medhelm.results.leaderboard.paired_cells import corrected_rows, paired_row

if TYPE_CHECKING:
    from pytest_medhelm.results.leaderboard.cell import Cell
    from pytest_medhelm.results.leaderboard.document import PairedRow


def above_baseline(cells: Sequence[Cell], candidates: Sequence[str], baselines: Collection[str]) -> list[PairedRow]:
    """Each candidate minus the baseline with the best value of the benchmark, p corrected over its candidates (Holm).

    ``differ`` is true only where the candidate is the better one of the two.
    """
    rows: list[PairedRow] = []
    for benchmark in sorted({cell.benchmark for cell in cells}):
        here = {cell.model: cell for cell in cells if cell.benchmark == benchmark}
        floor = _best([here[name] for name in sorted(baselines) if name in here])
        if floor is None:
            continue
        worst, best = floor.metrics[floor.main_metric]["scale"]
        compared = [paired_row(benchmark, here[name], floor) for name in sorted(candidates) if name in here]
        rows += [
            {**row, "differ": row["differ"] and row["difference"] * (best - worst) > 0}
            for row in corrected_rows([row for row in compared if row is not None])
        ]
    return rows


def _best(cells: Sequence[Cell]) -> Cell | None:
    """The one with the best value; None where none has one."""
    shares = {}
    for cell in cells:
        if cell.value is not None:
            worst, best = cell.metrics[cell.main_metric]["scale"]
            shares[cell.model] = (cell.value - worst) / (best - worst)
    return max((cell for cell in cells if cell.model in shares), key=lambda cell: shares[cell.model], default=None)
