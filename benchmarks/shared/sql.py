"""Running a model's SQL on a SQLite database without trusting it, and comparing results.

A query can read and nothing else: the file is opened read-only and immutable, an authorizer lets through SELECT alone,
and size, steps and time are limited. Whatever goes wrong, the query is invalid; the file never changes.
"""

from __future__ import annotations

import math
import os
import re
import sqlite3
import time
import warnings
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pytest_medhelm import DataError, Instance, answers, read_text

Cell = None | int | float | str | bytes
Rows = Sequence[tuple[Cell, ...]]

NOW = "2105-12-31 23:59:00"
"""The present time of EHRSQL's questions."""
ROWS = 10_000
"""A result with more rows is no answer to a question."""
STEPS = 500_000_000
"""Steps of SQLite's machine, some seconds: the same on each computer, so that a slow one does not change a score."""
SECONDS = 60.0
"""For what takes long within few steps."""
MEMORY_BYTES = 500_000_000
"""By which the process may grow while a query sorts or groups; nothing is written to temporary files."""
CELL_BYTES = 100_000
RESULT_BYTES = 50_000_000
SQL_BYTES = 100_000
TOLERANCE = 1e-6

NORMAL = {
    "temperature": (35.5, 38.1),
    "sao2": (95.0, 100.0),
    "heart_rate": (60.0, 100.0),
    "respiration": (12.0, 18.0),
    "systolic_bp": (90.0, 120.0),
    "diastolic_bp": (60.0, 90.0),
    "mean_bp": (60.0, 110.0),
}
"""What EHRSQL takes for normal: its evaluate.py."""
NORMAL_RANGES = ", ".join(f"{sign.replace('_', ' ')} {low:g} to {high:g}" for sign, (low, high) in NORMAL.items())
SCORES = (
    "ehr_sql_execution_accuracy",
    "ehr_sql_query_validity",
    "ehr_sql_execution_accuracy_helm",
    "ehr_sql_query_validity_helm",
    "ehr_sql_precision_answerable_helm",
    "ehr_sql_recall_answerable_helm",
)
"""What exists for answerable questions alone."""

_STEPS_BETWEEN_CHECKS = 10_000
"""With cells of CELL_BYTES and some steps a row, memory cannot grow by more than a few hundred MB between two."""
_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: CELL_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: SQL_BYTES,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 500,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_CREATE = re.compile(r"CREATE TABLE\s+(\w+)\s*\(.*?\n\s*\)\s*;", re.S | re.I)
_CURRENT_TIME = re.compile(r"(?<![\w'\"])current_time(?![\w'\"])", re.I)
_FORMAT = re.compile(r"strftime\(\s*'[^']*'")
_TAG = re.compile(r"<(/?)sql>", re.I)
_TAGGED_HELM = re.compile(r"<\s{0,9}sql\s{0,9}>(.*?)</?\s{0,9}sql\s{0,9}>", re.S | re.I)
_LABELLED = re.compile(
    r"^[^\w\n]{0,6}(?:(?:the|my|final) )?(?:sql(?:ite)?(?: (?:query|statement|code))?|query|statement|answer)(?: is)?"
    r"[*_`]{0,3}\s?[:：]\s*[*_`]{0,3}\s*(?=select\b|with\b)",
    re.I | re.M,
)
_FENCED = re.compile(r"```(?:sqlite|sql)?\s(.*?)(?:```|\Z)", re.S | re.I)
_EITHER = re.compile(r"```[^\w`]{0,10}(?:or|alternatively)\b[^`]{0,80}```", re.I)
"""Two queries, neither of which is the answer."""
_QUOTED = re.compile(r"(?<!`)`((?:select|with)\b[^`]+)`(?!`)", re.I)
_ENDED = re.compile(r"<sql>\s*\Z", re.I)
_BLANKS = re.compile(r"\s*")
_STATEMENT = re.compile(r"(?:select|with)\b", re.I)
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_NOTHING = ("null", "none", "n/a")


