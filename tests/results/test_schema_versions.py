"""Both databases carry a version: earlier ones are brought up to date, later ones refused before anything is asked.

``unversioned_suite`` was written before files had versions: a benchmark of twelve instances, two models.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pytest_medhelm.cli.main import main
from pytest_medhelm.models.engine.store import SCHEMA as RESPONSES
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.results.store.opening import open_responses, open_suite, prepare_suite
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.results.store.suite_tables import SCHEMA as RECORDS
from pytest_medhelm.util.errors import ConfigError, StoreFailed

UNVERSIONED = Path(__file__).parent / "unversioned_suite"
FILES = ("suite.sqlite", "responses.sqlite")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of the old suite."""
    return Path(shutil.copytree(UNVERSIONED, tmp_path / "old"))


def version(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
    assert isinstance(found, int)
    return found


def newer(file: Path) -> bytes:
    """Say that a later version of the package wrote a file; returns its bytes."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA user_version = 99")
    return file.read_bytes()


def test_the_kept_suite_is_one_without_versions() -> None:
    assert [version(UNVERSIONED / name) for name in FILES] == [0, 0]


def test_an_old_suite_is_brought_up_to_date_and_keeps_everything(old: Path) -> None:
    with closing(sqlite3.connect(old / "responses.sqlite")) as connection:
        connection.execute("INSERT INTO claims VALUES ('a key', 1)")  # of a process that was killed then
        connection.commit()
        keys = [row[0] for row in connection.execute("SELECT key FROM responses")]
    assert len(keys) == 24
    prepare_suite(old)
    assert [version(old / name) for name in FILES] == [RECORDS.version, RESPONSES.version]
    with closing(open_suite(old)) as suite, closing(open_responses(old)) as store:
        assert suite.cells() == [("letters", "baseline/lexical"), ("letters", "vllm/mock")]
        assert len(list(suite.records("letters", "vllm/mock"))) == 12
        assert all(store.get(key) for key in keys)
    with closing(sqlite3.connect(old / "responses.sqlite")) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert "claims" not in tables, "claims are locks that leave nothing behind"


def test_an_old_suite_can_be_reported_and_exported(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(old)]) == 0
    assert main(["export", str(old), "--to", str(old / "scores.csv")]) == 0
    # Every answer of the mock server was right; of twelve first options three are.
    printed = capsys.readouterr().out
    assert "1.00" in printed
    assert "0.25" in printed
    assert (old / "scores.csv").read_text().count('"exact_match",') == 24


def test_a_suite_that_cannot_be_written_is_read_as_it_is(
    old: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    out = old.parent / "scores.csv"
    # The superuser may write anything; a file system that is mounted to be read only says so to os.access.
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))
    assert main(["report", str(old)]) == 0
    assert main(["export", str(old), "--to", str(out)]) == 0
    assert main(["compare", str(old), str(old), "--model", "baseline/lexical", "--model", "vllm/mock"]) in (0, 1)
    printed = capsys.readouterr().out
    assert "cannot be written: its pages stay as they are" in printed
    assert "1.00" in printed
    assert out.read_text().count('"exact_match",') == 24
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before


@pytest.mark.parametrize("name", FILES)
def test_a_newer_file_is_refused_and_not_touched(old: Path, name: str) -> None:
    before = newer(old / name)
    with pytest.raises(ConfigError, match=f"{name} has format 99 .* pip install -U pytest-medhelm"):
        prepare_suite(old)
    assert (old / name).read_bytes() == before


def test_a_newer_suite_is_one_sentence_for_every_command(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newer(old / "suite.sqlite")
    for command in (
        ["report", str(old)],
        ["export", str(old)],
        ["compare", str(old), str(old)],
        ["gate", "apply", str(old), "letters >= 0.5"],
        ["merge", str(old), "--to", str(old.parent / "merged")],
        ["rescore", str(old)],
    ):
        assert main(command) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "newer pytest-medhelm" in line


def test_two_processes_may_bring_the_same_file_up_to_date(old: Path) -> None:
    with closing(sqlite3.connect(old / "responses.sqlite", isolation_level=None)) as slow:
        slow.execute("PRAGMA journal_mode=WAL")
        RESPONSES.prepare(slow)
        with closing(ResponseStore(old / "responses.sqlite")) as store:
            store.spending.reserve("run", 1.0, 2.0, 0)
        RESPONSES.prepare(slow)
        assert slow.execute("SELECT COUNT(*) FROM spending").fetchone() == (1,)


def test_a_step_that_fails_leaves_the_file_as_it_was(old: Path) -> None:
    before = version(old / "suite.sqlite")
    broken = type(RECORDS)("suite.sqlite", RECORDS.tables, steps=("DROP TABLE records; DROP TABLE nothing",))
    with closing(sqlite3.connect(old / "suite.sqlite", isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            broken.prepare(connection)
        assert connection.execute("SELECT COUNT(*) FROM records").fetchone() == (24,)
    assert version(old / "suite.sqlite") == before


# Damaged files


def _garbage(file: Path) -> None:
    file.write_bytes(b"no database at all" * 100)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _hole(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:20480] = bytes(16384)
    file.write_bytes(bytes(content))


def _other_tables(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE records(x)")


def _no_json(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE runs SET manifest = '{'")
        connection.commit()


def _no_json_record(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE records SET record = substr(record, 1, 50) WHERE rowid = 3")
        connection.commit()


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _header(file: Path) -> None:
    file.write_bytes(b"\0" * 100 + file.read_bytes()[100:])


@pytest.mark.parametrize("damage", [_garbage, _cut, _hole, _other_tables, _no_json, _no_json_record, _folder, _header])
def test_a_damaged_suite_is_one_sentence(old: Path, damage: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(damage)
    damage(old / "suite.sqlite")
    with pytest.raises(ConfigError, match=r"suite\.sqlite"):
        prepare_suite(old)
    for command in (["report", str(old)], ["export", str(old)], ["compare", str(old), str(old)]):
        status = main(command)
        said = capsys.readouterr().err.splitlines()
        # An export does not need the manifest of a run.
        assert (status == 0 and command[0] == "export") or (status in (1, 3) and len(said) == 1), (command, said)


# What happens to the folder meanwhile


def test_a_folder_that_is_removed_during_the_run_is_said_and_not_passed_over(old: Path) -> None:
    suite = Suite(old)
    (record,) = list(suite.records("letters", "vllm/mock"))[:1]
    suite.begin("another", {"settings": {}}, {})
    del record["run"]
    suite.add(dict(record))  # type: ignore[arg-type]
    shutil.rmtree(old)
    suite.add(dict(record))  # type: ignore[arg-type]
    with pytest.raises(StoreFailed, match="was deleted, moved or replaced"):
        suite.commit()


def test_a_full_disk_is_said_and_what_was_written_stays(old: Path) -> None:
    suite = Suite(old)
    suite.begin("another", {"settings": {}}, {})
    pages = suite._connection.execute("PRAGMA page_count").fetchone()[0]
    suite._connection.execute(f"PRAGMA max_page_count = {pages}")
    (record,) = list(suite.records("letters", "vllm/mock"))[:1]
    large = record | {"instance": "another", "padding": "x" * 1_000_000}  # type: ignore[operator]
    with pytest.raises(StoreFailed, match="that the disk has room"):
        suite.add(large)
    suite._connection.close()
    with closing(open_suite(old)) as again:
        assert len(list(again.records("letters", "vllm/mock"))) == 12
