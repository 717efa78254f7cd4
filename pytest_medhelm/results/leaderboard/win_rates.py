"""The mean win rate of the candidates: over the benchmarks that all of them have whole, and as HELM counts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pytest_medhelm.results.leaderboard.categories import complete_for, medhelm_cells
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.document import WinRates
from pytest_medhelm.results.stats.win_rate import macro_averages, mean_win_rates, win_rate_stability


def win_rates_of(cells: Sequence[Cell], candidates: Sequence[str]) -> WinRates:
    """Mean win rate of the candidates over the benchmarks that are complete for all of them."""
    pool = sorted({cell.model for cell in cells} & set(candidates))
    cells = medhelm_cells(cells)
    complete = complete_for(pool, cells)
    if len(pool) < 3 or not complete:
        helm_style = _helm_style(cells, pool)
        return {"pool": pool, "benchmarks": [], "rates": {}, "stability": {}, "macro": {}, "helm_style": helm_style}
    columns = {
        name: {model: cell.value for model, cell in row.items() if cell.value is not None}
        for name, row in complete.items()
    }
    scales = {name: _scale(next(iter(row.values()))) for name, row in complete.items()}
    averages = macro_averages(columns, scales).items()
    return {
        "pool": pool,
        "benchmarks": list(columns),
        "rates": {model: rate for model, rate in mean_win_rates(columns).items() if rate is not None},
        "stability": {model: list(ends) for model, ends in win_rate_stability(columns).items()},
        "macro": {model: {"mean": mean, "sd": deviation} for model, (mean, deviation) in averages},
        "helm_style": _helm_style(cells, pool),
    }


def win_rate_sentences(win_rate: WinRates, shown: Callable[[str], str]) -> Iterator[str]:
    """The mean win rates and macro averages, highest first; ``shown`` makes a model's name fit for display."""
    over = f"over {len(win_rate['benchmarks'])} benchmarks"
    ranked = sorted(win_rate["rates"].items(), key=lambda row: -row[1])
    if ranked:
        yield f"mean win rate {over}: {', '.join(f'{shown(model)} {rate:.3f}' for model, rate in ranked)}"
    averages = sorted(win_rate["macro"].items(), key=lambda row: -row[1]["mean"])
    if averages:
        listed = [
            f"{shown(model)} {average['mean']:.3f}" + (f" ({average['sd']:.3f})" if average["sd"] is not None else "")
            for model, average in averages
        ]
        yield f"macro average (SD) {over}: {', '.join(listed)}"


def _helm_style(cells: Sequence[Cell], pool: Sequence[str]) -> dict[str, float]:
    """Over columns that lack models too; empty under three candidates."""
    columns: dict[str, dict[str, float]] = {}
    for cell in cells:
        if cell.model in pool and cell.value is not None:
            columns.setdefault(cell.benchmark, {})[cell.model] = cell.value
    if len(pool) < 3:
        return {}
    lower = [cell.benchmark for cell in cells if cell.scored and _lower_is_better(cell)]
    return {model: rate for model, rate in mean_win_rates(columns, lower_is_better=lower).items() if rate is not None}


def _lower_is_better(cell: Cell) -> bool:
    worst, best = cell.metrics[cell.main_metric]["scale"]
    return best < worst


def _scale(cell: Cell) -> tuple[float, float]:
    """(worst, best) of a cell's main metric."""
    worst, best = cell.metrics[cell.main_metric]["scale"]
    return worst, best
