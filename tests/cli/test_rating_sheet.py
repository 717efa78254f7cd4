"""medhelm rating-sheet: blinded and shuffled sheets, and what two clinicians write in them decides a jury rule."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from tests.support.juries import NAMES, named, number_of, rating, talks
from tests.support.sessions import Sessions

SUITE = "medhelm-results/default"


def reply(body: dict[str, Any]) -> str:
    """Three answers in forty are bad, and judges see that."""
    if body["model"].startswith("judge"):
        return rating(2 if "=2+3" in str(body) else 5)
    return "=2+3" if number_of(body) % 13 == 0 else "Take it with food."


def sheet(name: str) -> list[dict[str, str]]:
    with Path("sheets", name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def fill(name: str, rows: list[dict[str, str]]) -> None:
    with Path("sheets", name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_workbook_is_the_same_sheet(run: Any, pytester: pytest.Pytester) -> None:
    """Two raters fill in workbooks; the rows are those of the CSV, and no formula is among them."""
    from openpyxl import load_workbook

    data = talks(pytester.path, 14)
    with MockServer(reply, models=("doctor", "judge-a")) as server:
        assert run(data, *named(server, "judge-a")).ret == 0
    assert main(["rating-sheet", SUITE, "--to=sheets"]) == 0
    assert main(["rating-sheet", SUITE, "--to=books", "--format=xlsx"]) == 0
    for name in ("rater-1", "rater-2"):
        book = load_workbook(f"books/{name}.xlsx")
        table = book.active
        header, *rows = [[cell.value or "" for cell in row] for row in table.iter_rows()]
        assert [dict(zip(header, row, strict=True)) for row in rows] == sheet(f"{name}.csv")
        assert "f" not in {cell.data_type for row in table.iter_rows() for cell in row}
        for number in range(2, table.max_row + 1):
            for column in (*NAMES, "severity"):
                place = header.index(column) + 1
                table.cell(number, place, "none" if column == "severity" else 3 + number % 2)
        book.save(f"books/{name}.xlsx")
    assert main(["rating-sheet", SUITE, "--read=books"]) == 0
    assert main(["jury-agreement", SUITE, "--json=found.json"]) == 0
    found = json.loads(Path("found.json").read_text())["criteria"]["accuracy"]["clinicians"]
    assert (found["raters"], found["answers"]) == (2, 14)


def test_two_clinicians_on_paper_decide_a_jury_rule(
    run: Any, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    data = talks(pytester.path, 40)
    with MockServer(reply, models=("doctor", "judge-a", "judge-b")) as server:
        assert run(data, *named(server, "judge-a", "judge-b")).ret == 0
    rule = "talks.jury.lower >= 4"
    assert main(["gate", "apply", SUITE, rule]) == 1, "nobody validated the judges"
    assert main(["rating-sheet", SUITE, "--to=sheets", "--answers=36"]) == 0
    assert "36 answers for 2 raters in sheets: CLINICAL TEXT" in capsys.readouterr().out
    first, second = sheet("rater-1.csv"), sheet("rater-2.csv")
    assert len(first) == 36
    assert [row["item"] for row in first] != [row["item"] for row in second], "each in an order of its own"
    assert sorted(row["item"] for row in first) == sorted(row["item"] for row in second)
    assert "doctor" not in Path("sheets/rater-1.csv").read_text()
    assert any(row["answer"] == "'=2+3" for row in first), "no spreadsheet runs an answer"
    assert main(["rating-sheet", SUITE, "--to=sheets"]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["rating-sheet", SUITE, "--read=sheets"]) == 1
    assert "no sheet has a rating" in capsys.readouterr().err
    for name, rows in (("rater-1.csv", first), ("rater-2.csv", second)):
        for place, row in enumerate(sorted(rows, key=lambda row: row["item"])):
            score = "2" if "2+3" in row["answer"] else "4" if name == "rater-2.csv" and place % 9 == 1 else "5"
            row |= {**dict.fromkeys(NAMES, score), "severity": "none"}
        rows[0]["reference_is_wrong"] = "out of date"
        fill(name, rows)
    shutil.copy("sheets/rater-2.csv", "sheets/rater-2 - Copy.csv")
    assert main(["rating-sheet", SUITE, "--read=sheets"]) == 1
    assert "rater-2 - Copy.csv and rater-2.csv hold the same ratings in the same order" in capsys.readouterr().err
    Path("sheets/rater-2 - Copy.csv").unlink()
    assert main(["rating-sheet", SUITE, "--read=sheets"]) == 0
    assert "36" not in capsys.readouterr().out.partition("answers rated by 2 raters")[2]
    assert main(["jury-agreement", SUITE]) == 0
    assert main(["gate", "apply", SUITE, rule]) == 0, "clinicians agree with the judges"
    assert main(["rating-sheet", SUITE]) == 1
    assert "name a folder: --to=DIR" in capsys.readouterr().err


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> Path:
    """A suite with three answers, and sheets for them."""
    folder = tmp_path_factory.mktemp("sheets")
    data = talks(folder, 3)
    with MockServer(reply, models=("doctor", "judge-a")) as server:
        assert sessions.run_in(folder, data, *named(server, "judge-a")).ret == 0
    assert main(["rating-sheet", str(folder / SUITE), f"--to={folder / 'sheets'}"]) == 0
    return folder


@pytest.fixture
def sheets(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of them in the current folder."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def filled(rows: list[dict[str, str]], score: str) -> list[dict[str, str]]:
    return [row | dict.fromkeys(NAMES, score) | {"severity": "none"} for row in rows]


def stored() -> dict[tuple[str, str, str], float]:
    """What the suite holds: by rater, instance and criterion."""
    with closing(sqlite3.connect(Path(SUITE, "suite.sqlite"))) as suite:
        rows = suite.execute("SELECT rater, instance, criterion, score FROM ratings WHERE criterion <> ''")
        return {(rater, instance, criterion): score for rater, instance, criterion, score in rows}


@pytest.mark.usefixtures("sheets")
def test_a_sheet_replaces_nothing_silently(capsys: pytest.CaptureFixture[str]) -> None:
    """What the same rater said before, on the screen for instance, is kept until somebody says otherwise."""
    fill("rater-1.csv", filled(sheet("rater-1.csv"), "4"))
    read = ["rating-sheet", SUITE, "--read=sheets"]
    assert main(read) == 0
    assert main(read) == 0, "the same again changes nothing"
    before = stored()
    assert set(before.values()) == {4.0}
    first, *others = filled(sheet("rater-1.csv"), "4")
    fill("rater-1.csv", [first | {"clarity": "2"}, *others])
    capsys.readouterr()
    assert main(read) == 1
    said = capsys.readouterr().err
    assert (
        "other ratings of 1 of these answers are stored of rater-1: add --replace to put these in their place" in said
    )
    assert stored() == before
    assert main([*read, "--replace"]) == 0
    assert sorted(stored().values()) == [2.0] + [4.0] * 8


@pytest.mark.usefixtures("sheets")
def test_a_sheet_is_read_as_a_spreadsheet_saves_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Semicolons, a decimal comma, a mark of the encoding, columns in another order, empty cells, columns and rows."""
    rows = filled(sheet("rater-1.csv"), "4,5")
    rows[1] |= {"clarity": "", "reference_is_wrong": "out\nof date"}
    names = [*reversed(rows[0]), "", ""]
    with Path("sheets/rater-1.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(names)
        writer.writerows([row.get(name, "") for name in names] for row in rows)
        writer.writerows([[""] * len(names), []])
    key = Path("sheets/key.csv")
    key.write_text(key.read_text().replace(",", ";"))
    Path("sheets/.~lock.rater-1.csv#").write_text("me")
    Path("sheets/~$rater-2.xlsx").write_text("me")
    assert main(["rating-sheet", SUITE, "--read=sheets"]) == 0
    assert "3 answers rated by 1 raters: 11 ratings and marks of harm stored, 1 references" in capsys.readouterr().out
    assert set(stored().values()) == {4.5}


@pytest.mark.usefixtures("sheets")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clarity": "good"}, "rater-1.csv, row 2: the column 'clarity' holds no number; leave the cell empty"),
        ({"severity": "dire"}, "rater-1.csv, row 2: the column 'severity' must hold none, mild, moderate or severe"),
        ({"item": "item-099"}, "rater-1.csv, row 2: the item 'item-099' is not in key.csv, which was written with"),
        ({"item": ""}, "rater-1.csv, row 2: the column 'item' is empty"),
        ({"item": None}, "rater-1.csv, row 2: the same rater rated the same answer in row 1 already"),
        ({"clarity": "7"}, "talks is rated from 1 to 5, and a score of rater-1 for clarity is not: correct it"),
    ],
)
def test_a_mistake_on_paper_names_sheet_row_and_column(
    change: dict[str, str | None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = filled(sheet("rater-1.csv"), "4")
    rows[1] |= {name: rows[0][name] if text is None else text for name, text in change.items()}
    fill("rater-1.csv", rows)
    assert main(["rating-sheet", SUITE, "--read=sheets"]) == 1
    assert said in capsys.readouterr().err
    assert stored() == {}


@pytest.mark.usefixtures("sheets")
def test_a_file_that_is_no_sheet(capsys: pytest.CaptureFixture[str]) -> None:
    read = ["rating-sheet", SUITE, "--read=sheets"]
    whole = Path("sheets/rater-1.csv").read_text()
    for content, said in (
        (b"rater;note\n1;2\n", "rater-1.csv has no column 'item': it is no sheet that 'rating-sheet --to' wrote"),
        ("item,reason\nitem-001,caf\xe9\n".encode("latin-1"), "rater-1.csv, line 2: this is not UTF-8 text; save it"),
        (b"item,clarity,clarity\n", "rater-1.csv has the column 'clarity' twice: keep the one that is filled"),
        (b"item,clarity\nitem-001,4,5\n", "rater-1.csv, row 1: it has more cells than there are columns"),
    ):
        Path("sheets/rater-1.csv").write_bytes(content)
        assert main(read) == 1
        assert said in capsys.readouterr().err
    Path("sheets/rater-1.csv").write_text(whole)
    assert main(["rating-sheet", SUITE, "--to=books", "--format=xlsx"]) == 0
    Path("books/rater-1.xlsx").rename("sheets/rater-1.xlsx")
    assert main(read) == 1
    assert "rater-1.csv and rater-1.xlsx are of one rater: keep the one that is filled" in capsys.readouterr().err
    assert main(["rating-sheet", SUITE, "--to=more", "--replace"]) == 1
    assert "--replace belongs to --read: leave it out" in capsys.readouterr().err
    assert main(["rating-sheet", SUITE, "--read=nowhere"]) == 1
    assert "nowhere/key.csv is not there: name the folder that 'rating-sheet --to' wrote" in capsys.readouterr().err