@dataclass(frozen=True, slots=True)
class Database:
    """A SQLite file. Two are the same when their names are: an instance does not depend on where data lies."""

    name: str
    path: Path = field(compare=False, repr=False)


def read_schema(path: Path) -> str:
    """The CREATE TABLE statements of an SQL file, without what stands between them.

    Raises DataError when there are none.
    """
    tables = [match[0] for match in _CREATE.finditer(read_text(path).rstrip() + "\n")]
    if not tables:
        raise DataError(f"{path.name} holds no CREATE TABLE statement, so this is not the file that is expected")
    return "\n\n".join(tables)


def open_database(path: Path, schema: str) -> Database:
    """A database that has all tables of a schema. Raises DataError when it is no SQLite file or lacks one."""
    if path.suffix == ".gz":
        raise DataError(f"{path.name} must be unpacked: a database is not read from a gzip file")
    present = run_query(path, "SELECT lower(name) FROM sqlite_master WHERE type IN ('table', 'view')")
    if present is None:
        raise DataError(f"{path.name} is not a SQLite database, or it is damaged")
    missing = [name for name in _CREATE.findall(schema) if (name.lower(),) not in present]
    if missing:
        raise DataError(f"{path.name} has no table {missing[0]!r}, so this is not the database that is expected")
    return Database(path.name, path)


def run_query(path: Path, sql: str, *, steps: int = STEPS, seconds: float = SECONDS) -> Rows | None:
    """The rows that one SELECT statement gives; None when it is invalid, does anything else, or exceeds a limit."""
    bounds = _Bounds(steps, seconds)
    try:
        # immutable: no lock or journal file appears beside the database
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA temp_store = MEMORY")
            for limit, value in _LIMITS.items():
                connection.setlimit(limit, value)
            connection.text_factory = _text
            connection.set_progress_handler(bounds.reached, _STEPS_BETWEEN_CHECKS)
            connection.set_authorizer(_authorize)
            return _fetch(connection.execute(sql))
    # Warning: several statements (Python 3.11); ValueError: characters that no statement can hold
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, MemoryError) as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT" and not bounds.were_reached:
            # Ctrl-C came within the query: sqlite3 swallows what its progress handler raises.
            raise KeyboardInterrupt from None
        return None


class _Bounds:
    """Steps, time and memory that one query may take."""

    def __init__(self, steps: int, seconds: float) -> None:
        self._left = steps // _STEPS_BETWEEN_CHECKS
        self._deadline = time.monotonic() + seconds
        self._most = _memory() + MEMORY_BYTES
        self.were_reached = False

    def reached(self) -> bool:
        """Whether the query must end; called every so many steps."""
        self._left -= 1
        self.were_reached = self._left < 0 or time.monotonic() > self._deadline or _memory() > self._most
        return self.were_reached


