"""From records to the leaderboard: cells, win rates, paired differences.

The result has two parts: ``results`` (the same records give the same bytes) and ``measurements`` (times, retries,
tokens, what was read from disk). Floats in ``results`` are rounded to six decimals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.models.spec import CANDIDATE
from pytest_medhelm.results.agreement.preference_entries import PreferenceSection
from pytest_medhelm.results.leaderboard.above_baseline import above_baseline
from pytest_medhelm.results.leaderboard.calibration_entry import Calibration
from pytest_medhelm.results.leaderboard.categories import category_averages
from pytest_medhelm.results.leaderboard.cell import Cell as Cell
from pytest_medhelm.results.leaderboard.cell_entry import CellEntry, Provenance
from pytest_medhelm.results.leaderboard.columns import Columns, read_columns
from pytest_medhelm.results.leaderboard.document import (
    CellMeasurements,
    Coverage,
    Leaderboard,
    PartiesSpent,
    Published,
    SuiteSpending,
)
from pytest_medhelm.results.leaderboard.gate_entry import GateEntry
from pytest_medhelm.results.leaderboard.harm_marks import harm_of
from pytest_medhelm.results.leaderboard.judge_diagnostics import jury_section
from pytest_medhelm.results.leaderboard.paired_cells import letter_groups, paired
from pytest_medhelm.results.leaderboard.provenance import provenance_of, ratings_as_json, unknown_provenance
from pytest_medhelm.results.leaderboard.robustness import add_variant_scores
from pytest_medhelm.results.leaderboard.same_model import ranked_once, several_names
from pytest_medhelm.results.leaderboard.slices import slices_of
from pytest_medhelm.results.leaderboard.spending import Spending
from pytest_medhelm.results.leaderboard.steadiness import add_repeat_scores
from pytest_medhelm.results.leaderboard.steadiness_entry import steadiness_of
from pytest_medhelm.results.leaderboard.summary import metrics_of
from pytest_medhelm.results.leaderboard.win_rates import win_rates_of
from pytest_medhelm.results.store.run_manifest import StoredManifest
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.response import STATUSES
from pytest_medhelm.tasks.metadata import BenchmarkMetadata
from pytest_medhelm.tasks.taxonomy import CATEGORY_OF

SCHEMA: Final = "medhelm-leaderboard/1"
DECIMALS = 6


def read_cells(suite: Suite) -> tuple[list[Cell], dict[str, CellMeasurements], PartiesSpent]:
    """All cells of a suite; what was measured of each, by "<benchmark> <model>"; what models and judges have used."""
    cells: list[Cell] = []
    measured: dict[str, CellMeasurements] = {}
    newest = suite.newest_run()
    whole = Spending(newest)
    for benchmark, model in suite.cells():
        cell = read_cell(suite, benchmark, model, Spending(newest, whole))
        columns = cell.columns
        cells.append(cell)
        measured[f"{benchmark} {model}"] = _measurements(columns, suite.run(max(columns.runs)))
    models = suite.models()
    not_ranked = models.keys() - set(candidates_of(models))
    return cells, measured, whole.as_json(without=not_ranked)


def read_cell(suite: Suite, benchmark: str, model: str, spending: Spending | None = None) -> Cell:
    """One cell of a suite."""
    records = suite.records(benchmark, model)
    columns = read_columns(records, spending, suite.annotations.marks(benchmark))
    add_variant_scores(add_repeat_scores(columns))
    facts = suite.benchmark(benchmark, columns.eval_set_hash)
    return make_cell(benchmark, model, columns, facts, provenance_of(columns, facts, suite))


def candidates_of(models: Mapping[str, ModelMetadata]) -> list[str]:
    """The models of a suite that are ranked, compared and gated; baselines, humans and imports stand beside."""
    return [name for name, facts in models.items() if facts["kind"] == CANDIDATE]


def make_cell(
    benchmark: str,
    model: str,
    columns: Columns,
    facts: BenchmarkMetadata,
    provenance: Provenance | None = None,
) -> Cell:
    """Aggregate one cell."""
    scores = {name: columns.scores[name] for name in sorted(columns.scores)}
    counts = Counter(columns.statuses)
    return Cell(
        benchmark=benchmark,
        model=model,
        main_metric=columns.main_metric,
        size=columns.size,
        statuses={status: counts[status] for status in STATUSES if counts[status]},
        metrics=metrics_of(columns, facts),
        instances=columns.ids,
        scores=scores,
        metadata=facts,
        eval_set_hash=columns.eval_set_hash,
        partial=len(columns.ids) < columns.size or columns.incomplete > 0,
        absent={name: {"reason": why[0], "count": len(why)} for name, why in sorted(columns.absent.items())},
        jury=columns.jury,
        harm=harm_of(columns),
        unmatched=columns.unmatched,
        clusters=_coded(columns.clusters),
        sub_tasks=[facts["sub_tasks"].index(name) for name in columns.sub_tasks] if facts["sub_tasks"] else None,
        provenance=provenance or unknown_provenance(columns),
        read_as=dict(sorted(columns.read_as.items())),
        unknown_marks=dict(sorted(columns.unknown_marks.items())),
        marks=columns.marks,
        columns=columns,
    )


def _coded(clusters: Sequence[str]) -> list[int] | None:
    """Clusters as numbers in order of appearance: their names may be patients'. None where each holds one instance."""
    codes: dict[str, int] = {}
    coded = [codes.setdefault(name, len(codes)) for name in clusters]
    return coded if len(codes) < len(coded) else None


