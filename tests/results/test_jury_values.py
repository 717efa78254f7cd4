"""What the leaderboard makes of verdicts: complete and incomplete juries, single judges, two models compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from perf.mock_server import MockServer
from pytest_medhelm.results.leaderboard.aggregate import Cell, make_cell
from pytest_medhelm.results.leaderboard.columns import read_columns
from pytest_medhelm.results.leaderboard.judge_diagnostics import jury_section
from pytest_medhelm.results.leaderboard.jury_summary import two_way_estimate
from pytest_medhelm.results.leaderboard.paired_cells import paired, pairs_of
from tests.support.juries import FACTS, FAILED, NAMES, Row, named, number_of, question_of, rating, record, talks
from tests.support.nightly import covered_enough, replications
from tests.support.suites import cell, leaderboard


def cell_of(rows: Sequence[Row], model: str = "m", **options: Any) -> Cell:
    strata = options.pop("strata", [""] * len(rows))
    facts = FACTS | ({"sub_tasks": sorted(set(strata))} if any(strata) else {})
    records = [record(number, row, stratum=strata[number], **options) for number, row in enumerate(rows)]
    return make_cell("b", model, read_columns(records), facts)


def test_the_main_value_takes_complete_juries_and_helm_what_there_is() -> None:
    found = cell_of([{"a": 5, "b": 3}, {"a": 5, "b": None}, {"a": 1, "b": 1}, {"a": None, "b": None}, FAILED]).metrics
    assert found["jury"]["value"] == pytest.approx((4 + 1 + 1) / 3)
    assert (found["jury"]["n"], found["jury"]["missing"]) == (3, 2)
    assert found["jury"]["completeness"] == 0.5, "of the four that judges were asked about"
    assert found["jury_helm"]["value"] == pytest.approx((4 + 5 + 1 + 1) / 4)
    assert "completeness" not in found["jury_helm"]
    assert found["jury"]["note"].endswith("instances only, these judges taken as fixed")


def test_without_one_judge() -> None:
    rows: list[Row] = [{"a": 5, "b": 4, "c": 1}, {"a": 3, "b": 2, "c": 1}, FAILED, {"a": 5, "b": None, "c": 5}]
    found = cell_of(rows).metrics["jury"]
    # on the two that all rated, and the failed one: without a (2.5 + 1.5 + 1), without c (4.5 + 2.5 + 1)
    assert found["leave_one_judge_out"] == pytest.approx([5 / 3, 8 / 3])
    by_criterion = cell_of([{"a": [5, 1, 1], "b": [3, 1, 1]}]).metrics
    assert by_criterion["jury_accuracy"]["leave_one_judge_out"] == [3.0, 5.0]
    assert by_criterion["jury_clarity"]["leave_one_judge_out"] == [1.0, 1.0]
    assert cell_of([{"a": 5}]).metrics["jury"]["leave_one_judge_out"] is None


def test_without_one_judge_counts_sub_runs_alike() -> None:
    rows: list[Row] = [{"a": 5, "b": 1}, {"a": 5, "b": 1}, {"a": 1, "b": 3}]
    found = cell_of(rows, strata=["x", "x", "y"]).metrics["jury"]
    assert found["leave_one_judge_out"] == pytest.approx([2.0, 3.0])
    assert found["value"] == pytest.approx((3 + 2) / 2)


# The two_way_estimate estimate


def estimate(matrix: Any, failed: Sequence[bool] | None = None, **options: Any) -> dict[str, Any]:
    table = np.array(matrix, dtype=np.float64)
    aside = np.zeros(len(table), dtype=np.bool_) if failed is None else np.array(failed)
    judges = [f"j{number}" for number in range(table.shape[1])]
    clusters = options.pop("clusters", [str(number) for number in range(len(table))])
    return two_way_estimate(table, aside, judges, options.pop("scale", (1.0, 5.0)), clusters, **options)


NO = float("nan")


def test_an_additive_table_is_recovered_whatever_is_missing() -> None:
    # instances 2, 3, 4; judges +0.5, 0, -0.5
    whole = np.add.outer([2.0, 3.0, 4.0], [0.5, 0.0, -0.5])
    assert estimate(whole)["value"] == pytest.approx(3.0)
    gaps = whole.copy()
    gaps[0, 0] = gaps[1, 2] = gaps[2, 1] = gaps[2, 2] = NO
    assert estimate(gaps)["value"] == pytest.approx(3.0)
    assert float(np.nanmean([np.nanmean(row) for row in gaps])) != pytest.approx(3.0), "the plain mean is off"


def test_it_is_the_least_squares_fit() -> None:
    random = np.random.default_rng(7)
    table = random.integers(1, 6, (40, 4)).astype(float)
    table[random.random(table.shape) < 0.4] = NO
    table = table[~np.isnan(table).all(axis=1)]
    rows, columns = np.nonzero(~np.isnan(table))
    design = np.zeros((len(rows), len(table) + 4))
    design[np.arange(len(rows)), rows] = 1
    design[np.arange(len(rows)), len(table) + columns] = 1
    fitted = np.linalg.lstsq(design, table[rows, columns], rcond=None)[0]
    expected = float(np.mean(fitted[: len(table)]) + np.mean(fitted[len(table) :]))
    assert estimate(table)["value"] == pytest.approx(expected, abs=1e-9)


def test_failed_answers_keep_their_value_and_teach_nothing_about_judges() -> None:
    table = [[5, 4], [5, NO], [1, 1], [1, 1]]
    # judge 0 is 0.5 above the middle: instances 4.5, 4.5, 1, 1
    assert estimate(table, [False, False, True, True])["value"] == pytest.approx((4.5 + 4.5 + 1 + 1) / 4)


def test_sub_runs_count_alike() -> None:
    table = [[5, 4], [5, NO], [2, 1]]
    assert estimate(table, sub_tasks=["x", "x", "y"])["value"] == pytest.approx((4.5 + 1.5) / 2)


def test_judges_that_share_no_answer_cannot_be_compared() -> None:
    found = estimate([[5, NO], [5, NO], [NO, 1], [NO, 2]])
    assert found["value"] is None
    assert found["note"] == "judges share too few instances to be compared"
    silent = estimate([[5, NO], [4, NO]])
    assert silent["value"] == 4.5
    assert silent["note"] == "without j1, who gave no verdict"
    assert estimate([[NO, NO]])["note"] == "no judge gave a verdict"


def test_its_interval_never_has_zero_width_and_stays_on_the_scale() -> None:
    found = estimate([[5, 5], [5, NO], [5, 5], [NO, 5]])
    assert found["value"] == 5.0
    assert found["low"] < 5.0 == found["high"]


def test_its_interval_covers_the_mean_that_a_complete_jury_of_the_population_has() -> None:
    random = np.random.default_rng(3)
    covered, off = 0, 0.0
    runs = replications(300)
    for _ in range(runs):
        quality = random.uniform(2, 4, 60)
        table = quality[:, None] + np.array([0.6, 0.0, -0.6]) + random.normal(0, 0.2, (60, 3))
        # the harsh judge fails mostly on good answers: an available-case mean is too high
        table[(random.random(60) < (quality - 2) / 2), 2] = NO
        off += float(np.mean([np.nanmean(row) for row in table])) - 3.0
        found = estimate(table)
        covered += found["low"] <= 3.0 <= found["high"]
    assert off / runs > 0.1
    assert covered / runs >= covered_enough(runs)


def test_it_stands_beside_only_where_the_jury_is_incomplete() -> None:
    whole: list[Row] = [{"a": 5, "b": 3}] * 19
    assert "two_way_estimate" not in cell_of([*whole, {"a": 5, "b": None}]).metrics["jury"], "95 % are enough"
    found = cell_of([*whole[:10], *[{"a": 5, "b": None}] * 2]).metrics
    assert found["jury"]["completeness"] == pytest.approx(10 / 12)
    assert found["jury"]["two_way_estimate"]["value"] == pytest.approx(4.0)
    assert found["jury"]["two_way_estimate"]["n"] == 12
    assert found["jury_clarity"]["two_way_estimate"]["value"] == pytest.approx(4.0)
    assert found["jury_helm"]["value"] > 4.1


# Two models


def test_equal_models_are_equal_however_often_a_judge_fails() -> None:
    rows: list[dict[str, Any]] = [{"mild": 5, "harsh": [1, 2, 1 + number % 3]} for number in range(8)]
    gaps = [row | ({"harsh": None} if number % 2 else {}) for number, row in enumerate(rows)]
    first, second = cell_of(rows, "x"), cell_of(gaps, "y")
    assert second.metrics["jury_helm"]["value"] > first.metrics["jury_helm"]["value"] + 0.5
    (found,) = paired([first, second], ["x", "y"])
    assert (found["difference"], found["n"]) == (0.0, 8)
    assert found["low"] < 0 < found["high"]


def test_only_shared_triples_enter_a_comparison() -> None:
    first = cell_of(
        [{"a": 5, "b": 1}, {"a": 4, "b": None}, {"a": None, "b": 2}, FAILED, FAILED, {"a": None, "b": None}]
    )
    second = cell_of(
        [{"a": 3, "b": None}, {"a": None, "b": 1}, {"a": 1, "b": 1}, {"a": 4, "b": 2}, FAILED, {"a": 5, "b": 5}]
    )
    # judge a on the first; none on the second; b on the third; 1 against both; both failed; nothing on the last
    assert [difference for _, difference in pairs_of(first, second, "jury")] == [2.0, 1.0, -2.0, 0.0]
    assert [difference for _, difference in pairs_of(second, first, "jury")] == [-2.0, -1.0, 2.0, 0.0]


def test_a_model_without_any_complete_jury_can_be_compared() -> None:
    first, second = cell_of([{"a": 5, "b": None}] * 3, "x"), cell_of([{"a": 4, "b": 4}] * 3, "y")
    assert first.value is None
    assert paired([first, second], ["x", "y"])[0]["difference"] == 1.0


def test_equal_models_through_whole_sessions(run: Any, pytester: pytest.Pytester) -> None:
    data = talks(pytester.path, 8)

    def reply(body: dict[str, Any]) -> str:
        if body["model"] in ("doctor", "nurse"):
            return f"An answer by the {body['model']} to {question_of(body)}"
        number = number_of(body)
        told = str(body["messages"][1]["content"])
        if body["model"] == "odd" and "by the nurse" in told and number % 2:
            return "I cannot say."
        return rating(5 if body["model"] == "mild" else 1 + number % 3)

    with MockServer(reply, models=("doctor", "nurse", "mild", "odd")) as server:
        run(*named(server, "mild", "odd", models=("doctor", "nurse")), data)
    board = leaderboard(pytester.path)
    (found,) = board["results"]["paired"]
    assert (found["difference"], found["n"]) == (0.0, 8)
    doctor, nurse = (cell(board, "talks", f"vllm/{name}")["metrics"] for name in ("doctor", "nurse"))
    assert nurse["jury_helm"]["value"] > doctor["jury_helm"]["value"]
    assert nurse["jury"]["completeness"] == 0.5
    assert doctor["jury"]["completeness"] == 1.0
    assert nurse["jury"]["two_way_estimate"]["value"] == pytest.approx(doctor["jury"]["value"], abs=0.3)
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert "every judge rated 50&nbsp;%; adjusted for the judges" in page
    section = board["results"]["jury"]["benchmarks"][0]
    assert {judge["judge"]: (judge["asked"], judge["failed"], judge["repaired"]) for judge in section["judges"]} == {
        "vllm/mild": (16, 0, 0), "vllm/odd": (16, 4, 4),
    }  # fmt: skip
    assert ">Jury</h2>" in page
    assert "vllm/odd alone" in page


# The section


def test_the_section_shows_who_is_harsh_and_who_would_order_otherwise() -> None:
    # three models; the judge c would turn the order round
    table = {"x": (5, 5, 1), "y": (4, 3, 2), "z": (3, 2, 3)}
    cells = [
        cell_of([{"a": row[0], "b": row[1], "c": row[2]}] * 3 + [{"a": row[0], "b": row[1], "c": row[2] + 1}], model)
        for model, row in table.items()
    ]
    (found,) = jury_section(cells, {})["benchmarks"]
    assert found["models"] == ["x", "y", "z"]
    bias = {judge["judge"]: judge["bias"]["value"] for judge in found["judges"]}
    assert sum(bias.values()) == pytest.approx(0)
    assert bias["a"] > bias["b"] > 0 > bias["c"]
    alone = {judge["judge"]: judge for judge in found["alone"]["judges"]}
    assert found["alone"]["all"]["x"] == pytest.approx(cells[0].metrics["jury"]["value"])
    assert alone["a"]["spearman"]["value"] == pytest.approx(1.0)
    assert alone["c"]["spearman"]["value"] == pytest.approx(-1.0)
    assert set(found["alone"]["without"]["x"]) == {"a", "b", "c"}
    assert found["agreement"]["name"].startswith("ICC")
    assert found["self_preference"] == []


def test_single_leaderboards_count_failed_answers() -> None:
    (found,) = jury_section([cell_of([{"a": 5, "b": 3}, FAILED])], {})["benchmarks"]
    assert found["alone"]["all"] == {"m": 2.5}
    assert {judge["judge"]: judge["values"]["m"] for judge in found["alone"]["judges"]} == {"a": 3.0, "b": 2.0}
    assert {judge["judge"]: judge["asked"] for judge in found["judges"]} == {"a": 1, "b": 1}


def test_favour_for_ones_own_kin_is_measured() -> None:
    rows: dict[str, list[Row]] = {
        "vllm/llama-8b": [{"vllm/llama-70b": 5, "vllm/qwen": 2 + number % 2} for number in range(12)],
        "vllm/phi": [{"vllm/llama-70b": 2 + number % 2, "vllm/qwen": 3} for number in range(12)],
    }
    found = jury_section([cell_of(value, model) for model, value in rows.items()], {})
    assert [(pair["judge"], pair["model"]) for pair in found["same_vendor"]] == [("vllm/llama-70b", "vllm/llama-8b")]
    (favour,) = found["benchmarks"][0]["self_preference"]
    assert favour["value"] == pytest.approx(2.5 - (-0.5))
    assert favour["low"] > 0


def test_the_spread_within_a_judge_is_that_of_its_repeats() -> None:
    made = record(0, {"a": 3})
    made["verdicts"][0]["repeats"] = [{"scores": dict.fromkeys(NAMES, value)} for value in (2, 4)]
    (found,) = jury_section([make_cell("b", "m", read_columns([made]), FACTS)], {})["benchmarks"]
    assert found["judges"][0]["within"] == pytest.approx(2**0.5)


def test_without_judges_there_is_no_section() -> None:
    made = record(0, FAILED, main_metric="rouge_l")
    assert jury_section([make_cell("b", "m", read_columns([made]), FACTS)], {}) == {"benchmarks": [], "same_vendor": []}