def _memory() -> int:
    """Bytes that this process holds in memory; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return 0


def _authorize(action: int, _: str | None, function: str | None, *__: str | None) -> int:
    loads = action == sqlite3.SQLITE_FUNCTION and (function or "").lower() == "load_extension"
    return sqlite3.SQLITE_OK if action in _READING and not loads else sqlite3.SQLITE_DENY


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _fetch(cursor: sqlite3.Cursor) -> Rows | None:
    if cursor.description is None:
        return None
    rows: list[tuple[Cell, ...]] = []
    size = 0
    for row in cursor:
        size += sum(50 + (len(cell) if isinstance(cell, str | bytes) else 0) for cell in row)
        if len(rows) == ROWS or size > RESULT_BYTES:
            return None
        rows.append(row)
    return rows


last_rows = lru_cache(maxsize=2)(run_query)
"""As ``run_query``; a query that is scored in two ways runs once."""


@lru_cache(maxsize=4096)
def reference_rows(path: Path, sql: str) -> Rows | None:
    """As ``run_query`` for a reference query, which is run once in a process."""
    return run_query(path, sql)


def same_rows(first: Rows, second: Rows) -> bool:
    """Whether two results hold the same rows, each as often, in any order.

    Columns are compared by position. An integer equals the same real number; other numbers may differ by 1e-6.
    """
    if len(first) != len(second):
        return False
    return all(map(_same_row, sorted(first, key=_order), sorted(second, key=_order)))


def _order(row: tuple[Cell, ...]) -> tuple[tuple[tuple[str, str], ...], tuple[float, ...]]:
    """Texts go before numbers, which may differ a little between two results."""
    texts = tuple((type(cell).__name__, str(cell)) if not isinstance(cell, int | float) else ("", "") for cell in row)
    return texts, tuple(cell for cell in row if isinstance(cell, int | float))


def _same_row(first: tuple[Cell, ...], second: tuple[Cell, ...]) -> bool:
    return len(first) == len(second) and all(map(_same_cell, first, second))


def _same_cell(first: Cell, second: Cell) -> bool:
    if (isinstance(first, float) and isinstance(second, int | float)) or isinstance(second, float):
        return isinstance(first, int | float) and math.isclose(first, second, rel_tol=1e-9, abs_tol=TOLERANCE)
    return first == second


def at_time(sql: str, now: str) -> str:
    """The statement with the word current_time replaced by a fixed time, also outside of what a text holds."""
    return _CURRENT_TIME.sub(f"'{now}'", sql)


def repaired(sql: str, now: str) -> str:
    """A reference query as upstream's evaluation script runs it; as the data holds it many give no or wrong rows.

    All of it was put in lower case, so that the year (%Y) became %y, which SQLite does not know, and the Julian day
    (%J) became %j, the day of the year. And the bounds of normal vital signs are names that stand for NORMAL.
    """
    written = _FORMAT.sub(lambda match: match[0].replace("%y", "%Y").replace("%j", "%J"), at_time(sql, now))
    for sign, (low, high) in NORMAL.items():
        written = written.replace(f" {sign}_lower ", f" {low} ").replace(f" {sign}_upper ", f" {high} ")
    return written


def gold_rows(instance: Instance, database: Path, now: str) -> Rows | None:
    """The rows that answer a question at a present time; None, with a warning, when its reference query fails."""
    rows = reference_rows(database, repaired(instance.answer, now))
    if rows is None:
        warnings.warn(f"ehr_sql: the reference query of {instance.id} fails on {database.name}", stacklevel=2)
    return rows


def read_sql(text: str) -> str | None:
    """The statement that an answer gives; empty when it abstains; None when neither can be read.

    Read are the last <sql>...</sql>, else the last fenced block or the whole text that begins with SELECT or WITH, also
    behind "SQL Query:", in backquotes or as JSON. Abstaining is an empty
    <sql></sql>, one with a comment only, or the word null or none in place of a statement.
    """
    text = answers.whole_turn(text)
    said = answers.read_json(text) if "{" in text else None
    if isinstance(said, dict):
        given = [entry for key, entry in said.items() if re.search("sql|query", key, re.I) and isinstance(entry, str)]
        text = given[0] if len(given) == 1 else text
    ended = _ENDED.sub("", text)
    if ended != text and not _TAG.search(ended) and _STATEMENT.match(ended.lstrip()):
        return _bare(ended)  # A tag that opens where it should close, and none before the statement.
    tagged = _tagged(text)
    if tagged:
        statement = _bare(tagged[-1])
        says_nothing = answers.fold(statement).strip("; .") in _NOTHING
        return "" if says_nothing or not statement[_after_comments(statement) :].strip("; .\n") else statement
    labels = list(_LABELLED.finditer(text))
    if labels and "```" not in text[labels[-1].end() :]:
        return _bare(text[labels[-1].end() :].partition("\n\n")[0])
    if _EITHER.search(text):
        return None
    for block in reversed(_FENCED.findall(text) or _QUOTED.findall(text) or [text]):
        statement = _bare(block)
        if _STATEMENT.match(statement, _after_comments(statement)):
            return statement
        if answers.fold(statement).strip("; .") in _NOTHING:
            return ""
    return None


def _tagged(text: str) -> list[str]:
    """What stands between tags; a second opening tag behind a statement closes it, unless another one follows."""
    queries: list[str] = []
    open_at: int | None = None
    for tag in _TAG.finditer(text):
        if open_at is None:
            open_at = None if tag[1] else tag.end()
            continue
        inside = text[open_at : tag.start()]
        closes = bool(tag[1]) or (bool(inside.strip()) and not _STATEMENT.match(text[tag.end() :].lstrip()[:10]))
        queries.append(inside)
        open_at = None if closes else tag.end()
    return queries if open_at is None else [*queries, text[open_at:]]


def _after_comments(statement: str) -> int:
    """Where a statement goes on after the comments and blanks at its beginning; linear in their number."""
    start = 0
    while start < len(statement):
        blanks = _BLANKS.match(statement, start)
        start = blanks.end() if blanks else start
        if statement.startswith("--", start):
            end = statement.find("\n", start)
        elif statement.startswith("/*", start):
            end = statement.find("*/", start + 2)
            end += end >= 0
        else:
            break
        start = len(statement) if end < 0 else end + 1
    return start


def answerability(query: str | None) -> str | None:
    """What a statement says of its question: "answerable", "unanswerable" when it is empty; None when unread."""
    return None if query is None else "answerable" if query else "unanswerable"


def _bare(block: str) -> str:
    inner = _FENCED.search(block)
    return re.sub(r"\A(?:sqlite|sql)\s*\n", "", (inner[1] if inner else block).strip().strip("`").strip(), flags=re.I)


def ehr_sql(query: str, gold: Rows | None, database: Path) -> dict[str, float]:
    """Execution accuracy and validity of a query for an answerable question, each 0.0 or 1.0 (Lee et al. 2022).

    Accuracy: the query gives the same rows as the reference query (see ``same_rows``); it does not exist when the
    reference query itself fails (``gold`` is None). Validity: the query runs. Abstaining (an empty query) is 0.0.
    """
    rows = last_rows(database, query) if query else None
    scores = {"ehr_sql_query_validity": float(rows is not None)}
    if gold is not None:
        scores["ehr_sql_execution_accuracy"] = float(rows is not None and same_rows(rows, gold))
    return scores


def ehr_sql_helm(raw_text: str, reference: str, database: Path) -> dict[str, float]:
    """What MedHELM 0.8.0 scores for the same answer to an answerable question.

    Rows are compared as sets; a reference query that fails has an empty result; two empty results are equal only when
    the answer is empty; current_time stays in the model's query. The two scores of answerability say only that there
    is an answer, also an empty tag.
    """
    query, gold = sql_helm(raw_text), reference_rows(database, reference)
    rows = last_rows(database, query) if query else None
    equal = set(rows) == set(gold) if rows and gold else not rows and not gold and not raw_text.strip()
    return {
        "ehr_sql_execution_accuracy": float(equal),
        "ehr_sql_query_validity": float(rows is not None),
        "ehr_sql_precision_answerable": float(bool(raw_text.strip())),
        "ehr_sql_recall_answerable": float(bool(raw_text.strip())),
    }


def sql_helm(raw_text: str) -> str:
    """The statement as MedHELM reads it: between the first two tags, the second with or without its slash; else all.

    Backticks and lines "sql" fall away.
    """
    tagged = _TAGGED_HELM.search(raw_text)
    text = (tagged[1] if tagged else raw_text).strip().replace("`", "").strip()
    return re.sub(r"^sql\n", "", text, flags=re.M)
