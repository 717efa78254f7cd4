"""medhelm trend: the main values of many suites in order of time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pytest_medhelm.reports.trend import levels_for, page, text
from pytest_medhelm.results.analysis.trend import as_json, trend
from pytest_medhelm.results.leaderboard.aggregate import rounded
from pytest_medhelm.results.leaderboard.stored_results import read_stored
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.escaping import visible
from pytest_medhelm.util.files import write_json, write_private

RESULTS = ("suite.sqlite", "leaderboard.json")
"""A suite has one of them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "suites", nargs="+", type=Path, metavar="SUITE", help="suites or leaderboard.json files, two or more"
    )
    parser.add_argument("--benchmark", action="append", default=[], metavar="NAME", help="only this; may be repeated")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the trend.

    Raises ConfigError when a suite cannot be read, a name is unknown, nothing is in two suites, or a file cannot be
    written.
    """
    # medhelm-results/* names the ledger too, which is no suite
    named = [path for path in arguments.suites if path.suffix != ".jsonl"]
    suites = [path for path in named if not path.is_dir() or any((path / file).is_file() for file in RESULTS)]
    # One that is named alone, or with another, is meant; among many it was left by a run that was stopped.
    if len(suites) < 2:
        suites = named
    for path in named:
        if path not in suites:
            print(f"passed over: {visible(path)} holds no results")
    result = trend([read_stored(path) for path in suites], arguments.benchmark)
    print("\n".join(text(result, levels_for(sys.stdout.encoding))))
    html: Path | None = arguments.html
    try:
        if arguments.json is not None:
            write_json(arguments.json, rounded(as_json(result)))
        if html is not None:
            write_private(html, page(result))
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be written: {error.strerror}") from None
    if html is not None:
        print(f"page: {visible(html)}")
    return 0
