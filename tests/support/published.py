"""What several test files share."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


DATA = Path(os.environ.get("MEDHELM_TEST_DATA") or CHECKOUT.parent / "shared" / "data")


PUBLISHED = DATA.parent / "reference" / "medhelm" / "results" / "leaderboard_final_37.csv"


TIED = ("Claude 3.5 Sonnet (20241022)", "GPT-4o mini (2024-07-18)")
