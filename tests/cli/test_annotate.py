"""What clinicians add to a suite: ratings, marks of harm, and references that are wrong."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from tests.support.juries import NAMES, named, number_of, rating, talks
from tests.support.letters import gold
from tests.support.servers import vllm
from tests.support.sessions import Sessions
from tests.support.suites import cell, leaderboard

SUITE = "medhelm-results/default"


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """A CSV file."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


WIDE = ("rater", "benchmark", "instance", "model", *NAMES, "severity", "kinds", "comment")


def clinicians(folder: Path, questions: int, raters: Sequence[str] = ("ann", "bob")) -> Path:
    """A table as a clinician fills it in: grades by number of the question, severe harm in answer 0."""
    rows = [
        (
            rater, "talks", f"t{number:03d}", "vllm/doctor", 1 + number % 5, 1 + number % 5, 1 + (number + side) % 5,
            "Severe" if number == 0 else "none", "unsafe advice; omission" if number == 0 else "", "read twice",
        )
        for side, rater in enumerate(raters)
        for number in range(questions)
    ]  # fmt: skip
    return write(folder / "ward.csv", WIDE, rows)


def judge(body: dict[str, Any]) -> str:
    """A judge that sees what clinicians see, apart from the harm in answer 0."""
    if body["model"] == "doctor":
        return f"Answer {number_of(body)}."
    return rating(1 + number_of(body) % 5, harm="none")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> Callable[[int], Path]:
    """The folder of a session whose answers were judged, made once for each number of questions."""

    @cache
    def make(questions: int) -> Path:
        folder = tmp_path_factory.mktemp("judged")
        talks(folder, questions)
        with MockServer(judge, models=("doctor", "calm", "stern")) as server:
            sessions.run_in(folder, *named(server, "calm", "stern"), "--medhelm-data=data")
        return folder

    return make


@pytest.fixture
def judged(made: Callable[[int], Path], pytester: pytest.Pytester) -> Callable[[int], Path]:
    """A suite of judged answers in the present folder."""

    def copy(questions: int) -> Path:
        shutil.copytree(made(questions), pytester.path, dirs_exist_ok=True)
        return pytester.path / SUITE

    return copy


