"""medhelm report: write the pages of a suite again."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_medhelm.cli.show_text import add_show_text
from pytest_medhelm.gates.suite_outcome import conclude
from pytest_medhelm.reports.kept import keep_verdicts
from pytest_medhelm.reports.write import print_reports, print_table
from pytest_medhelm.results.leaderboard.stored_results import earlier
from pytest_medhelm.results.store.opening import is_writable, open_suite
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.escaping import visible
from pytest_medhelm.util.settings import Pages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    parser.add_argument(
        "--show-published", action="store_true", help="show the MedHELM paper's figures next to it (docs/published.md)"
    )
    parser.add_argument(
        "--html",
        choices=("pages", "single", "none"),
        default="pages",
        help="pages of all instances (default), one file with a sample of them for e-mail, or no page",
    )
    add_show_text(parser, "put instances of gated and private data into --html=single too")


def run(arguments: argparse.Namespace) -> int:
    """Write them and show the table. Raises ConfigError when the folder is no suite."""
    suite = open_suite(arguments.suite)
    try:
        published, html = arguments.show_published, arguments.html
        write_again(suite, published=published, html=html, show_text=arguments.show_text)
    finally:
        suite.close()
    return 0


def write_again(
    suite: Suite,
    *,
    published: bool | None = None,
    html: Pages | None = None,
    show_text: bool = False,
    quiet: bool = False,
) -> None:
    """Write every report of a suite, and print what the terminal shows of it, unless ``quiet``.

    Verdicts of gates are kept where they still stand. ``published``, ``html``: None for what there was before.
    """
    before = earlier(suite.folder)
    outcome = conclude(suite, (), (), (), published=published)
    left = keep_verdicts(outcome.leaderboard, before)
    if is_writable(suite.folder):
        print_reports(suite, outcome.leaderboard, html, show_text, quiet=quiet)
    else:
        print_table(suite, outcome.leaderboard)
        print(f"{visible(suite.folder)} cannot be written: its pages stay as they are; copy it to write them again")
    if left:
        print(
            f"{left} verdict{'s' if left != 1 else ''} of gates left out, since there are other results by now: judge "
            "them again with 'medhelm gate apply SUITE GATE'"
        )
