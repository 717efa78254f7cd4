"""The suite cannot be used, or no longer: one sentence, its exit status, nothing computed is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from tests.support.letters import gold
from tests.support.servers import vllm

REMOVED = """
import shutil
def pytest_runtest_logreport(report):
    if report.when == "call" and "q005" in report.nodeid:
        shutil.rmtree("medhelm-results", ignore_errors=True)  # in workers too
"""
FULL = """
import resource
def pytest_runtest_logreport(report):
    if report.when == "call" and "q100" in report.nodeid:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
"""


def run_with(
    conftest: str, count: int, letters: Callable[..., Path], run: Callable[..., pytest.RunResult], *extra: str
) -> pytest.RunResult:
    data = letters(count)
    (data.parent / "conftest.py").write_text(conftest)
    with MockServer(gold) as server:
        return run(*vllm(server), f"--medhelm-data={data}", "-p", "no:medhelm-status-line", *extra)


@pytest.mark.parametrize("extra", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_folder_that_is_removed_in_mid_run_is_no_success(
    extra: tuple[str, ...], letters: Callable[..., Path], run: Callable[..., pytest.RunResult]
) -> None:
    result = run_with(REMOVED, 10, letters, run, *extra)
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*medhelm: *default was deleted, moved or replaced during the run*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_a_full_disk_stops_the_run_and_the_same_command_goes_on(
    letters: Callable[..., Path], run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    result = run_with(FULL, 300, letters, run)
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*.sqlite cannot be used now*the disk has room*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    with closing(sqlite3.connect("medhelm-results/default/suite.sqlite")) as connection:
        stored = connection.execute("SELECT COUNT(*) FROM records").fetchone()[0]
    again = run_with("", 300, letters, run)
    assert again.ret == 0
    again.stdout.fnmatch_lines(["*300 scored*"])
    assert stored <= 300
    assert main(["report", "medhelm-results/default"]) == 0


RAISES = """
def pytest_medhelm_update_record(record):
    raise ValueError(f"Mrs Example {record}")
