"""medhelm merge: unite the suites of several jobs, and judge gates once."""

from __future__ import annotations

import argparse

from pytest_medhelm.commands.gate import judged
from pytest_medhelm.results.merge import merge
from pytest_medhelm.results.suite import open_suite


def run(arguments: argparse.Namespace) -> int:
    """Merge, write the pages, and judge; 1 when a rule does not pass.

    Raises ConfigError when the suites do not fit together or the gate cannot be read.
    """
    target = merge(arguments.suites, arguments.to)
    suite = open_suite(target)
    try:
        records = sum(1 for cell in suite.cells() for _ in suite.records(*cell))
        print(f"{target}: {records} records of {len(arguments.suites)} suites")
        return judged(suite, arguments, source="merge")
    finally:
        suite.close()
