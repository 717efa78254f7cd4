"""The table of benchmarks and models: its rows, the colour of a value, and what is clearly best in a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_medhelm.results.leaderboard.cell_entry import CellEntry
from pytest_medhelm.tasks.metadata import BenchmarkMetadata

STEPS = 5
"""Shades from chance (or the worst of the scale) to the best of the scale."""


class Row(NamedTuple):
    """A benchmark by one metric: values of unlike metrics never stand in one row."""

    metric: str
    worst: float
    best: float
    sizes: str
    """Instances: "40", or "20 to 40"."""
    cells: Mapping[str, CellEntry]
    """By model."""
    is_further: bool
    """The benchmark has a row above, by another metric."""


def rows_of(benchmark: BenchmarkMetadata, cells: Sequence[CellEntry]) -> Iterator[Row]:
    """The rows of a benchmark: one, or one for each main metric that its cells have, that of most models first."""
    cells_of_benchmark = [cell for cell in cells if cell["benchmark"] == benchmark["name"]]
    metrics = [cell["main_metric"] for cell in cells_of_benchmark]
    for number, metric in enumerate(sorted(set(metrics), key=lambda name: (-metrics.count(name), name))):
        by_model = {cell["model"]: cell for cell in cells_of_benchmark if cell["main_metric"] == metric}
        scales = [cell["metrics"][metric]["scale"] for cell in by_model.values() if metric in cell["metrics"]]
        worst, best = scales[0] if scales else benchmark["scale"]
        sizes = sorted({cell["n"] for cell in by_model.values()})
        size = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        yield Row(metric, worst, best, size, by_model, number > 0)


def shade(value: float | None, scale: Sequence[float], chance: float | None) -> str:
    """Name of the class: "h0" at or below chance, "h1" to "h5" evenly from there to the best, "" without a value.

    Without a known chance the worst of the scale stands for it. ``scale`` is (worst, best).
    """
    if value is None:
        return ""
    worst, best = scale
    floor = worst if chance is None else chance
    share = (value - floor) / (best - floor) if best != floor else 0.0
    return "h0" if share <= 0 else f"h{min(STEPS, 1 + int(share * STEPS))}"


def clearly_best(letters: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """By benchmark the candidate that is shown to be better than every other one; most rows have none.

    ``letters``: by benchmark and candidate the groups that are not shown to differ, as leaderboard.json has them.
    """
    best = {name: [model for model, groups in row.items() if "a" in groups] for name, row in letters.items()}
    return {name: models[0] for name, models in best.items() if len(models) == 1 < len(letters[name])}
