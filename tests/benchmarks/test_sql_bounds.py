"""A model's SQL is bounded in time, rows, memory and temporary files, runs once, and lets Ctrl-C through."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import given

from benchmarks.shared import sql
from tests.support.examples import any_text, drawn, hostile

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
SORTS_MUCH = (
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100000) "
    "SELECT x FROM c ORDER BY hex(zeroblob(40000 + x % 7)), x"
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "ward.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE patient(id INTEGER, age INTEGER)")
        connection.execute("INSERT INTO patient VALUES (1, 70), (2, 80)")
        connection.commit()
    sql.last_rows.cache_clear()
    return path


def test_a_query_ends_by_steps_and_by_time(database: Path) -> None:
    assert sql.run_query(database, ENDLESS, steps=1_000_000) is None
    assert sql.run_query(database, ENDLESS, seconds=0.05) is None
    assert sql.run_query(database, "SELECT age FROM patient") == [(70,), (80,)]


def test_a_query_ends_by_memory_and_writes_no_temporary_file(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "MEMORY_BYTES", 40_000_000)
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    open_files = set[str]()
    memory = sql._memory

    def watched() -> int:
        open_files.update(os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink())
        return memory()

    monkeypatch.setattr(sql, "_memory", watched)
    assert sql.run_query(database, SORTS_MUCH) is None
    assert [name for name in open_files if "etilqs" in name] == []


def test_ctrl_c_within_a_query_is_no_wrong_answer(database: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            sql.run_query(database, ENDLESS)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, before)


def test_a_query_that_is_scored_in_two_ways_runs_once(database: Path) -> None:
    query = "SELECT max(age) FROM patient"
    assert sql.ehr_sql(query, [(80,)], database)["ehr_sql_execution_accuracy"] == 1.0
    assert sql.ehr_sql_helm(f"<sql>{query}</sql>", query, database)["ehr_sql_execution_accuracy"] == 1.0
    assert sql.last_rows.cache_info().misses == 1


@pytest.mark.parametrize(
    ("answer", "statement"),
    [
        ("-- the oldest\n/* of all */ -- really\n  select 1", True),
        ("/* never closed", False),
        ("-- only a comment", False),
        ("/* a */" * 50_000 + "select 1", True),
        ("/*" * 50_000 + "select 1", False),
        ("--\n" * 50_000 + "with a as (select 1) select * from a", True),
        ("/* a */" * 50_000 + "drop table patient", False),
        ("selected answers", False),
    ],
)
def test_statements_are_found_behind_any_comments(answer: str, statement: bool) -> None:
    assert sql.read_sql(answer) == (answer if statement else None)


def test_tags_without_end_are_read_in_one_pass() -> None:
    many = "<sql>" * 100_000
    assert sql.sql_helm(many) == "", "the second tag ends the first, as MedHELM reads it"
    assert sql.sql_helm("a <sql>select 1</sql> <sql>select 2</sql>") == "select 1"
    assert sql.read_sql(many) == ""


ANSWER_PARTS = [
    "<sql>", "</sql>", "```sql", "```", "/*", "*/", "--", "\n", ";", "select", "with", "a", "'", '"', " ", "\x00",
    "\ud800",
]  # fmt: skip
QUERY_PARTS = [
    "SELECT", "*", "FROM", "patient", "sqlite_master", "WHERE", "1", "=", "'a'", "(", ")", ",", "UNION ALL",
    "WITH RECURSIVE", "c(x) AS", "ORDER BY", "LIMIT", "-1", "zeroblob(9999999999)", "randomblob(1e9)",
    "load_extension('x')", "ATTACH 'x' AS y", "PRAGMA journal_mode=WAL", "DROP TABLE patient", ";", "--", "/*", "*/",
    "x'00'", "9" * 400, "group_concat(age, '%s')", "printf('%999999999d', 1)", "json('[')", "EXPLAIN",
    "VACUUM INTO 'z'", "NULL", "\x00", "\ud800", "é",
]  # fmt: skip


def joined(parts: Sequence[str], random: Random) -> str:
    """Parts at random, and any texts between them."""
    count = random.randrange(12)
    chosen = [random.choice(parts) if random.random() < 0.8 else any_text(random, 6) for _ in range(count)]
    return random.choice(["", " "]).join(chosen)


@hostile
@given(drawn(lambda random: joined(ANSWER_PARTS, random)))
def test_any_text_is_read(texts: list[str]) -> None:
    for text in texts:
        for found in (sql.read_sql(text), sql.sql_helm(text)):
            assert found is None or len(found) <= len(text)


def test_any_query_is_rows_or_nothing(database: Path) -> None:
    before, absent = database.read_bytes(), database.with_name("no_such_database.sqlite")

    @hostile
    @given(drawn(lambda random: joined(QUERY_PARTS, random)))
    def check(queries: list[str]) -> None:
        for query in queries:
            rows = sql.run_query(database, query, steps=100_000)
            assert rows is None or isinstance(rows, list)
        assert sql.run_query(absent, queries[0]) is None

    check()
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]
