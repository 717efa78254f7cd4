"""Text of gated and private data leaves the suite's folder only with --medhelm-show-text, in files of its owner."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from pytest_medhelm.cli.main import main
from pytest_medhelm.results.store.opening import prepare_suite

OLD = Path(__file__).parents[1] / "results" / "unversioned_suite"
TEXT = "Case 0. Gold A."


@pytest.fixture(params=["private", "gated", "public"])
def access(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def suite(tmp_path: Path, access: str) -> Path:
    """A suite of twelve questions on data of this access."""
    folder = Path(shutil.copytree(OLD, tmp_path / "medhelm-results" / "ward"))
    prepare_suite(folder)
    with closing(sqlite3.connect(folder / "suite.sqlite")) as connection:
        connection.execute("UPDATE benchmarks SET metadata = json_set(metadata, '$.access', ?)", (access,))
        connection.commit()
    return folder


def test_an_export_with_texts(suite: Path, access: str, capsys: pytest.CaptureFixture[str]) -> None:
    outside = suite.parents[1] / "out.csv"
    status = main(["export", str(suite), "--text", f"--to={outside}"])
    if access == "public":
        assert status == 0
    else:
        assert status == 1
        assert "the data of letters are not public: type --medhelm-show-text" in capsys.readouterr().err
        assert not outside.exists()
    assert main(["export", str(suite), "--text", f"--to={outside}", "--medhelm-show-text"]) == 0
    assert TEXT in outside.read_text()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o600
    assert main(["export", str(suite), "--text"]) == 0  # within the suite
    assert main(["export", str(suite), f"--to={outside}"]) == 0
    assert TEXT not in outside.read_text()


def test_a_single_file_for_e_mail(suite: Path, access: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(suite), "--html=single"]) == 0
    said = capsys.readouterr().out
    shown = TEXT in (suite / "leaderboard.html").read_text()
    assert shown == (access == "public")
    assert ("type --medhelm-show-text" in said) == (access != "public")
    assert main(["report", str(suite), "--html=single", "--medhelm-show-text"]) == 0
    assert TEXT in (suite / "leaderboard.html").read_text()
    assert "to be sent as a patient's record" in capsys.readouterr().out
