"""Macro and micro F1, precision and recall over a whole set: against scikit-learn's definitions, worked by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.summary import metrics_of
from tests.support.nightly import covered_enough, replications

PAIRS = [("yes", "yes"), ("yes", "no"), ("no", "no"), ("no", "no"), ("no", "yes"), ("maybe", ""), ("yes", "yes")]
"""yes: 2 of 3 found, 3 predicted; no: 2 of 3 found, 3 predicted; maybe: never predicted."""


def summaries(
    pairs: Sequence[tuple[str, str] | None],
    strata: Sequence[str] | None = None,
    positive: str = "",
    declared: Sequence[str] = (),
) -> dict[str, dict[str, Any]]:
    names = [str(index) for index in range(len(pairs))]
    columns = Columns(
        ids=names, clusters=names, statuses=["ok" if pair else "request_error" for pair in pairs], labels=list(pairs),
        sub_tasks=list(strata or [""] * len(pairs)), references=[pair[0] if pair else "" for pair in pairs],
    )  # fmt: skip
    metadata: Any = {"positive": positive, "sub_tasks": list(declared) or sorted(set(strata or ()))}
    return {name: dict(summary) for name, summary in metrics_of(columns, metadata).items()}


def test_worked_example() -> None:
    found = summaries(PAIRS, positive="yes")
    assert found["macro_f1"]["value"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    # 4 right decisions, 6 made, 7 to be made
    assert found["micro_f1"]["value"] == pytest.approx(2 * 4 / (6 + 7))
    assert found["precision"]["value"] == pytest.approx(2 / 3)
    assert found["recall"]["value"] == pytest.approx(2 / 3)
    assert found["f1"]["value"] == pytest.approx(2 / 3)


def test_without_a_positive_label_there_is_no_precision() -> None:
    assert set(summaries(PAIRS)) == {"macro_f1", "micro_f1"}
    assert summaries([None, None]) == {}


def test_a_division_by_zero_is_zero() -> None:
    found = summaries([("no", "no"), ("no", "no"), ("yes", "no")], positive="yes")
    assert found["precision"]["value"] == 0.0
    assert found["recall"]["value"] == 0.0
    assert found["macro_f1"]["value"] == pytest.approx((0.8 + 0.0) / 2)


def test_sub_runs_are_averaged_and_a_missing_one_leaves_no_value() -> None:
    pairs = [("a", "a"), ("b", "b"), ("a", "b"), ("b", "b"), ("b", "a"), ("a", "a")]
    found = summaries(pairs, ["one", "one", "two", "two", "two", "two"])
    # one: 1; two: a 1 of 2 found, 2 predicted; b the same
    assert found["macro_f1"]["value"] == pytest.approx((1 + 0.5) / 2)
    missing = summaries(pairs, ["one"] * 6, declared=["one", "two"])
    assert missing["macro_f1"]["value"] is None
    assert missing["macro_f1"]["note"] == "a sub-task is missing"


def test_missing_labels_are_counted_and_widen_the_bounds() -> None:
    found = summaries([*PAIRS, None])["micro_f1"]
    assert (found["n"], found["missing"], found["worst"], found["best"]) == (
        7,
        1,
        pytest.approx(2 * 4 / (7 + 8)),
        pytest.approx(2 * 5 / (7 + 8)),
    ), "of 8, at worst one more usable and wrong, at best one more right"
    whole = summaries(PAIRS)["micro_f1"]
    assert (whole["missing"], whole["worst"], whole["best"]) == (0, whole["value"], whole["value"])


def test_a_sub_run_of_one_instance_is_no_division_by_zero() -> None:
    found = summaries([("a", "a"), ("a", "a"), ("b", "b")], ["one", "one", "two"])["micro_f1"]
    assert found["low"] < found["value"] == found["high"] == 1.0


def test_the_interval_is_never_without_width() -> None:
    for pairs in ([("a", "a"), ("b", "b")] * 20, [("a", "b"), ("b", "a")] * 20):
        summary = summaries(pairs)["macro_f1"]
        assert summary["low"] < summary["high"]
        assert summary["low"] <= summary["value"] <= summary["high"]


def test_the_interval_covers_the_true_value() -> None:
    order, runs = np.random.default_rng(7), replications(400)
    gold_share, hit, false = 0.3, 0.8, 0.15
    positives, negatives = gold_share * hit, (1 - gold_share) * false
    true = 2 * positives / (2 * positives + gold_share * (1 - hit) + negatives)
    covered = 0
    for _ in range(runs):
        gold = order.random(150) < gold_share
        predicted = np.where(gold, order.random(150) < hit, order.random(150) < false)
        pairs = [("yes" if g else "no", "yes" if p else "no") for g, p in zip(gold, predicted, strict=True)]
        summary = summaries(pairs, positive="yes")["f1"]
        covered += summary["low"] <= true <= summary["high"]
    assert covered / runs >= covered_enough(runs)


@pytest.fixture(scope="module")
def near_the_best() -> list[dict[str, dict[str, Any]]]:
    """Of many samples all metrics: two labels equally frequent, 95 % right."""
    order, found = np.random.default_rng(5), []
    for _ in range(replications(1_000)):
        gold = order.random(100) < 0.5
        predicted = gold ^ (order.random(100) < 0.05)
        pairs = [("ny"[g], "ny"[p]) for g, p in zip(gold.tolist(), predicted.tolist(), strict=True)]
        found.append(summaries(pairs, positive="y"))
    return found


@pytest.mark.parametrize("metric", ["macro_f1", "micro_f1", "f1", "recall"])
def test_the_interval_covers_the_true_value_near_the_best(
    metric: str, near_the_best: list[dict[str, dict[str, Any]]]
) -> None:
    runs, covered = len(near_the_best), 0
    for found in near_the_best:
        covered += found[metric]["low"] <= 0.95 <= found[metric]["high"]  # each of them is 0.95
    # promised: 93 %; less three standard errors of the simulation
    assert covered / runs >= 0.93 - 3 * math.sqrt(0.93 * 0.07 / runs)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["a", "b", "c", ""])), min_size=1, max_size=30))
@settings(deadline=None)
def test_values_agree_with_the_definitions(pairs: list[tuple[str, str]]) -> None:
    names = sorted({name for pair in pairs for name in pair} - {""})

    def f1(name: str) -> float:
        hits = sum(gold == predicted == name for gold, predicted in pairs)
        denominator = sum(gold == name for gold, _ in pairs) + sum(predicted == name for _, predicted in pairs)
        return 2 * hits / denominator if denominator else 0.0

    found = summaries(pairs)
    assert found["macro_f1"]["value"] == pytest.approx(sum(map(f1, names)) / len(names))
    right = sum(gold == predicted for gold, predicted in pairs)
    made = sum(bool(predicted) for _, predicted in pairs)
    assert found["micro_f1"]["value"] == pytest.approx(2 * right / (made + len(pairs)))
    few = min(sum(gold == name for gold, _ in pairs) for name in names) < 10
    assert (found["macro_f1"]["low"] is None) is few
    for summary in found.values():
        if summary["low"] is not None:
            assert 0.0 <= summary["low"] <= summary["value"] <= summary["high"] <= 1.0