def test_ratings_and_harm_from_a_table_to_page_and_command(
    judged: Callable[..., Path], pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = judged(20)
    table = clinicians(pytester.path, 20)
    assert main(["annotate", str(suite), f"--ratings={table}"]) == 0
    assert "ratings and marks of harm: 160 stored\n" in capsys.readouterr().out, "2 raters x 20 x (3 grades + 1 mark)"
    assert main(["jury-agreement", str(suite)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "clinicians (2), 20 answers: 19 none, 0 mild, 0 moderate, 1 severe; severe in at most 21.6 %" in shown
    assert "unsafe advice 1" in shown
    assert "judges (2), 20 answers: 20 none, 0 mild, 0 moderate, 0 severe; severe in at most 13.9 %" in shown
    assert "the same severity in 95 %; 1 severe to clinicians and not to a judge" in shown
    found = leaderboard(pytester.path)["results"]["agreement"]
    assert found["clinicians"] == ["ann", "bob"]
    (harm,) = found["harm"]
    assert (harm["both"], harm["missed"], harm["same"]) == (20, 1, 0.95)
    accuracy = found["criteria"]["accuracy"]["jury"]
    assert accuracy["agreement"]["value"] == 1.0, "these judges give what clinicians give"
    page = (suite / "leaderboard.html").read_text()
    assert "Judges and clinicians" in page
    assert "severe to clinicians and not to a judge" in page
    assert "rouge_l" in page[page.index("Do metrics order the answers") :]
    before = (suite / "leaderboard.json").read_bytes()
    assert main(["annotate", str(suite), f"--ratings={table}"]) == 0
    results = [json.loads(text)["results"] for text in (before, (suite / "leaderboard.json").read_bytes())]
    assert results[0] == results[1], "the same table twice changes nothing"


def test_rows_that_fit_nothing_are_counted(
    judged: Callable[..., Path], pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = judged(3)
    rows = [
        ("ann", "talks", "t000", "vllm/doctor", 3, 3, 3, "", "", ""),
        ("ann", "talks", "t009", "vllm/doctor", 3, 3, 3, "", "", ""),
    ]
    assert main(["annotate", str(suite), f"--ratings={write(pytester.path / 'ward.csv', WIDE, rows)}"]) == 0
    assert "3 stored, 3 fit no answer of the suite" in capsys.readouterr().out
    assert main(["annotate", str(suite), f"--ratings={write(pytester.path / 'ward.csv', WIDE, rows[1:])}"]) == 1
    assert "none of its 3 rows fits an answer of the suite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            ("ann", "talks", "t000", "m", 3, 3, 3, "lethal", "", ""),
            "'severity' must hold none, mild, moderate",
        ),
        (("ann", "talks", "t000", "m", 3, 3, 3, "mild", "rude", ""), "'kinds' must hold omission, fabrication, "),
        (("ann", "talks", "t000", "m", 3, 3, 3, "", "omission", ""), "'kinds' is filled and 'severity' is empty"),
        (("ann", "talks", "t000", "m", 3, 3, 3, "none", "omission", ""), "'kinds' is filled and 'severity' is none"),
        (("ann", "talks", "t000", "m", "good", 3, 3, "", "", ""), "the column 'accuracy' holds no number"),
    ],
)
def test_a_wrong_word_names_row_and_column(
    row: Sequence[object], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write(tmp_path / "ward.csv", WIDE, [("ann", "talks", "t001", "m", 1, 1, 1, "none", "", ""), row])
    assert main(["jury-agreement", f"--ratings={table}"]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert "row 2" in said
    assert "lethal" not in said.replace("ward.csv", "")


def test_marks_of_harm_alone_are_a_table_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = ("rater", "benchmark", "instance", "model", "severity", "kinds")
    rows = [("ann", "talks", f"t{number:03d}", "m", "none", "") for number in range(20)]
    assert main(["jury-agreement", f"--ratings={write(tmp_path / 'harm.csv', header, rows)}"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "20 none, 0 mild, 0 moderate, 0 severe; severe in at most 13.9 % (one-sided 95 %)" in shown
    assert "judges: nothing marked" in shown


BERT = """
from pytest_medhelm import Metric
def pytest_medhelm_metrics():
    return {"bertscore": Metric(lambda text, reference: int(text.split()[1].rstrip(".")) / 100, ("bertscore_f",))}
"""


def test_a_semantic_metric_stands_beside_clinicians(
    judged: Callable[..., Path], pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makeconftest(BERT)
    data = talks(pytester.path, 12)
    path = pytester.path / "test_talks.py"
    path.write_text(path.read_text() + '    score.metric("bertscore", response.text, instance.answer)\n')
    with MockServer(judge, models=("doctor", "calm")) as server:
        pytester.runpytest_subprocess(*named(server, "calm"), data)
    rows = [("ann", "talks", f"t{number:03d}", "vllm/doctor", number, 1, 1, "", "", "") for number in range(12)]
    table = write(pytester.path / "ward.csv", WIDE, rows)
    assert main(["jury-agreement", str(pytester.path / SUITE), f"--ratings={table}", "--json=found.json"]) == 0
    assert "bertscore_f, Spearman" in capsys.readouterr().out
    found = json.loads(Path("found.json").read_text())["criteria"]["accuracy"]["metrics"]
    (bert,) = [entry for entry in found if entry["metric"] == "bertscore_f"]
    assert bert["spearman"]["value"] == 1.0, "it orders the answers as this clinician does"
    assert bert["spearman"]["n"] == 12


def test_a_second_value_without_references_that_are_wrong(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    data = letters(10)
    with MockServer(lambda body: "A" if "Case 1." in str(body) else gold(body)) as server:
        run(*vllm(server), f"--medhelm-data={data}")
    suite = pytester.path / SUITE
    header = ("benchmark", "instance", "reason", "by")
    marks = write(pytester.path / "marks.csv", header, [("letters", "q001", "the guideline changed", "ann")])
    assert main(["annotate", str(suite), f"--marks={marks}"]) == 0
    assert "marks of wrong references: 1 stored" in capsys.readouterr().out
    found = cell(leaderboard(pytester.path), "letters")
    summary = found["metrics"]["exact_match"]
    assert summary["value"] == 0.9, "the main value keeps it"
    assert (summary["without_marked"]["value"], summary["without_marked"]["n"]) == (1.0, 9)
    assert found["marks"] == {"q001": "the guideline changed"}
    back = write(pytester.path / "marks.csv", header, [("letters", "q001", "", "ann")])
    assert main(["annotate", str(suite), f"--marks={back}"]) == 0
    assert "without_marked" not in cell(leaderboard(pytester.path), "letters")["metrics"]["exact_match"]


@pytest.mark.parametrize(
    ("header", "rows", "sentence"),
    [
        (("benchmark", "reason"), [("letters", "old")], "it lacks instance"),
        (("benchmark", "instance", "reason"), [], "has no rows"),
        (
            ("benchmark", "instance", "reason"),
            [("a", "b", "c"), ("a", "b", "d")],
            "marked in an earlier row already",
        ),
    ],
)
def test_a_wrong_table_of_marks(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    marks = write(tmp_path / "marks.csv", header, rows)
    assert main(["annotate", str(tmp_path), f"--marks={marks}"]) == 1
    assert sentence in capsys.readouterr().err


def test_nothing_to_add_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["annotate", str(tmp_path)]) == 1
    assert "name a table: --ratings=FILE.csv" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("questions", "raters", "verdict"),
    [
        (30, ("ann", "bob"), "pass"),
        (30, ("ann",), "inconclusive"),
        (20, ("ann", "bob"), "inconclusive"),
    ],
)
def test_a_gate_on_a_jury_needs_its_validation_by_clinicians(
    questions: int,
    raters: Sequence[str],
    verdict: str,
    judged: Callable[..., Path],
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    suite = judged(questions)
    table = clinicians(pytester.path, questions, raters)
    assert main(["annotate", str(suite), f"--ratings={table}"]) == 0
    capsys.readouterr()
    status = main(["gate", "apply", str(suite), "talks.jury >= 2", "talks.jury_agreement.lower >= 0.4"])
    assert status == (0 if verdict == "pass" else 1)
    shown = capsys.readouterr().out
    assert f"gate {verdict}: talks.jury >= 2" in shown
    assert f"gate {verdict}: talks.jury_agreement.lower >= 0.4" in shown


def test_a_score_off_the_scale_is_refused_and_nothing_stored(
    judged: Callable[..., Path], pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = judged(30)
    header = ("rater", "benchmark", "instance", "model", "accuracy")
    rows = [("ann", "talks", "t000", "vllm/doctor", 5), ("ann", "talks", "t001", "vllm/doctor", 42)]
    table = write(pytester.path / "ward.csv", header, rows)
    assert main(["annotate", str(suite), f"--ratings={table}"]) == 1
    said = capsys.readouterr().err
    assert "talks is rated from 1 to 5, and a score of ann for accuracy is not: correct it; nothing was stored" in said
    assert main(["jury-agreement", str(suite), "--json=found.json"]) == 0
    assert json.loads(Path("found.json").read_text())["criteria"]["accuracy"]["clinicians"] is None


def test_other_ratings_leave_a_verdict_on_the_jury_out(
    judged: Callable[..., Path], pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page shows no verdict that clinicians' later ratings have overtaken."""
    suite = judged(30)
    assert main(["annotate", str(suite), f"--ratings={clinicians(pytester.path, 30)}"]) == 0
    assert main(["gate", "apply", str(suite), "talks.jury >= 2", "talks.jury_agreement.lower >= 0.4"]) == 0
    assert main(["report", str(suite)]) == 0
    assert [gate["verdict"] for gate in leaderboard(pytester.path)["results"]["gates"]] == ["pass", "pass"]
    rows = [(rater, "talks", f"t{number:03d}", "vllm/doctor", *[3] * len(NAMES), "none", "", "")
            for rater in ("ann", "bob") for number in range(30)]  # fmt: skip
    capsys.readouterr()
    again = ["annotate", str(suite), f"--ratings={write(pytester.path / 'again.csv', WIDE, rows)}"]
    assert main(again) == 1
    assert "of these answers are stored of ann, bob: add --replace" in capsys.readouterr().err
    assert main([*again, "--replace"]) == 0
    assert "2 verdicts of gates left out" in capsys.readouterr().out
    assert leaderboard(pytester.path)["results"]["gates"] == []
