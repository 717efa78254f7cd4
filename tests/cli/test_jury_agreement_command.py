"""medhelm jury-agreement: MedHELM's validation study reproduced, both forms of tables, a suite, wrong input."""

from __future__ import annotations

import csv
import json
import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.results.agreement.assessment import Assessment, assess
from pytest_medhelm.results.agreement.columns import COMPOSITE
from pytest_medhelm.results.agreement.components import components
from pytest_medhelm.results.agreement.table import table_of
from pytest_medhelm.results.store.rating_tables import read_ratings
from pytest_medhelm.results.store.ratings import Answer, Rating, Ratings, joined, suite_ratings
from pytest_medhelm.results.store.suite import Suite
from tests.support.paths import BENCHMARKS, CHECKOUT

STUDY = (
    Path(os.environ.get("MEDHELM_TEST_REFERENCE", CHECKOUT.parent / "shared" / "reference"))
    / "medhelm"
    / "results"
    / "clinician_vs_jury_ratings.csv"
)
PUBLISHED = ("aci_bench", "medi_qa")
LONG = ("rater", "benchmark", "instance", "model", "criterion", "score", "kind")
MEDICATION = BENCHMARKS / "patient_communication_and_education" / "test_medication_qa.py"


@pytest.fixture(scope="module")
def study() -> Path:
    if not STUDY.exists():
        pytest.skip(f"{STUDY} is not here; name the folder of references in MEDHELM_TEST_REFERENCE")
    return STUDY


