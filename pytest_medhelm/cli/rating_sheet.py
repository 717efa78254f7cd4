"""medhelm rating-sheet: answers for clinicians to rate on paper, blinded and shuffled, and their ratings back."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from pytest_medhelm.cli.arguments import MOST_RATERS
from pytest_medhelm.cli.filled_sheets import ENDINGS, KEY_FILE, read_sheets
from pytest_medhelm.cli.report import write_again
from pytest_medhelm.cli.show_text import add_show_text, require_show_text
from pytest_medhelm.reports.export.rating_sheet import key, sheet
from pytest_medhelm.results.store.annotations import add_marks, add_ratings
from pytest_medhelm.results.store.opening import open_responses, open_suite
from pytest_medhelm.results.store.rating_queue import items
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.files import replacing, write_private


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    parser.add_argument("--to", type=Path, metavar="DIR", help="folder for the sheets and the key")
    parser.add_argument("--read", type=Path, metavar="DIR", help="folder with filled sheets: store what they say")
    parser.add_argument("--replace", action="store_true", help="with --read: in place of other ratings of these raters")
    parser.add_argument("--raters", type=int, default=2, metavar="N", help="sheets to write (default: 2)")
    parser.add_argument("--answers", type=int, default=30, metavar="N", help="answers a benchmark (default: 30)")
    parser.add_argument("--format", choices=("csv", "xlsx"), default="csv", help="of the sheets (default: csv)")
    parser.add_argument("--benchmark", action="append", default=[], metavar="NAME", help="only this; may be repeated")
    add_show_text(parser, "write texts of data that are not public as well")


def run(arguments: argparse.Namespace) -> int:
    """Write sheets, or read them. Raises ConfigError or DataError where that cannot be."""
    if (arguments.to is None) == (arguments.read is None):
        raise ConfigError("name a folder: --to=DIR for sheets to be filled, or --read=DIR for filled ones")
    if arguments.replace and arguments.read is None:
        raise ConfigError("--replace belongs to --read: leave it out")
    if arguments.raters < 1 or arguments.answers < 1:
        raise ConfigError("--raters and --answers are at least 1")
    if arguments.raters > MOST_RATERS:
        raise ConfigError(f"--raters={arguments.raters}: at most {MOST_RATERS} can rate at a time")
    suite = open_suite(arguments.suite)
    try:
        return _write(suite, arguments) if arguments.to else _read(suite, arguments.read, replace=arguments.replace)
    finally:
        suite.close()


def _write(suite: Suite, arguments: argparse.Namespace) -> int:
    folder: Path = arguments.to
    require_show_text(suite, folder / "rater-1.csv", None, arguments.show_text)
    raters = [f"rater-{number}" for number in range(1, arguments.raters + 1)]
    there = [file for name in (*raters, "key") for end in ENDINGS if (file := folder / f"{name}{end}").exists()]
    if there:
        raise ConfigError(f"{there[0]} is there already and stays as it is; name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with closing(open_responses(suite.folder)) as store:
            listed = items(suite, store, arguments.answers, arguments.benchmark)
            for name in raters:
                filled = sheet(name, listed, store)
                with replacing(folder / f"{name}.{arguments.format}") as stream:
                    stream.write(filled.as_csv() if arguments.format == "csv" else filled.as_xlsx())
        write_private(folder / KEY_FILE, key(listed))
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be written ({error.strerror}); name another folder") from None
    print(f"{len(listed)} answers for {len(raters)} raters in {folder}: CLINICAL TEXT, keep it where records may be")
    print("give each rater one sheet, keep key.csv, and when they are filled type "
          f"'medhelm rating-sheet {arguments.suite} --read={folder}'")  # fmt: skip
    return 0


def _read(suite: Suite, folder: Path, *, replace: bool) -> int:
    ratings, marks, answers = read_sheets(folder)
    stored = add_ratings(suite, ratings, replace=replace).stored
    if marks:
        add_marks(suite, marks)
    write_again(suite)
    raters = len({rating.rater for rating in ratings.scores} | {mark.rater for mark in ratings.marks})
    print(f"{answers} answers rated by {raters} raters: {stored} ratings and marks of harm stored"
          f"{f', {len(marks)} references marked as wrong' if marks else ''}")  # fmt: skip
    return 0
