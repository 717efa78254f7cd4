"""medhelm jury-agreement: how far do judges agree with clinicians, with each other, and clinicians among themselves?"""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_medhelm.reports.html.agreement import text
from pytest_medhelm.results.agreement.assessment import assess
from pytest_medhelm.results.agreement.document import document
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.results.store.rating_tables import read_ratings
from pytest_medhelm.results.store.ratings import Ratings, joined, suite_ratings
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.files import write_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("suite", nargs="?", type=Path, help="folder of a suite: its judges and metrics are compared")
    parser.add_argument("--ratings", type=Path, metavar="FILE", help="CSV of clinicians' (and judges') ratings")
    parser.add_argument(
        "--benchmark", action="append", default=[], metavar="NAME", help="only this benchmark; may be repeated"
    )
    parser.add_argument("--zscore", action="store_true", help="turn each rater's scores into z-scores first")
    parser.add_argument(
        "--precision", type=float, metavar="W", help="say how many answers an interval of +-W takes, e.g. 0.1"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what the ratings say, and write it as JSON if asked.

    Raises ConfigError or DataError when there is nothing to read, the table is malformed or nothing matches.
    """
    precision: float | None = arguments.precision
    if precision is not None and not 0 < precision < 1:
        raise ConfigError(f"--precision={precision:g} must lie between 0 and 1: it is a half-width, e.g. 0.1")
    ratings = _ratings(arguments.suite, arguments.ratings)
    if arguments.benchmark:
        ratings = ratings.only(arguments.benchmark)
    assessment = assess(ratings, zscore=arguments.zscore, precision=precision)
    print("\n".join(text(assessment)))
    target: Path | None = arguments.json
    if target is not None:
        try:
            write_json(target, document(assessment))
        except OSError as error:
            raise ConfigError(f"--json={target} cannot be written: {error.strerror}") from None
    return 0


def _ratings(suite: Path | None, table: Path | None) -> Ratings:
    if suite is None and table is None:
        raise ConfigError("name a suite, e.g. medhelm-results/default, or a table with --ratings=FILE.csv, or both")
    given = read_ratings(table) if table is not None else None
    if suite is None:
        assert given is not None
        return given
    stored = open_suite(suite)
    try:
        own = suite_ratings(stored)
    finally:
        stored.close()
    if given is not None:
        return joined(own, given)
    if not own.scores:
        raise ConfigError(f"{suite} has no verdict of a judge: run its benchmarks with --medhelm-judge=...")
    return own
