"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

LEDGER = Path("medhelm-results/ledger.jsonl")
"""Where evaluations are recorded unless told otherwise."""
MOST_RATERS = 200
"""Who rate at a time, on a screen or on paper."""


def add_judging(parser: argparse.ArgumentParser) -> None:
    """Whom gates are judged for, against what, and where the verdicts go."""
    parser.add_argument(
        "--model", action="append", metavar="NAME", help="candidate to judge (default: all); repeatable"
    )
    parser.add_argument("--baseline", type=Path, metavar="PATH", help="suite or leaderboard.json to compare with")
    parser.add_argument("--baseline-model", metavar="NAME", help="which model of the baseline")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="ledger (default: ledger.jsonl next to the suite)")
    parser.add_argument(
        "--junitxml", type=Path, metavar="FILE", help="write the verdicts as JUnit XML, for a CI system"
    )
