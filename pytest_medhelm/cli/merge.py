"""medhelm merge: unite the suites of several jobs, and judge gates once."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_medhelm.cli.arguments import add_judging
from pytest_medhelm.cli.gate import demanded, judged
from pytest_medhelm.results.store.merge import merge
from pytest_medhelm.results.store.opening import open_suite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help="folders of the suites")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder of the united suite")
    parser.add_argument("--gate", action="append", default=[], metavar="FILE|RULE", help="gate to judge; repeatable")
    add_judging(parser)


def run(arguments: argparse.Namespace) -> int:
    """Merge, write the pages, and judge; 1 when a rule does not pass.

    Raises ConfigError, with nothing written, when the suites do not fit together or the gate cannot be read.
    """
    demands = demanded(arguments)
    target = merge(arguments.suites, arguments.to)
    suite = open_suite(target)
    try:
        records = sum(1 for cell in suite.cells() for _ in suite.records(*cell))
        print(f"{target}: {records} records of {len(arguments.suites)} suites")
        return judged(suite, demands, arguments, source="merge")
    finally:
        suite.close()
