"""The section "Jury" of the leaderboard: each judge beside the others, over all models of a benchmark.

Aggregates only: no text and no instance. What may be computed, and what a number means, is the package ``agreement``'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.models.vendor import same_family
from pytest_medhelm.results.leaderboard.jury_columns import score
from pytest_medhelm.results.leaderboard.jury_entries import (
    JudgedBenchmark,
    JudgeEntry,
    JudgesAlone,
    JurySection,
    SameVendor,
    SelfPreference,
)

if TYPE_CHECKING:
    from pytest_medhelm.results.agreement.table import Table
    from pytest_medhelm.results.leaderboard.cell import Cell


def jury_section(cells: Sequence[Cell], models: Mapping[str, ModelMetadata]) -> JurySection:
    """``benchmarks``: the judges of each judged benchmark; ``same_vendor``: who judges models of its own vendor."""
    judged = [cell for cell in cells if cell.jury.judges]
    served = {name: counts.served or name for cell in judged for name, counts in sorted(cell.jury.judges.items())}
    same_vendor: list[SameVendor] = [
        {"judge": judge, "model": model, "vendor": vendor}
        for judge in sorted(served)
        for model in sorted({cell.model for cell in judged})
        if (vendor := same_family((judge, served[judge]), (model, models[model]["served"] if model in models else "")))
    ]
    names = sorted({cell.benchmark for cell in judged})
    return {
        "benchmarks": [
            _benchmark(name, [cell for cell in judged if cell.benchmark == name], same_vendor) for name in names
        ],
        "same_vendor": same_vendor,
    }


def _benchmark(name: str, cells: Sequence[Cell], same_vendor: Sequence[SameVendor]) -> JudgedBenchmark:
    from pytest_medhelm.results.agreement.icc import agreement
    from pytest_medhelm.results.agreement.table import table_of

    # one jury: a model that an earlier run had judged by others is not compared
    judges = sorted(cells[-1].jury.judges)
    cells = [cell for cell in cells if sorted(cell.jury.judges) == judges]
    rated = {cell.model: _rated(cell) for cell in cells}
    everything = table_of(
        [
            (f"{model}\0{instance}", judge, value)
            for model, entries in rated.items()
            for instance, judge, value in entries
        ],
        judges,
    )
    instances = [answer.partition("\0")[2] for answer in everything.answers]
    return {
        "benchmark": name,
        "models": [cell.model for cell in cells],
        "agreement": agreement(everything).as_json(),
        "judges": _judges(cells, everything, instances),
        "alone": _alone(cells, judges),
        "self_preference": _favour(rated, same_vendor),
    }


def _rated(cell: Cell) -> list[tuple[str, str, float]]:
    """(instance, judge, mean over the criteria) of the answers that judges saw."""
    return [
        (instance, judge, score(row, None))
        for instance, ratings in zip(cell.instances, cell.ratings, strict=True)
        for judge, row in (ratings or {}).items()
    ]


def _judges(cells: Sequence[Cell], table: Table, instances: Sequence[str]) -> list[JudgeEntry]:
    from pytest_medhelm.results.agreement.judges import biases

    judges: list[JudgeEntry] = []
    for judge in biases(table, instances):
        counts = [cell.jury.judges[judge.rater] for cell in cells]
        spreads = [value for count in counts for value in count.within]
        judges.append(
            {
                "judge": judge.rater,
                "served": next((count.served for count in counts if count.served), ""),
                "asked": sum(count.asked for count in counts),
                "failed": sum(count.failed for count in counts),
                "repaired": sum(count.repaired for count in counts),
                "bias": judge.bias.as_json(),
                "spread": judge.spread,
                "within": math.sqrt(fmean(spreads)) if spreads else None,
            }
        )
    return judges


def _alone(cells: Sequence[Cell], judges: Sequence[str]) -> JudgesAlone:
    """The leaderboard of each judge alone beside that of all, failed answers included, on what every judge rated."""
    from pytest_medhelm.results.agreement.judges import leave_one_out, orderings
    from pytest_medhelm.results.agreement.table import table_of

    tables = {}
    for cell in cells:
        values = cell.scores.get(cell.main_metric, [None] * len(cell.instances))
        entries = [
            (instance, judge, value)
            for instance, ratings, value in zip(cell.instances, cell.ratings, values, strict=True)
            if ratings is None and value is not None
            for judge in judges
        ]
        tables[cell.model] = table_of([*_rated(cell), *entries], judges)
    full, kept = orderings(tables)
    without = {model: leave_one_out(table) for model, table in sorted(tables.items())}
    return {
        "all": dict(full),
        "judges": [
            {
                "judge": alone.judge,
                "values": dict(alone.values),
                "spearman": alone.spearman.as_json(),
                "kendall": alone.kendall.as_json(),
            }
            for alone in kept
        ],
        "without": {model: dict(alone.without) for model, alone in without.items()},
    }


def _favour(
    rated: Mapping[str, Sequence[tuple[str, str, float]]], same_vendor: Sequence[SameVendor]
) -> list[SelfPreference]:
    """How much more each judge gives models of its own vendor than the other judges do; only where it judges some."""
    from pytest_medhelm.results.agreement.judges import self_preference
    from pytest_medhelm.results.agreement.table import table_of

    tables = {model: table_of(entries) for model, entries in rated.items() if entries}
    clusters = {model: list(table.answers) for model, table in tables.items()}
    preferences: list[SelfPreference] = []
    for judge in sorted({pair["judge"] for pair in same_vendor if pair["model"] in tables}):
        same_vendor_models = {pair["model"] for pair in same_vendor if pair["judge"] == judge}
        families = {model: "own" if model in same_vendor_models else "other" for model in tables} | {judge: "own"}
        estimate = self_preference(judge, tables, clusters, families).as_json()
        preferences.append({"judge": judge, **estimate})
    return preferences
