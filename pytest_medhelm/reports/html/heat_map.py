"""The colour of a value in the table of benchmarks and models, and what is clearly best in a row."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_medhelm.results.leaderboard.cell_entry import CellEntry

STEPS = 5
"""Shades from chance (or the worst of the scale) to the best of the scale."""


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


def clearly_best(cells: Sequence[CellEntry], candidates: Sequence[str]) -> dict[str, str]:
    """By benchmark the candidate whose interval lies above those of all other candidates; most rows have none.

    Only complete cells of one evaluation set and one main metric are compared. Intervals that overlap decide nothing
    either way: the paired comparison does (``medhelm compare``).
    """
    rows: dict[str, list[CellEntry]] = {}
    for cell in cells:
        if cell["model"] in candidates:
            rows.setdefault(cell["benchmark"], []).append(cell)
    return {name: best for name, row in rows.items() if len(row) == len(candidates) > 1 and (best := _best(row))}


def _best(row: Sequence[CellEntry]) -> str | None:
    if len({(cell["provenance"]["eval_set_hash"], cell["main_metric"]) for cell in row}) > 1:
        return None
    whole = [cell for cell in row if not cell["partial"]]
    mains = {cell["model"]: cell["metrics"].get(cell["main_metric"]) for cell in whole}
    if len(mains) < len(row) or any(main is None or main["low"] is None for main in mains.values()):
        return None
    # Where less is better the ends change places.
    ends = {
        model: (main["low"], main["high"]) if main["scale"][0] < main["scale"][1] else (-main["high"], -main["low"])
        for model, main in mains.items()
        if main and main["low"] is not None and main["high"] is not None
    }
    if len(ends) < len(mains):
        return None
    first = max(ends, key=lambda model: ends[model])
    return first if all(high < ends[first][0] for model, (_, high) in ends.items() if model != first) else None
