"""A suite in a notebook: the same numbers as its leaderboard, as objects and as frames."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm import ConfigError, load_suite

pandas = pytest.importorskip("pandas")


def test_a_suite_as_objects_and_frames(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    models = ("--medhelm-model=baseline/majority", "--medhelm-model=baseline/random")
    assert run(*models, f"--medhelm-data={letters(6)}").ret == 0
    folder = pytester.path / "medhelm-results" / "default"
    suite = load_suite(str(folder))
    written = json.loads((folder / "leaderboard.json").read_text("utf-8"))
    assert suite.leaderboard["results"] == written["results"]
    cells = {(cell["benchmark"], cell["model"]): cell for cell in written["results"]["cells"]}
    assert len(cells) == 2
    assert [(cell.benchmark, cell.model) for cell in suite.cells] == list(cells)

    records = suite.records_frame()
    assert len(suite.records) == len(records) == 12
    means = records.groupby(["benchmark", "model"])["score.exact_match"].mean()
    frame = suite.cells_frame()
    main = frame[frame["main"]].set_index(["benchmark", "model"])
    for key, cell in cells.items():
        value = cell["metrics"]["exact_match"]["value"]
        assert means[key] == pytest.approx(value, abs=1e-6)
        assert main.loc[key, "value"] == pytest.approx(value, abs=1e-6)
        assert suite.leaderboard_frame().loc[key] == pytest.approx(value, abs=1e-6)


def test_a_folder_that_is_no_suite(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"suite\.sqlite"):
        load_suite(tmp_path)