"""


def test_a_hook_that_cannot_take_text_out_of_a_record_stops_the_run_and_shows_none(
    letters: Callable[..., Path], run: Callable[..., pytest.RunResult]
) -> None:
    result = run_with(RAISES, 3, letters, run)
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*the hook pytest_medhelm_update_record ends with ValueError at conftest.py:3: fix*"])
    assert "Mrs Example" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("name", ["suite.sqlite", "responses.sqlite"])
def test_what_cannot_be_read_is_said_before_anything_is_asked(
    name: str, letters: Callable[..., Path], run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    data = letters(3)
    folder = pytester.path / "medhelm-results/default"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"no database" * 1000)
    with MockServer(gold) as server:
        result = run(*vllm(server), f"--medhelm-data={data}")
        with closing(sqlite3.connect(folder / "fresh")) as connection:
            connection.execute("PRAGMA user_version = 99")
        (folder / name).write_bytes((folder / "fresh").read_bytes())
        newer = run(*vllm(server), f"--medhelm-data={data}")
        assert server.requests == []
    for ended, said in (
        (result, f"ERROR: *{name} is damaged or no database*"),
        (newer, f"ERROR: {name} has format 99*"),
    ):
        assert ended.ret == 4
        ended.stderr.fnmatch_lines([said])
        assert "Traceback" not in ended.stdout.str() + ended.stderr.str()


ANSWERS_DAMAGED = {
    "DROP TABLE texts": "it has no table texts",
    "UPDATE responses SET usage = '[1]'": "an answer in it is none",
    "UPDATE responses SET usage = 'x'": "malformed JSON",
    "UPDATE responses SET content = x'ff00'": "an answer in it is none",
    "a page": "",
}


def test_damaged_answers_are_said_before_anything_is_asked(
    letters: Callable[..., Path], run: Callable[..., pytest.RunResult]
) -> None:
    data, file = letters(30), Path("medhelm-results/default/responses.sqlite")
    with MockServer(gold) as server:
        assert run(*vllm(server), f"--medhelm-data={data}").ret == 0
        whole, asked = file.read_bytes(), len(server.requests)
        for change, said in ANSWERS_DAMAGED.items():
            file.write_bytes(whole)
            if change == "a page":
                last = len(whole) - 4096
                file.write_bytes(whole[:last] + bytes(range(256)) * 16)
            else:
                with closing(sqlite3.connect(file)) as connection, connection:
                    connection.execute(change)
            ended = run(*vllm(server), f"--medhelm-data={data}")
            assert ended.ret == 4, change
            ended.stderr.fnmatch_lines([f"ERROR: *responses.sqlite is damaged or no database (*{said}*"])
        assert len(server.requests) == asked


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("responses", "UPDATE responses SET content = CAST(x'4d72732048656e7279ff' AS TEXT)"),
        ("responses", "UPDATE responses SET key = CAST(x'4d72732048656e7279ff' AS TEXT) WHERE rowid = 2"),
        ("responses", "UPDATE responses SET key = 'Mrs Henry' WHERE rowid = 2"),
        ("suite", "UPDATE records SET record = CAST(x'4d72732048656e7279ff' AS TEXT)"),
    ],
    ids=["content", "key", "no key", "record"],
)
def test_a_damaged_text_is_not_shown(
    file: str, change: str, letters: Callable[..., Path], run: Callable[..., pytest.RunResult], capsys: Any
) -> None:
    data, folder = letters(3), Path("medhelm-results/default")
    with MockServer(gold) as server:
        assert run(*vllm(server), f"--medhelm-data={data}").ret == 0
        with closing(sqlite3.connect(folder / f"{file}.sqlite")) as connection, connection:
            connection.execute(change)
        result = run(*vllm(server), f"--medhelm-data={data}", "--junitxml=junit.xml")
    assert result.ret != 0
    for command in (["report"], ["rescore"], ["export", "--to=scores.csv"]):
        main([command[0], str(folder), *command[1:]])
    shown = "".join([*result.outlines, *result.errlines, *capsys.readouterr()])
    assert f"{file}.sqlite is damaged or no database (a " in shown
    assert "Mrs Henry" not in shown + (Path("junit.xml").read_text() if Path("junit.xml").exists() else "")
    assert "INTERNALERROR" not in shown
    assert "OperationalError" not in shown, "a report says what is wrong, too"


DAMAGE = {
    "json_set(record, '$.scores.exact_match', 'much')": "scores of a record are no numbers",
    "json_set(record, '$.scores', json('[1]'))": "scores of a record is no dict",
    "json_set(record, '$.latency', 'long')": "latency of a record is no float",
    "'[]'": "a record is no object",
    """'{"scores"'""": "Expecting ':' delimiter",
}


def test_a_record_of_other_types_is_one_sentence_everywhere(
    letters: Callable[..., Path], run: Callable[..., pytest.RunResult], capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk that fails, or a hand that mends: what is stored is a database, and mostly JSON, all the same."""
    data, suite = letters(3), Path("medhelm-results/default")
    with MockServer(gold) as server:
        assert run(*vllm(server), f"--medhelm-data={data}").ret == 0
        whole = (suite / "suite.sqlite").read_bytes()
        asked = len(server.requests)
        for change, said in DAMAGE.items():
            (suite / "suite.sqlite").write_bytes(whole)
            with closing(sqlite3.connect(suite / "suite.sqlite")) as connection, connection:
                connection.execute(f"UPDATE records SET record = {change} WHERE rowid = 1")
            capsys.readouterr()
            for command in (["report", str(suite)], ["export", str(suite), "--to=x.csv"]):
                assert main(command) != 0
                assert f"is damaged or no database ({said}" in capsys.readouterr().err
        (suite / "suite.sqlite").write_bytes(whole)
        with closing(sqlite3.connect(suite / "suite.sqlite")) as connection, connection:
            connection.execute(f"UPDATE records SET record = {next(iter(DAMAGE))} WHERE rowid = 1")
        again = run(*vllm(server), f"--medhelm-data={data}")
        assert (again.ret, len(server.requests)) == (4, asked)
    again.stderr.fnmatch_lines(["ERROR: *suite.sqlite is damaged or no database (scores of a record are no numbers)*"])
