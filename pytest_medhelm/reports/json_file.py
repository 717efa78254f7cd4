"""leaderboard.json: the leaderboard as data, for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.util.files import write_json


@pytest.hookimpl
def pytest_medhelm_report(leaderboard: Leaderboard, folder: Path) -> None:
    """Write leaderboard.json."""
    write_json(folder / "leaderboard.json", leaderboard)
