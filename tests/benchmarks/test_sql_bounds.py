"""A model's SQL is bounded in time, rows, memory and temporary files, runs once, and lets Ctrl-C through."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.shared import sql

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


@given(st.text(alphabet="<>/sql*-; \n`selctwih1'\"", max_size=200))
def test_any_text_is_read(text: str) -> None:
    for found in (sql.read_sql(text), sql.sql_helm(text)):
        assert found is None or len(found) <= len(text)


@given(st.text(max_size=60) | st.text(alphabet="selct *from patient();'\"-\x00\ud800,1", max_size=60))
def test_any_query_is_rows_or_nothing(text: str) -> None:
    path = Path(__file__).with_name("no_such_database.sqlite")
    assert sql.run_query(path, text) is None
    rows = sql.run_query(Path(os.devnull), text, steps=100_000)
    assert rows is None or isinstance(rows, list)
    assert not path.exists()
