"""The average of each of the five categories: one plain number a model, for the overview alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from statistics import fmean

from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.document import CategoryAverage
from pytest_medhelm.tasks.taxonomy import CATEGORIES


def complete_for(models: Collection[str], cells: Sequence[Cell]) -> dict[str, dict[str, Cell]]:
    """benchmark -> {model: cell}: the benchmarks on which all these models can be put in an order.

    Each model has a value there, on every instance of the same evaluation set and by the same main metric.
    """
    table: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        if cell.model in models and cell.whole and cell.value is not None:
            table.setdefault(cell.benchmark, {})[cell.model] = cell
    return {
        name: row
        for name, row in sorted(table.items())
        if len(row) == len(models) and len({(cell.eval_set_hash, cell.main_metric) for cell in row.values()}) == 1
    }


def medhelm_cells(cells: Sequence[Cell]) -> list[Cell]:
    """The cells of MedHELM's benchmarks: others stand outside of win rates and averages."""
    return [cell for cell in cells if not cell.metadata.get("outside_medhelm")]


def category_averages(cells: Sequence[Cell], candidates: Collection[str]) -> list[CategoryAverage]:
    """For each category ``benchmarks`` and ``averages`` {model: 0 to 1}, in the order of the taxonomy.

    The average is the plain mean over the benchmarks that are complete for all candidates (without candidates: for
    all models), each value put on 0 (the worst of its scale) to 1 (the best): a jury's 4 on 1 to 5 counts 0.75. A
    baseline, human or import stands beside where it has the same benchmarks. Averages of different metrics order
    nothing: no gate takes them, and the mean win rate does not use them.
    """
    cells = medhelm_cells(cells)
    present = {cell.model for cell in cells}
    complete = complete_for(present & set(candidates) or present, cells)
    entries: list[CategoryAverage] = []
    for category in CATEGORIES:
        names = [name for name, row in complete.items() if next(iter(row.values())).metadata["category"] == category]
        averages = {}
        for model in sorted(present):
            rows = complete_for({*complete[names[0]], model}, cells) if names else {}
            if names and all(name in rows for name in names):
                averages[model] = fmean(_share(rows[name][model]) for name in names)
        entries.append({"category": category, "benchmarks": names, "averages": averages})
    return entries


def _share(cell: Cell) -> float:
    """The main value as a share of its scale, 0 (worst) to 1 (best)."""
    assert cell.value is not None
    worst, best = cell.metrics[cell.main_metric]["scale"]
    return (cell.value - worst) / (best - worst)
