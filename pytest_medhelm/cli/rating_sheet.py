"""medhelm rating-sheet: answers for clinicians to rate on paper, blinded and shuffled, and their ratings back."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_medhelm.cli.report import write_again
from pytest_medhelm.cli.show_text import add_show_text, require_show_text
from pytest_medhelm.reports.export.rating_sheet import KEY, WRONG, key, rated, sheet
from pytest_medhelm.results.store.annotations import add_marks, add_ratings, read_marks
from pytest_medhelm.results.store.opening import open_responses, open_suite
from pytest_medhelm.results.store.rating_queue import items
from pytest_medhelm.results.store.rating_tables import read_ratings
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.tasks.data.office import read_xlsx
from pytest_medhelm.util.errors import ConfigError, DataError
from pytest_medhelm.util.files import replacing, write_private

ENDINGS = (".csv", ".xlsx")
Rows = list[dict[str, str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    parser.add_argument("--to", type=Path, metavar="DIR", help="folder for the sheets and the key")
    parser.add_argument("--read", type=Path, metavar="DIR", help="folder with filled sheets: store what they say")
    parser.add_argument("--raters", type=int, default=2, metavar="N", help="sheets to write (default: 2)")
    parser.add_argument("--answers", type=int, default=30, metavar="N", help="answers a benchmark (default: 30)")
    parser.add_argument("--format", choices=("csv", "xlsx"), default="csv", help="of the sheets (default: csv)")
    parser.add_argument("--benchmark", action="append", default=[], metavar="NAME", help="only this; may be repeated")
    add_show_text(parser, "write texts of data that are not public as well")


def run(arguments: argparse.Namespace) -> int:
    """Write sheets, or read them. Raises ConfigError or DataError where that cannot be."""
    if (arguments.to is None) == (arguments.read is None):
        raise ConfigError("name a folder: --to=DIR for sheets to be filled, or --read=DIR for filled ones")
    if arguments.raters < 1 or arguments.answers < 1:
        raise ConfigError("--raters and --answers are at least 1")
    suite = open_suite(arguments.suite)
    try:
        return _write(suite, arguments) if arguments.to else _read(suite, arguments.read)
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
        write_private(folder / "key.csv", key(listed))
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be written ({error.strerror}); name another folder") from None
    print(f"{len(listed)} answers for {len(raters)} raters in {folder}: CLINICAL TEXT, keep it where records may be")
    print("give each rater one sheet, keep key.csv, and when they are filled type "
          f"'medhelm rating-sheet {arguments.suite} --read={folder}'")  # fmt: skip
    return 0


def _read(suite: Suite, folder: Path) -> int:
    keys = {row["item"]: row for row in _rows(folder / "key.csv")}
    ratings: Rows = []
    marks: Rows = []
    for file in sorted(file for end in ENDINGS for file in folder.glob(f"*{end}")):
        if file.name != "key.csv" and not file.name.startswith("~$"):  # what Excel keeps while a sheet is open
            rows = _rows(file)
            ratings += rated(file.stem, rows, keys)
            marks += [_mark(file.stem, row, keys) for row in rows if row.get(WRONG, "").strip()]
    if not ratings:
        raise DataError(f"{folder}: no sheet has a rating; fill the columns behind 'rate'")
    with TemporaryDirectory() as unpacked:
        stored = add_ratings(suite, read_ratings(_table(Path(unpacked, "ratings.csv"), ratings))).stored
        if marks:
            add_marks(suite, read_marks(_table(Path(unpacked, "marks.csv"), marks)))
    write_again(suite)
    raters = len({row["rater"] for row in ratings})
    print(f"{len(ratings)} answers rated by {raters} raters: {stored} ratings and marks of harm stored"
          f"{f', {len(marks)} references marked as wrong' if marks else ''}")  # fmt: skip
    return 0


def _mark(rater: str, row: Mapping[str, str], keys: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    key = keys[row["item"]]
    return {"benchmark": key["benchmark"], "instance": key["instance"], "reason": row[WRONG].strip(), "by": rater}


def _rows(file: Path) -> Rows:
    if file.suffix == ".xlsx":
        return [dict(row.values) for row in read_xlsx(file)]
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DataError(f"{file} cannot be read as a sheet: name the folder that 'rating-sheet --to' wrote") from None
    if rows and not (KEY[0] in rows[0] and None not in rows[0]):
        raise DataError(f"{file.name} has no column 'item', or rows that are too long: it is no sheet of rating-sheet")
    return rows


def _table(file: Path, rows: Rows) -> Path:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return file
