"""medhelm jury-agreement: how far do judges agree with clinicians, with each other, and clinicians among themselves?"""

from __future__ import annotations

import argparse
from dataclasses import asdict
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
    parser.add_argument(
        "--meta-evaluation",
        type=Path,
        metavar="FILE",
        help="HealthBench's file of physicians' labels (docs/rubrics.md)",
    )
    parser.add_argument(
        "--grades",
        type=Path,
        metavar="FILE",
        help="a grader's verdicts: completion_id, rubric, criteria_met in JSON Lines",
    )
    parser.add_argument(
        "--judge", metavar="NAME", help="in place of --grades: the served model that is to grade them now"
    )
    parser.add_argument("--base-url", metavar="URL", help="where that model is served, e.g. http://localhost:8000/v1")
    parser.add_argument(
        "--results", type=Path, default=Path("medhelm-results/meta-evaluation"), metavar="DIR",
        help="where its answers are stored (default: medhelm-results/meta-evaluation)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Print what the ratings say, and write it as JSON if asked.

    Raises ConfigError or DataError when there is nothing to read, the table is malformed or nothing matches.
    """
    if arguments.meta_evaluation is not None:
        return _meta_evaluation(arguments)
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
        _write(target, document(assessment))
    return 0


def _meta_evaluation(arguments: argparse.Namespace) -> int:
    """A grader against physicians, over all and by theme."""
    from pytest_medhelm.results.agreement.meta_evaluation import lines, meta_evaluate, read_grades, read_labelled

    if (arguments.grades is None) == (arguments.judge is None):
        raise ConfigError("name either verdicts, --grades=FILE.jsonl, or who is to grade, --judge=NAME --base-url=URL")
    examples = read_labelled(arguments.meta_evaluation)
    if arguments.grades is not None:
        grades = read_grades(arguments.grades)
    else:
        from pytest_medhelm.cli.grading import graded

        if not arguments.base_url:
            raise ConfigError("--judge needs to know where it is served: add e.g. --base-url=http://localhost:8000/v1")
        grades = graded(examples, arguments.judge, arguments.base_url, arguments.results)
    evaluation = meta_evaluate(examples, grades)
    print("\n".join(lines(evaluation)))
    if arguments.json is not None:
        _write(arguments.json, asdict(evaluation))
    return 0


def _write(target: Path, content: object) -> None:
    try:
        write_json(target, content)
    except OSError as error:
        raise ConfigError(f"--json={target} cannot be written: {error.strerror}") from None


def _ratings(suite: Path | None, table: Path | None) -> Ratings:
    if suite is None and table is None:
        raise ConfigError("name a suite, e.g. medhelm-results/default, or a table with --ratings=FILE.csv, or both")
    given = read_ratings(table) if table is not None else None
    if suite is None:
        assert given is not None
        return given
    stored = open_suite(suite)
    try:
        stored_ratings = suite_ratings(stored)
    finally:
        stored.close()
    if given is not None:
        return joined(stored_ratings, given)
    if not stored_ratings.scores:
        raise ConfigError(f"{suite} has no verdict of a judge: run its benchmarks with --medhelm-judge=...")
    return stored_ratings
