"""Published rows: the paper's own figures, beside the same data only, and without effect on anything else."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.results.leaderboard.published import read_published
from pytest_medhelm.results.stats.win_rate import mean_win_rates
from tests.support.benchmark_modules import MODULES
from tests.support.checks import some
from tests.support.letters import gold
from tests.support.real_data import PUBLISHED, TIED
from tests.support.suites import cell, leaderboard

PAPER = "--medhelm-show-published"


def columns() -> dict[str, dict[str, float]]:
    table = read_published()
    return {
        entry["benchmark"]: dict(zip(table["models"], entry["values"], strict=True)) for entry in table["benchmarks"]
    }


def test_win_rates_of_the_paper_follow_from_the_figures() -> None:
    table = read_published()
    values = columns()
    assert (len(values), len(table["models"])) == (37, 9)
    assert values["clear"][TIED[0]] == values["clear"][TIED[1]] == 0.663
    values["clear"][TIED[1]] += 0.0001  # DESIGN: two models that were not equal are printed alike
    for model, rate in zip(table["models"], table["mean_win_rates"], strict=True):
        assert mean_win_rates(values)[model] == pytest.approx(rate, abs=0.0005), model


def test_the_figures_are_those_of_the_paper() -> None:
    if not PUBLISHED.is_file():
        pytest.skip(f"the published leaderboard {PUBLISHED.name} is not beside the test data")
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        rows = {row["Model"]: row for row in csv.DictReader(file)}
    table = read_published()
    assert set(table["models"]) == set(rows)
    for entry in some(table["benchmarks"]):
        for model, value in zip(table["models"], entry["values"], strict=True):
            assert float(rows[model][entry["published_as"]]) == value, (model, entry)
    for model, rate in zip(table["models"], table["mean_win_rates"], strict=True):
        assert float(rows[model]["Mean win rate"]) == rate


@pytest.mark.parametrize("entry", read_published()["benchmarks"], ids=lambda entry: entry["benchmark"])
def test_each_column_is_the_benchmark_of_that_title(entry: dict[str, Any]) -> None:
    (task,) = [module.TASK for module in MODULES if module.TASK.name == entry["benchmark"]]
    title, _, measure = entry["published_as"].rpartition(" - ")
    # the paper's table calls two of them otherwise
    assert task.title == {"MIMIC-BHC": "MIMIC-IV-BHC", "N2C2-CT": "N2C2-CT Matching"}.get(title, title)
    assert (measure == "Jury Score") == bool(task.rubric) == (entry["metric"] == "jury_helm")
    worst, best = entry["scale"]
    assert all(worst <= value <= best for value in entry["values"])
    assert (measure == "EM") == (entry["metric"] == "exact_match_helm")


def pubmed(pytester: pytest.Pytester) -> None:
    """The small benchmark under the name of a published one: its data is given, as real data is."""
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text().replace('name="letters"', 'name="pubmed_qa"'))
    (pytester.path / "data/letters").rename(pytester.path / "data/pubmed_qa")


def almost(body: dict[str, Any]) -> str:
    """Right, and for MedHELM only where the letter stands first."""
    letter = gold(body)
    return letter if letter in "AB" else f"It is {letter}."


def test_figures_stand_beside_the_same_metric_and_change_nothing(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = f"--medhelm-data={letters(4)}"
    pubmed(pytester)
    with MockServer(almost, models="abc") as server:
        options = [
            *(f"--medhelm-model=vllm/{name}" for name in "abc"),
            f"--medhelm-base-url={server.url}",
            data,
            "--medhelm-gate=pubmed_qa >= 0.3",
        ]
        assert run(*options, "--medhelm-suite=plain").ret == 0
        result = run(*options, PAPER)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["published: 9 models of the MedHELM paper beside 1 of 1 benchmarks"])
    board = leaderboard(pytester.path)
    published = board["results"].pop("published")
    plain = leaderboard(pytester.path, "plain")["results"]
    assert plain.pop("published") is None
    assert board["results"] == plain, "cells, win rates, pairs and gates are as without"
    assert published["metrics"] == {"pubmed_qa": "exact_match_helm"}
    assert published["published_as"] == {"pubmed_qa": "PubMedQA - EM"}
    # two of four begin with the letter; read rightly, all four are right
    assert published["local"] == {"pubmed_qa": dict.fromkeys(["vllm/a", "vllm/b", "vllm/c"], 0.5)}
    assert cell(board, "pubmed_qa", "vllm/a")["metrics"]["exact_match"]["value"] == 1.0
    assert published["cells"]["pubmed_qa"]["o3-mini (2025-01-31)"] == 0.743
    assert published["win_rates"]["DeepSeek R1"] == 0.662
    assert published["left_out"] == {}
    assert "arXiv:2505.23802" in published["source"]


def test_sample_data_is_never_beside_them(run: Any, pytester: pytest.Pytester) -> None:
    from tests.support.paths import BENCHMARKS

    benchmarks = [next(BENCHMARKS.glob(f"*/test_{name}.py")) for name in ("pubmed_qa", "healthqa_br")]
    result = run(*benchmarks, "--medhelm-model=baseline/random", "--medhelm-limit=2", PAPER)
    assert result.ret == 0
    assert "beside 0 of 2 benchmarks (1 not published; 1 sample data)\n" in result.stdout.str().replace("\n  ", " ")
    (first,) = [place for place, line in enumerate(result.outlines) if "medhelm leaderboard" in line]
    long = [line for line in result.outlines[first:] if len(line) > 80 and not line.startswith("page: ")]
    assert long == [], "what is no path fits 80 columns"
    published = leaderboard(pytester.path)["results"]["published"]
    assert (published["cells"], published["local"], published["metrics"]) == ({}, {}, {})
    assert published["left_out"] == {"not published": ["healthqa_br"], "sample data": ["pubmed_qa"]}


def test_another_file_is_not_the_paper_s_data(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(4)
    pubmed(pytester)
    rows = data / "pubmed_qa/letters.json"
    rows.write_text(rows.read_text().replace("Case 1.", "Case one."))
    (pytester.path / "medhelm.toml").write_text(
        "[run]\nshow_published = true\n[data.pubmed_qa]\naccept = ['letters.json']\n"
    )
    assert run("--medhelm-model=baseline/random", f"--medhelm-data={data}").ret == 0
    published = leaderboard(pytester.path)["results"]["published"]
    assert published["left_out"] == {"data of one's own": ["pubmed_qa"]}


def test_what_was_not_measured_has_no_value(run: Any, letters: Callable[..., Path], pytester: pytest.Pytester) -> None:
    data = letters(2)
    pubmed(pytester)
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text().replace('score.helm("exact_match"', 'score.helm("other"'))
    assert run("--medhelm-model=baseline/random", f"--medhelm-data={data}", PAPER).ret == 0
    published = leaderboard(pytester.path)["results"]["published"]
    assert published["local"] == {"pubmed_qa": {"baseline/random": None}}


def test_a_suite_can_be_shown_with_and_without(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    data = letters(2)
    pubmed(pytester)
    assert run("--medhelm-model=baseline/random", f"--medhelm-data={data}", PAPER).ret == 0
    suite = pytester.path / "medhelm-results/default"
    first = (suite / "leaderboard.json").read_text()
    capsys.readouterr()
    assert main(["report", str(suite)]) == 0
    assert "published:" not in capsys.readouterr().out
    assert leaderboard(pytester.path)["results"]["published"] is None
    assert main(["report", str(suite), "--show-published"]) == 0
    assert "beside 1 of 1 benchmarks" in capsys.readouterr().out
    assert json.loads(first)["results"] == leaderboard(pytester.path)["results"]
