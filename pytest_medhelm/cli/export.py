"""medhelm export: the results of a suite as tables for other programs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from pytest_medhelm.cli.show_text import add_show_text, require_show_text
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.reports.export.aggregate import aggregate_rows
from pytest_medhelm.reports.export.aggregate_page import aggregate_page
from pytest_medhelm.reports.export.columns import AGGREGATE, CELLS, REASONS, SCORES, TEXTS, VERDICTS, Column
from pytest_medhelm.reports.export.formats import FORMATS, write_table
from pytest_medhelm.reports.export.rows import Row, cell_rows, score_rows, verdict_rows
from pytest_medhelm.results.leaderboard.aggregate import read_cells
from pytest_medhelm.results.store.opening import open_responses, open_suite
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.escaping import visible
from pytest_medhelm.util.files import replacing

_PAGES = ("leaderboard.html", "instances.html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    parser.add_argument(
        "--table",
        choices=("scores", "verdicts", "cells"),
        help="a row per score of each instance (default), per judge's verdict, or per value of the leaderboard",
    )
    parser.add_argument(
        "--format",
        choices=("csv", "jsonl", "parquet", "html"),
        help="default: as --to ends, else csv; html for --aggregate (docs/export.md)",
    )
    parser.add_argument(
        "--aggregate",
        action="store_true",
        help="only what may leave the organisation: no instance, no text, no count under 11",
    )
    parser.add_argument("--to", type=Path, metavar="FILE", help="file to write (default: TABLE.csv in the suite)")
    parser.add_argument("--text", action="store_true", help="add prompts, answers and references: CLINICAL TEXT")
    add_show_text(parser, "write texts of gated and private data outside of the suite's folder too")


def run(arguments: argparse.Namespace) -> int:
    """Write one table, or the aggregate.

    Raises ConfigError when options contradict each other, the suite cannot be read, or the file cannot be written.
    """
    table = _checked(arguments)
    with closing(open_suite(arguments.suite)) as suite:
        if not suite.cells():
            raise ConfigError(f"{arguments.suite} holds no records yet: run pytest with --medhelm-model first")
        file, form = _target(arguments, table)
        try:
            if arguments.text:
                require_show_text(suite, file, None, arguments.show_text)
            count = _write(suite, file, table, form, text=arguments.text)
        except OSError as error:
            raise ConfigError(f"{error.filename or file} cannot be written: {error.strerror}") from None
        holds = "holds CLINICAL TEXT: keep it where patients' records may be" if arguments.text else "no clinical text"
        print(f"{visible(file)}: {count} rows, {holds}")
        if left := _left_out(suite):
            print(f"left out, as on the leaderboard: {left} records of earlier settings or evaluation sets")
    return 0


def _checked(arguments: argparse.Namespace) -> str:
    """The table to write. Raises ConfigError where options contradict each other."""
    if arguments.aggregate:
        if arguments.text or arguments.table:
            raise ConfigError("--aggregate holds no text and is a table of its own: leave --text and --table out")
        return "aggregate"
    if arguments.format == "html":
        raise ConfigError("--format=html is a page of the aggregate: add --aggregate, or take --format=csv")
    table: str = arguments.table or "scores"
    if arguments.text and table == "cells":
        raise ConfigError("--table=cells holds no text: leave --text out, or take --table=scores")
    return table


def _target(arguments: argparse.Namespace, table: str) -> tuple[Path, str]:
    """The file to write and its format: --format, or what the name of the file ends with."""
    forms = (*FORMATS, "html") if arguments.aggregate else FORMATS
    given: Path | None = arguments.to
    form = arguments.format or (given.suffix.removeprefix(".").lower() if given else forms[0])
    if form not in forms:
        raise ConfigError(f"--to={visible(given)} ends with none of .{', .'.join(forms)}: name it so, e.g. {table}.csv")
    file = given or arguments.suite / f"{table}.{form}"
    if file.suffix.lower() != f".{form}":
        raise ConfigError(f"--to={visible(file)} is to be {form}: end its name with .{form}, or change --format")
    if file.is_dir():
        raise ConfigError(f"--to={visible(file)} is a folder: name a file in it, e.g. {visible(file / table)}.{form}")
    if file.name in _PAGES and file.parent.resolve() == arguments.suite.resolve():
        raise ConfigError(f"--to={visible(file)} is a page of the suite: name another, e.g. {table}.{form}")
    return file, form


def _write(suite: Suite, file: Path, table: str, form: str, *, text: bool) -> int:
    with replacing(file) as out:
        if form == "html":
            aggregates = list(aggregate_rows(read_cells(suite)[0], suite.models()))
            out.write(aggregate_page(suite.folder.resolve().name, aggregates).encode())
            return len(aggregates)
        if not text:
            columns, rows = _table(suite, table, None)
            return write_table(out, columns, rows, form)
        texts = suite.folder / "responses.sqlite"
        if not texts.is_file():
            raise ConfigError(f"{suite.folder} holds no texts (responses.sqlite is not there): leave --text out")
        with closing(open_responses(suite.folder)) as store:
            columns, rows = _table(suite, table, store)
            return write_table(out, columns, rows, form)


def _table(suite: Suite, table: str, store: ResponseStore | None) -> tuple[Sequence[Column], Iterator[Row]]:
    if table == "aggregate":
        return AGGREGATE, aggregate_rows(read_cells(suite)[0], suite.models())
    if table == "cells":
        return CELLS, cell_rows(suite)
    if table == "verdicts":
        return (*VERDICTS, *((*REASONS, *TEXTS) if store else ())), verdict_rows(suite, store)
    return (*SCORES, *(TEXTS if store else ())), score_rows(suite, store)


def _left_out(suite: Suite) -> int:
    return suite.sizes()[0] - sum(1 for cell in suite.cells() for _ in suite.records(*cell))
