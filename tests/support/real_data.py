"""The real public data, which is not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.paths import CHECKOUT

DATA = Path(os.environ.get("MEDHELM_TEST_DATA") or CHECKOUT.parent / "shared" / "data")
PUBLISHED = DATA.parent / "reference" / "medhelm" / "results" / "leaderboard_final_37.csv"
TIED = ("Claude 3.5 Sonnet (20241022)", "GPT-4o mini (2024-07-18)")


def real(*parts: str) -> Path:
    """A file or folder of real data. Skips the test where it is absent; no data at all fails where CI=true."""
    path = DATA.joinpath(*parts)
    if not DATA.is_dir() and os.environ.get("CI") == "true":
        pytest.fail(f"real data is not at {DATA}: name its folder in MEDHELM_TEST_DATA", pytrace=False)
    if not path.exists():
        pytest.skip(f"{path} is not here: name the folder of real data in MEDHELM_TEST_DATA")
    return path
