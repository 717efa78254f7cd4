"""leaderboard.json: the leaderboard as data, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm.util.files import write_json


@pytest.hookimpl
def pytest_medhelm_report(leaderboard: Mapping[str, Any], folder: Path) -> None:
    """Write leaderboard.json."""
    write_json(folder / "leaderboard.json", leaderboard)
