"""Stored results as cells again: from a suite, or from its leaderboard.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pytest_medhelm.results.leaderboard.aggregate import SCHEMA, candidates_of, read_cells
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.cell_entry import CellEntry
from pytest_medhelm.results.leaderboard.document import CellMeasurements, Leaderboard
from pytest_medhelm.results.leaderboard.jury_columns import JuryColumns
from pytest_medhelm.results.leaderboard.provenance import ratings_from_json
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.tasks.metadata import BenchmarkMetadata
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.files import parse_json, read_json


@dataclass(frozen=True)
class Stored:
    """The results of a suite."""

    path: Path
    name: str
    cells: Sequence[Cell]
    candidates: Sequence[str]
    """Models that may be promoted; baselines, humans and imports are none."""
    started: str = ""
    """When the newest run that the cells are of was started (ISO 8601); empty where that is not known."""


def read_stored(path: Path) -> Stored:
    """Read a suite's folder or a leaderboard.json. Raises ConfigError saying what is wrong with it."""
    if path.is_dir():
        if not (path / "suite.sqlite").is_file() and (path / "leaderboard.json").is_file():
            return _from_json(path / "leaderboard.json")
        suite = open_suite(path)
        try:
            cells, measured, _ = read_cells(suite)
            return Stored(path, path.name, cells, candidates_of(suite.models()), _started(measured))
        finally:
            suite.close()
    return _from_json(path)


def _from_json(path: Path) -> Stored:
    try:
        board = parse_json(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is neither a suite nor a file; name e.g. medhelm-results/default") from None
    except (OSError, UnicodeDecodeError, ValueError):
        raise ConfigError(f"{path} is no leaderboard.json: it cannot be read as JSON") from None
    if not isinstance(board, dict) or board.get("schema") != SCHEMA:
        version = board.get("schema") if isinstance(board, dict) else None
        raise ConfigError(f"{path} is no leaderboard.json of this version: its schema is {version!r}, not {SCHEMA!r}")
    try:
        facts = {benchmark["name"]: benchmark for benchmark in board["results"]["benchmarks"]}
        models = {model["name"]: model for model in board["results"]["models"]}
        cells = [_cell(cell, facts[cell["benchmark"]]) for cell in board["results"]["cells"]]
        started = _started(board.get("measurements", {}).get("cells", {}))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise ConfigError(
            f"{path} lacks what a comparison needs (scores of each instance): make it again with 'medhelm report SUITE'"
        ) from None
    return Stored(path, board["suite"], cells, candidates_of(models), started)


def _started(measured: Mapping[str, CellMeasurements]) -> str:
    return max((times["started"] or "" for times in measured.values()), default="")


def _cell(cell: CellEntry, facts: BenchmarkMetadata) -> Cell:
    scores = cell["scores"]
    jury = JuryColumns()
    if cell["ratings"] is not None:
        jury = ratings_from_json(cell["ratings"], scores.get("jury", [None] * len(cell["instances"])))
    return Cell(
        benchmark=cell["benchmark"],
        model=cell["model"],
        main_metric=cell["main_metric"],
        size=cell["n"],
        statuses=cell["statuses"],
        metrics=cell["metrics"],
        instances=cell["instances"],
        scores=scores,
        metadata=facts,
        eval_set_hash=cell["provenance"]["eval_set_hash"],
        partial=cell["partial"],
        absent=cell["absent"],
        harm=cell["harm"],
        read_as=cell.get("read_as", {}),
        unknown_marks=cell.get("unknown_marks", {}),
        clusters=cell["clusters"],
        sub_tasks=cell["sub_tasks"],
        provenance=cell["provenance"],
        jury=jury,
    )


def earlier(folder: Path) -> Leaderboard | None:
    """The leaderboard that was written last; None where there is none of this version."""
    board = read_json(folder / "leaderboard.json")
    return cast(Leaderboard, board) if board.get("schema") == SCHEMA else None
