"""Reading what a session left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def leaderboard(folder: Path, suite: str = "") -> dict[str, Any]:
    """The leaderboard.json of a suite below the folder of a session; of the one that it has where none is named."""
    results = folder / "medhelm-results"
    suite = suite or ("default" if (results / "default").is_dir() else "sample")
    content: dict[str, Any] = json.loads((results / suite / "leaderboard.json").read_text())
    return content


def cell(board: dict[str, Any], benchmark: str, model: str | None = None) -> dict[str, Any]:
    """One cell of a leaderboard."""
    (found,) = [
        entry
        for entry in board["results"]["cells"]
        if entry["benchmark"] == benchmark and model in (None, entry["model"])
    ]
    assert isinstance(found, dict)
    return found