def _measurements(columns: Columns, newest: StoredManifest | None) -> CellMeasurements:
    latencies = sorted(columns.latencies)
    model = columns.spending.of_models()
    return {
        "started": newest and newest["started"],
        "asked": columns.asked - columns.cached,
        "cached": columns.cached,
        "retries": columns.retries,
        "latency_p50": _quantile(latencies, 0.5),
        "latency_p95": _quantile(latencies, 0.95),
        "tokens": model["tokens"],
        "model": model,
        "judges": columns.spending.of_judges(),
    }


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def make_leaderboard(
    suite: Suite,
    cells: Sequence[Cell],
    measured: Mapping[str, CellMeasurements],
    spending: SuiteSpending,
    gates: Sequence[GateEntry],
    published: Published | None = None,
    agreement: Mapping[str, object] | None = None,
    preferences: PreferenceSection | None = None,
) -> Leaderboard:
    """The content of leaderboard.json.

    ``published`` is what ``published_rows`` found, if that was asked for; ``agreement`` how far judges and metrics
    agree with clinicians (``reports.agreement.document``), ``preferences`` what these prefer, where they rated.
    """
    models = suite.models()
    several = several_names(models, suite.runs())
    candidates = ranked_once(candidates_of(models), several)
    # Where a benchmark was imported too, what was run here describes it.
    first = sorted(cells, key=lambda cell: cell.metadata["data"]["origin"] != "imported")
    benchmarks = {cell.benchmark: cell.metadata for cell in first}
    pairs = paired(cells, candidates)
    results = {
        "models": [facts for name, facts in models.items() if any(cell.model == name for cell in cells)],
        "benchmarks": [benchmarks[name] for name in sorted(benchmarks)],
        "cells": [_cell_as_json(cell) for cell in cells],
        "win_rate": win_rates_of(cells, candidates),
        "categories": category_averages(cells, candidates),
        "paired": pairs,
        "letters": letter_groups(cells, pairs),
        "above_baseline": above_baseline(
            cells, candidates, [name for name, facts in models.items() if facts["kind"] == "baseline"]
        ),
        "several_names": several,
        "jury": jury_section(cells, models),
        "gates": list(gates),
        "coverage": _coverage(benchmarks),
        "published": published,
        "agreement": agreement,
        "preferences": preferences,
    }
    return {
        "schema": SCHEMA,
        "suite": suite.folder.name,
        "results": rounded(results),
        # Where a run found its files is for the suite's own manifest.json.
        "measurements": rounded(
            {"cells": measured, "spending": spending, "runs": [_without_place(run) for run in suite.runs()]}
        ),
    }


def _without_place(run: StoredManifest) -> dict[str, object]:
    return {key: value for key, value in run.items() if key != "place"}


def _coverage(benchmarks: Mapping[str, BenchmarkMetadata]) -> list[Coverage]:
    """The benchmarks of this suite in each of the 22 subcategories, in the order of the taxonomy."""
    return [
        {
            "category": category,
            "subcategory": subcategory,
            "benchmarks": [name for name in sorted(benchmarks) if benchmarks[name]["subcategory"] == subcategory],
        }
        for subcategory, category in CATEGORY_OF.items()
    ]


def _cell_as_json(cell: Cell) -> CellEntry:
    return {
        "benchmark": cell.benchmark,
        "model": cell.model,
        "main_metric": cell.main_metric,
        "n": cell.size,
        "partial": cell.partial,
        "sample": cell.sample,
        "statuses": dict(cell.statuses),
        "read_as": dict(cell.read_as),
        "unknown_marks": dict(cell.unknown_marks),
        "metrics": dict(cell.metrics),
        "absent": dict(cell.absent),
        "slices": slices_of(cell.columns, cell.metadata),
        "steadiness": steadiness_of(cell.columns, cell.metadata),
        "marks": dict(cell.marks),
        "unmatched": cell.unmatched,
        "flagged": cell.jury.flagged,
        "flags": dict(sorted(cell.jury.flags.items())),
        "harm": cell.harm,
        "calibration": _calibrations(cell.columns),
        "provenance": cell.provenance,
        "instances": list(cell.instances),
        "clusters": None if cell.clusters is None else list(cell.clusters),
        "sub_tasks": None if cell.sub_tasks is None else list(cell.sub_tasks),
        "scores": {name: list(scores) for name, scores in cell.scores.items()},
        "ratings": ratings_as_json(cell.jury),
    }


def _calibrations(columns: Columns) -> list[Calibration]:
    if not columns.confidences:
        return []
    # With numpy, which a suite of right and wrong answers does without.
    from pytest_medhelm.results.leaderboard.calibration_summary import calibrations_of

    return calibrations_of(columns)


def rounded(value: Any) -> Any:
    """Floats to six decimals, at any depth: the last bits of a float differ between machines."""
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value
