"""medhelm rating-sheet: blinded and shuffled sheets, and what two clinicians write in them decides a jury rule."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from tests.support.juries import NAMES, named, number_of, rating, talks

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
    assert main(["rating-sheet", SUITE, "--read=sheets"]) == 0
    assert "36" not in capsys.readouterr().out.partition("answers rated by 2 raters")[2]
    assert main(["jury-agreement", SUITE]) == 0
    assert main(["gate", "apply", SUITE, rule]) == 0, "clinicians agree with the judges"
    assert main(["rating-sheet", SUITE]) == 1
    assert "name a folder: --to=DIR" in capsys.readouterr().err
