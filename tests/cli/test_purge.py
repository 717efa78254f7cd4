"""What medhelm purge removes is nowhere in the folder afterwards, and what it leaves it says."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pytest_medhelm.cli.main import main

OLD = Path(__file__).parents[1] / "results" / "unversioned_suite"
CANARIES = (b"Case 0", b"Gold A", b"Mrs Canary")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite of twelve questions, with pages, an export with texts, a judge's reason and somebody's notes."""
    folder = Path(shutil.copytree(OLD, tmp_path / "medhelm-results" / "ward"))
    assert main(["report", str(folder)]) == 0
    assert main(["export", str(folder), "--text"]) == 0
    with closing(sqlite3.connect(folder / "suite.sqlite")) as connection:
        for number, text in connection.execute("SELECT rowid, record FROM records").fetchall():
            record = json.loads(text) | {"error": "Mrs Canary", "verdicts": [{"reason": "Mrs Canary", "error": ""}]}
            connection.execute("UPDATE records SET record = ? WHERE rowid = ?", (json.dumps(record), number))
        connection.execute("INSERT INTO marks VALUES ('letters', 'q000', 'Mrs Canary says so', 'me')")
        connection.commit()
    assert found(folder) == set(CANARIES)
    return folder


def found(folder: Path) -> set[bytes]:
    """The canaries that are in any byte of any file."""
    content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return {canary for canary in CANARIES if canary in content}


def test_texts_are_gone_and_scores_are_not(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = json.loads((suite / "leaderboard.json").read_text())["results"]["cells"]
    (suite / "notes.txt").write_text("my notes")
    capsys.readouterr()
    assert main(["purge", str(suite), "--texts"]) == 0
    said = capsys.readouterr().out
    assert found(suite) == set()
    assert {path.name for path in suite.iterdir()} == {
        "suite.sqlite", "responses.sqlite", "leaderboard.json", "manifest.json", "summary.md", "notes.txt",
    }  # fmt: skip
    for part in ("left: scores, statuses, and the ids", "no suite makes them: notes.txt", "ledger.jsonl", "backups"):
        assert part in said
    with closing(sqlite3.connect(suite / "suite.sqlite")) as connection:
        connection.execute("UPDATE records SET record = json_set(record, '$.verdicts', json('[]'))")  # a made-up one
        connection.commit()
    assert main(["report", str(suite)]) == 0
    after = json.loads((suite / "leaderboard.json").read_text())["results"]["cells"]
    assert [cell["scores"] for cell in after] == [cell["scores"] for cell in before]
    assert found(suite) == set()


def test_all_is_gone_but_what_is_not_the_suites(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (suite / "notes.txt").write_text("my notes")
    assert main(["purge", str(suite), "--all"]) == 0
    assert [path.name for path in suite.iterdir()] == ["notes.txt"]
    assert "notes.txt" in capsys.readouterr().out
    (suite / "notes.txt").unlink()
    (suite / "responses.sqlite").touch()
    assert main(["purge", str(suite), "--all"]) == 0
    assert not suite.exists()


def test_a_suite_in_use_is_not_purged(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(suite / "responses.sqlite", isolation_level=None)) as running:
        running.execute("BEGIN IMMEDIATE")
        assert main(["purge", str(suite), "--texts"]) == 1
    assert "wait until its run has ended" in capsys.readouterr().err
    assert found(suite) == set(CANARIES)


@pytest.mark.parametrize("arguments", [[], ["--texts", "--all"]])
def test_what_to_remove_is_to_be_said(suite: Path, arguments: list[str]) -> None:
    assert main(["purge", str(suite), *arguments]) == 2
    assert found(suite) == set(CANARIES)


def test_no_suite_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    assert main(["purge", str(tmp_path), "--all"]) == 1
    assert "is no suite" in capsys.readouterr().err
    assert (tmp_path / "precious.txt").exists()
