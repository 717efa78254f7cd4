"""medhelm report: write the pages of a suite again."""

from __future__ import annotations

import argparse

from pytest_medhelm.options import Pages
from pytest_medhelm.reports.write import conclude, print_reports
from pytest_medhelm.results.suite import Suite, open_suite


def run(arguments: argparse.Namespace) -> int:
    """Write them and show the table. Raises ConfigError when the folder is no suite."""
    suite = open_suite(arguments.suite)
    try:
        write_again(suite, published=arguments.published, html=arguments.html)
    finally:
        suite.close()
    return 0


def write_again(suite: Suite, *, published: bool = False, html: Pages = "pages") -> None:
    """Write every report of a suite, and print what the terminal shows of it."""
    outcome = conclude(suite, (), (), (), published=published)
    print_reports(suite, outcome.leaderboard, html)
