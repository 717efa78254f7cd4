"""medhelm annotate: add clinicians' ratings, and references marked as wrong, to a suite."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_medhelm.cli.report import write_again
from pytest_medhelm.results.store.annotations import Added, add_marks, add_ratings, read_marks
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.results.store.rating_tables import read_ratings
from pytest_medhelm.util.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    parser.add_argument(
        "--ratings",
        type=Path,
        metavar="FILE",
        help="CSV: rater, benchmark, instance, model, a column for each criterion, perhaps severity and kinds of harm",
    )
    parser.add_argument("--replace", action="store_true", help="in place of other ratings of the same raters")
    parser.add_argument(
        "--marks",
        type=Path,
        metavar="FILE",
        help="CSV of references that are wrong: benchmark, instance, reason [, by]; no reason takes a mark back",
    )


def run(arguments: argparse.Namespace) -> int:
    """Store the tables and write the pages again.

    Raises ConfigError or DataError when there is no suite, a table is malformed, or nothing in it fits the suite.
    """
    if arguments.ratings is None and arguments.marks is None:
        raise ConfigError("name a table: --ratings=FILE.csv with clinicians' ratings, or --marks=FILE.csv")
    # Both are read before anything is stored.
    ratings = read_ratings(arguments.ratings) if arguments.ratings else None
    marks = read_marks(arguments.marks) if arguments.marks else None
    suite = open_suite(arguments.suite)
    try:
        if ratings is not None:
            print(
                _said(
                    "ratings and marks of harm",
                    add_ratings(suite, ratings, replace=arguments.replace),
                    arguments.ratings.name,
                )
            )
        if marks is not None:
            print(_said("marks of wrong references", add_marks(suite, marks), arguments.marks.name))
        write_again(suite)
    finally:
        suite.close()
    return 0


def _said(what: str, added: Added, file: str) -> str:
    if not added.stored:
        raise ConfigError(f"{file}: none of its {added.unmatched} rows fits an answer of the suite; compare the names")
    left = f", {added.unmatched} fit no answer of the suite" if added.unmatched else ""
    return f"{what}: {added.stored} stored{left}"