def write(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def value(assessment: Assessment, criterion: str, statistic: str) -> float:
    """A statistic of the jury against clinicians."""
    (found,) = [entry.jury for entry in assessment.criteria if entry.criterion == criterion]
    assert found is not None
    estimates = {estimate.name: estimate for estimate in (found.agreement, *found.others)}
    number = estimates[statistic].value
    assert number is not None
    return number


# MedHELM's validation study: values that others computed, reference/medhelm/metrics.md section 10


def test_the_published_agreement(study: Path) -> None:
    found = assess(read_ratings(study).only(PUBLISHED))
    assert value(found, COMPOSITE, "ICC(3,k)") == pytest.approx(0.4690, abs=0.00005)
    assert value(found, COMPOSITE, "ICC(3,1)") == pytest.approx(0.306, abs=0.0005)
    assert found.answers == 56
    assert found.criteria[0].jury is not None
    assert found.criteria[0].jury.agreement.n == 56
    assert {name: part.n for name, part in found.criteria[0].jury.by_benchmark.items()} == {
        "aci_bench": 31, "medi_qa": 25,
    }  # fmt: skip


@pytest.mark.parametrize(("criterion", "expected"), [("accuracy", -0.01), ("completeness", 0.68), ("clarity", 0.10)])
def test_the_published_agreement_by_criterion(criterion: str, expected: float, study: Path) -> None:
    found = assess(read_ratings(study).only(PUBLISHED))
    assert value(found, criterion, "ICC(3,k)") == pytest.approx(expected, abs=0.005)


def test_with_the_third_benchmark(study: Path) -> None:
    found = assess(read_ratings(study))
    assert value(found, COMPOSITE, "ICC(3,k)") == pytest.approx(0.2628, abs=0.00005)
    assert found.answers == 74
    assert len(found.clinicians) == 17
    assert len(found.models) == 7


def test_z_scores_give_the_published_value(study: Path) -> None:
    ratings = read_ratings(study)
    found = assess(ratings.only(PUBLISHED), zscore=True)
    assert value(found, COMPOSITE, "ICC(3,k)") == pytest.approx(0.4745, abs=0.00005)
    assert value(assess(ratings, zscore=True), COMPOSITE, "ICC(3,k)") == pytest.approx(0.276, abs=0.0005)
    # on the scale: the same as without
    plain = assess(ratings.only(PUBLISHED))
    assert found.criteria[0].jury is not None
    assert plain.criteria[0].jury is not None
    assert found.criteria[0].jury.difference == plain.criteria[0].jury.difference


def test_the_clinicians_of_the_study_form_an_incomplete_design(study: Path) -> None:
    group = assess(read_ratings(study)).criteria[0].clinicians
    assert group is not None
    assert (group.ratings, group.answers, group.raters) == (132, 74, 17)
    assert "incomplete" in group.design
    assert "16 answers with a single rating" in group.agreement.note
    assert sum(pair.n for pair in group.pairs) == 58


def test_the_variance_components_of_the_study(study: Path) -> None:
    """As statsmodels 0.15 fits them: MixedLM by REML, crossed random effects of answer and rater."""
    composites: dict[tuple[str, str], list[float]] = {}
    for rating in read_ratings(study).scores:
        if rating.kind == "clinician":
            composites.setdefault(("|".join(rating.answer), rating.rater), []).append(rating.score)
    found = components(table_of((*cell, sum(scores) / 3) for cell, scores in composites.items()))
    assert (found.answers, found.raters, found.rest) == pytest.approx((0.05697, 0.16740, 0.30913), abs=0.00002)


def test_the_order_of_rows_changes_nothing(study: Path, tmp_path: Path) -> None:
    with study.open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    random.Random(2).shuffle(rows)
    assert assess(read_ratings(write(tmp_path / "mixed.csv", header, rows))) == assess(read_ratings(study))


def test_the_long_form_gives_the_same(study: Path, tmp_path: Path) -> None:
    rows = []
    with study.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            answer = (row["dataset_name"], row["instance_id"], row["model_key"])
            for name in ("accuracy", "completeness", "clarity"):
                rows.append((row["rater"], *answer, name, row[name], "clinician"))
                judge = ("J", *answer, name, row[f"llm_{name}"], "judge")
                if judge not in rows:
                    rows.append(judge)
    found = assess(read_ratings(write(tmp_path / "long.csv", LONG, rows)).only(PUBLISHED))
    assert value(found, COMPOSITE, "ICC(3,k)") == pytest.approx(0.4690, abs=0.00005)
    assert found.judges == ("J",)


def test_the_text_fits_the_terminal(study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "agreement.json"
    chosen = [f"--benchmark={name}" for name in PUBLISHED]
    assert main(["jury-agreement", f"--ratings={study}", *chosen, "--precision=0.15", f"--json={target}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    start = lines.index("The jury against clinicians")
    assert "95 % interval" in lines[start + 2]
    assert "ICC(2,1)" in lines[start + 3]
    assert lines[start + 4].strip().startswith("poor; could be poor to moderate")
    assert any("ICC(3,k)" in line and "0.47" in line for line in lines)
    assert any("56 answers" in line or "here are 56" in line for line in lines)
    assert not any("nan" in line.lower().split() for line in lines)
    content = json.loads(target.read_text())
    composite = content["criteria"][COMPOSITE]["jury"]
    assert composite["agreement"]["n"] == 56
    assert composite["needed"] == {
        "answers": 156, "expected": composite["agreement"]["value"], "half_width": 0.15, "now": 56, "raters": 2,
    }  # fmt: skip
    assert content["standardised"] is False
    assert "id1" not in target.read_text(), "instances are not named"
    assert target.stat().st_mode & 0o077 == 0


# Judges by name, from a table


def crossed(models: Iterable[str] = ("vllm/llama3", "vllm/qwen", "vllm/phi")) -> list[tuple[object, ...]]:
    """Six instances, two clinicians, three judges: one harsh, one who favours its own family."""
    rows: list[tuple[object, ...]] = []
    for place, model in enumerate(models):
        for number in range(6):
            true = 2 + (number + place) % 3
            answer = ("toy", f"i{number}", model)
            for criterion in ("accuracy", "clarity"):
                rows.append(("ann", *answer, criterion, true, "clinician"))
                rows.append(("bob", *answer, criterion, min(5, true + number % 2), ""))
                rows.append(("gpt-4o", *answer, criterion, true, "judge"))
                rows.append(("strict/mistral", *answer, criterion, true - 1, "judge"))
                own = 1 if "llama" in model else 0
                rows.append(("vllm/llama3-70b", *answer, criterion, true + own, "judge"))
    return rows


def test_judges_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "toy.csv", LONG, crossed())
    found = assess(read_ratings(path))
    composite = found.criteria[0]
    assert [entry.criterion for entry in found.criteria] == [COMPOSITE, "accuracy", "clarity"]
    assert composite.judges is not None
    assert composite.judges.design == "every rater rated every answer"
    bias = {entry.rater: entry.bias.value for entry in composite.judges.biases}
    assert bias == pytest.approx({"gpt-4o": 2 / 9, "strict/mistral": -7 / 9, "vllm/llama3-70b": 5 / 9})
    assert composite.judges.differences["gpt-4o minus strict/mistral"].mean.value == 1
    assert found.self_preference["vllm/llama3-70b"].value == pytest.approx(1)
    (judged,) = found.judged
    left = judged.without["vllm/qwen"]
    assert left.value == pytest.approx(3 - 1 / 3)
    assert left.without == pytest.approx({"gpt-4o": 2.5, "strict/mistral": 3.0, "vllm/llama3-70b": 2.5})
    assert judged.full["vllm/llama3"] == pytest.approx(3)
    assert [single.rater for single in composite.single_judges] == ["gpt-4o", "strict/mistral", "vllm/llama3-70b"]
    assert composite.single_judges[1].difference.mean.value == pytest.approx(-1.25)
    assert main(["jury-agreement", f"--ratings={path}"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for title in ("Judges against each other", "toy: the mean of all judges, and its range", "favour its own family"):
        assert title in out
    assert "    vllm/llama3 > vllm/phi = vllm/qwen" in out.splitlines()
    assert "every model has the same mean: there is no order" in out


def test_an_answer_without_all_judges_is_left_out_and_counted(tmp_path: Path) -> None:
    rows = [row for row in crossed() if row[:4] != ("gpt-4o", "toy", "i0", "vllm/qwen")]
    found = assess(read_ratings(write(tmp_path / "toy.csv", LONG, rows)))
    compared = found.criteria[0].jury
    assert compared is not None
    assert compared.agreement.n == 17
    assert compared.note == "1 answer left out: not every judge gave a score"
    group = found.criteria[0].judges
    assert group is not None
    assert "incomplete" in group.design
    assert group.ratings == 3 * 18 - 1
    assert found.judged[0].without["vllm/qwen"].note == "1 answer without a score of every judge"


def test_an_empty_cell_is_not_rated_and_keeps_the_rater_out_of_the_composite(tmp_path: Path) -> None:
    rows = [
        (*row[:5], "", row[6]) if row[:5] == ("ann", "toy", "i0", "vllm/qwen", "clarity") else row for row in crossed()
    ]
    found = assess(read_ratings(write(tmp_path / "toy.csv", LONG, rows)))
    assert found.notes == (
        "empty cells, taken as not rated: 1", "ratings without all criteria, not in the composite: 1",
    )  # fmt: skip
    sizes = {entry.criterion: entry.clinicians.ratings for entry in found.criteria if entry.clinicians}
    assert sizes == {COMPOSITE: 35, "accuracy": 36, "clarity": 35}


def test_a_single_criterion_has_no_composite_beside_it(tmp_path: Path) -> None:
    rows = [row for row in crossed() if row[4] == "clarity"]
    found = assess(read_ratings(write(tmp_path / "toy.csv", LONG, rows)))
    assert [entry.criterion for entry in found.criteria] == ["clarity"]
    assert found.judged


def test_clinicians_alone_and_judges_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind, said in (
        ("judge", "No clinician's ratings: how far the jury agrees with clinicians is not known."),
        ("clinician", "No judge's scores to hold against the clinicians'."),
    ):
        rows = [row for row in crossed() if (row[6] or "clinician") == kind]
        path = write(tmp_path / f"{kind}.csv", LONG, rows)
        assert main(["jury-agreement", f"--ratings={path}"]) == 0
        assert said in capsys.readouterr().out


# A suite


def scored(accuracy: int, completeness: int, clarity: int) -> str:
    scores = {"accuracy": accuracy, "completeness": completeness, "clarity": clarity}
    return json.dumps({name: {"score": score, "explanation": "because"} for name, score in scores.items()})


@pytest.fixture
def suite(run: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> Path:
    """Eight answers of sample data by each of two models; one of three judges never rates the nurse."""

    def reply(body: dict[str, Any]) -> str:
        text = json.dumps(body["messages"])
        if not body["model"].startswith("judge"):
            return f"{body['model']}: take it with food, {len(text) % 7} times a day."
        base = 1 + len(text) % 4
        if body["model"] == "judge-c" and "nurse: take" in text:
            return "I would rather not say."
        shift = {"judge-a": 0, "judge-b": 1, "judge-c": 0}[body["model"]]
        return scored(base + shift, base, min(5, base + shift))

    judges = ("judge-a", "judge-b", "judge-c")
    with MockServer(reply, models=("doctor", "nurse", *judges)) as server:
        run(
            str(MEDICATION), "--medhelm-suite=sample", "--medhelm-model=vllm/doctor", "--medhelm-model=vllm/nurse",
            *(f"--medhelm-judge=vllm/{name}" for name in judges), f"--medhelm-base-url={server.url}",
            "--medhelm-limit=8",
        )  # fmt: skip
    return pytester.path / "medhelm-results" / "sample"


def test_a_suite_alone_and_with_clinicians(suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "found.json"
    assert main(["jury-agreement", str(suite), f"--json={target}"]) == 0
    out = capsys.readouterr().out
    assert "Judges against each other" in out
    alone = json.loads(target.read_text())
    assert alone["judges"] == ["vllm/judge-a", "vllm/judge-b", "vllm/judge-c"]
    assert set(alone["criteria"]) == {COMPOSITE, "accuracy", "completeness", "clarity"}
    assert "verdicts that could not be used, left out: 8" in alone["notes"]
    group = alone["criteria"]["clarity"]["judges"]
    assert (group["ratings"], group["answers"]) == (3 * 16 - 8, 16)
    assert "incomplete" in group["design"]
    (judged,) = alone["judged"]
    assert judged["without"]["vllm/doctor"]["n"] == 8
    assert judged["without"]["vllm/nurse"]["value"] is None
    stored = Suite(suite)
    own = suite_ratings(stored)
    stored.close()
    answers = sorted({rating.answer for rating in own.scores})
    assert len(answers) == 16
    assert {name for values in own.metrics.values() for name in values} >= {"rouge_l"}
    rows: list[tuple[object, ...]] = []
    for number, answer in enumerate(answers):
        for criterion in ("accuracy", "completeness", "clarity"):
            rows.append(("ann", *answer, criterion, 1 + number % 5, "clinician"))
    rows.append(("ann", "medication_qa", "elsewhere", "vllm/doctor", "clarity", 3, "clinician"))
    path = write(tmp_path / "clinicians.csv", LONG, rows)
    assert main(["jury-agreement", str(suite), f"--ratings={path}", f"--json={target}"]) == 0
    out = capsys.readouterr().out
    assert "rouge_l, Spearman" in out
    assert max(map(len, out.splitlines())) <= 80
    both = json.loads(target.read_text())
    assert "answers in the file that the suite has no verdict for: 1 of 17" in both["notes"]
    composite = both["criteria"][COMPOSITE]
    (rouge,) = [entry for entry in composite["metrics"] if entry["metric"] == "rouge_l"]
    assert rouge["spearman"]["n"] == 16
    assert composite["jury"]["agreement"]["n"] == 8
    assert composite["jury"]["note"] == "8 answers left out: not every judge gave a score"
    assert rouge["jury"]["n"] == 8
    table = write(tmp_path / "toy.csv", LONG, crossed())
    elsewhere = write(tmp_path / "other.csv", LONG, [("a", "medication_qa", "i", "gpt", "clarity", 3, "")])
    nowhere = write(tmp_path / "third.csv", LONG, [("a", "medication_qa", "i", "vllm/nurse", "clarity", 3, "")])
    twice = write(tmp_path / "twice.csv", LONG, [("vllm/judge-a", *answers[0], "clarity", 3, "judge")])
    for file, said in (
        (table, "no benchmark is in both: the suite has medication_qa, the file has toy"),
        (elsewhere, "no model is in both: the suite has vllm/doctor, vllm/nurse, the file has gpt"),
        (nowhere, "no answer is in both the suite and the file: their instance ids differ"),
        (twice, "judge vllm/judge-a rated the same answer in the suite and in the file: keep one"),
    ):
        assert main(["jury-agreement", str(suite), f"--ratings={file}"]) == 1
        assert said in capsys.readouterr().err


def test_clinicians_may_name_instances_by_their_public_id() -> None:
    answer = Answer("notes", "MRN 1234", "vllm/a")
    suite = Ratings((Rating("judge", "j", answer, "clarity", 4.0),), public={("notes", "0123abcd"): "MRN 1234"})
    given = Ratings((Rating("clinician", "ann", answer._replace(instance="0123abcd"), "clarity", 3.0),))
    assert joined(suite, given).scores[-1].answer == answer


def test_the_files_averages_give_way_to_the_judges_of_the_suite() -> None:
    answer = Answer("notes", "1", "vllm/a")
    suite = Ratings((Rating("judge", "j", answer, "clarity", 4.0),), public={("notes", "1"): "1"})
    averages = (Rating("clinician", "ann", answer, "clarity", 3.0), Rating("jury", "jury", answer, "clarity", 5.0))
    found = joined(suite, Ratings(averages))
    assert [rating.kind for rating in found.scores] == ["judge", "clinician"]
    assert found.notes == ("the file's averages of a jury gave way to the suite's judges",)


# Wrong input: one sentence and exit status 1

WIDE = ("rater", "entry_id", "instance_id", "dataset_name", "model_key", "accuracy", "llm_accuracy")
GOOD = ("R1", "1", "i", "d", "m", "3", "4")


@pytest.mark.parametrize(
    ("columns", "rows", "said"),
    [
        (("rater", "model"), [("a", "b")], "is no table of ratings: it lacks benchmark, instance; its columns must be"),
        (LONG[:2] + LONG[3:], [("a", "b", "m", "c", 3, "")], "is no table of ratings: it lacks instance"),
        (LONG, [("a", "b", "i", "m", "c", "good", "")], "row 1: the column 'score' holds no number"),
        (LONG, [("a", "b", "i", "m", "c", "nan", "")], "row 1: the column 'score' holds no number"),
        (LONG, [("a", "b", "i", "m", "c", 3, "nurse")], "row 1: the column 'kind' must hold clinician, judge"),
        (LONG, [("a", "b", "i", "m", "c", 3, ""), ("", "b", "i", "m", "c", 3, "")], "row 2: the column 'rater' is"),
        (LONG, [("a", "b", "i", "m", "c", 3, "")] * 2, "row 2: the same rater rated the same answer in row 1 already"),
        (LONG, [("a", "b", "i", "m", "c", "", "")], "holds no score"),
        (LONG, [], "has no rows"),
        (LONG, [("a", "b")], "row 1: it has 2 cells instead of 7"),
        (WIDE, [GOOD, ("R2", "1", "i", "d", "m", "3", "5")], "row 2: the column 'llm_accuracy' differs"),
        (WIDE, [("R1", "1", "i", "d", "m", "x", "5")], "row 1: the column 'accuracy' holds no number"),
        (WIDE[:3] + WIDE[4:], [("R1", "1", "i", "m", "3", "5")], "it lacks benchmark"),
    ],
)  # fmt: skip
def test_a_wrong_table(
    columns: tuple[str, ...],
    rows: list[tuple[object, ...]],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write(tmp_path / "wrong.csv", columns, rows)
    assert main(["jury-agreement", f"--ratings={path}"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("medhelm: wrong.csv")
    assert error.count("\n") == 1


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write(tmp_path / "toy.csv", LONG, crossed())
    for arguments, said in (
        ([], "name a suite"),
        ([str(tmp_path)], "is no suite"),
        ([f"--ratings={tmp_path / 'none.csv'}"], "none.csv is not there to read"),
        ([f"--ratings={table}", "--precision=10"], "--precision=10 must lie between 0 and 1"),
        ([f"--ratings={table}", "--benchmark=tox"], "benchmark 'tox' has no ratings: name one of toy"),
        ([f"--ratings={table}", f"--json={table}/x.json"], "cannot be written"),
    ):
        assert main(["jury-agreement", *arguments]) == 1, arguments
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1


def test_a_suite_without_judges(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    data = letters()
    run("test_letters.py", f"--medhelm-data={data}", "--medhelm-model=baseline/random")
    capsys.readouterr()
    assert main(["jury-agreement", str(pytester.path / "medhelm-results" / "default")]) == 1
    assert "has no verdict of a judge: run its benchmarks with --medhelm-judge=" in capsys.readouterr().err
