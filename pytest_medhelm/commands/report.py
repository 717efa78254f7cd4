"""medhelm report: write the pages of a suite again."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_medhelm.errors import ConfigError
from pytest_medhelm.reports.write import conclude, own_reports, write_reports
from pytest_medhelm.results.suite import Suite


def run(arguments: argparse.Namespace) -> int:
    """Write them and show the table. Raises ConfigError when the folder is no suite."""
    folder: Path = arguments.suite
    if not (folder / "suite.sqlite").is_file():
        raise ConfigError(f"{folder} is no suite: it holds no suite.sqlite; name e.g. medhelm-results/default")
    suite = Suite(folder)
    try:
        outcome = conclude(suite, (), (), (), published=arguments.published)
        lines = write_reports(own_reports(), suite, outcome.leaderboard, arguments.html)
    finally:
        suite.close()
    for line in lines:
        print(line if isinstance(line, str) else line[0])
    return 0
