"""Limits of F1, precision and recall that decide a gate: against exact limits of shares, and by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import beta

from perf.gates import tolerated
from pytest_medhelm.gates.gate_file import gate_of
from pytest_medhelm.gates.judge import Evidence, judge
from pytest_medhelm.results.leaderboard.aggregate import Columns, make_cell
from pytest_medhelm.results.stats.label_limits import Labelled, label_limits
from tests.support.nightly import replications


def labelled(pairs: list[tuple[str, str]]) -> list[Labelled]:
    return [Labelled(right, predicted, f"c{place}", "") for place, (right, predicted) in enumerate(pairs)]


def exact(right: int, n: int, alpha: float) -> tuple[float, float]:
    """Clopper and Pearson's limits, by scipy."""
    low = beta.ppf(alpha, right, n - right + 1) if right else 0.0
    return low, beta.ppf(1 - alpha, right + 1, n - right) if right < n else 1.0


PAIRS = [("y", "y")] * 8 + [("y", "n")] * 1 + [("n", "y")] * 3 + [("n", "n")] * 20 + [("y", "")] * 2


@pytest.mark.parametrize("alpha", [0.025, 0.05])
def test_precision_recall_and_f1_are_shares_or_grow_with_one(alpha: float) -> None:
    found = {name: label_limits(name, labelled(PAIRS), "y", alpha) for name in ("precision", "recall", "f1")}
    assert (found["recall"].low, found["recall"].high) == pytest.approx(exact(8, 11, alpha))
    assert (found["precision"].low, found["precision"].high) == pytest.approx(exact(8, 11, alpha))
    # TP 8, FP 3, FN 3: J = 8 / 14, F1 = 16 / 22 = 2 J / (1 + J).
    assert [found["f1"].low, found["f1"].high] == pytest.approx([2 * j / (1 + j) for j in exact(8, 14, alpha)])


def test_macro_f1_has_the_means_of_its_labels_and_micro_f1_lies_between_two_shares() -> None:
    macro, micro = (label_limits(name, labelled(PAIRS), "", 0.025) for name in ("macro_f1", "micro_f1"))
    yes, no = ([2 * j / (1 + j) for j in exact(right, n, 0.025)] for right, n in ((8, 14), (20, 24)))
    assert [macro.low, macro.high] == pytest.approx([(one + two) / 2 for one, two in zip(yes, no, strict=True)])
    assert (micro.low, micro.high) == pytest.approx((exact(28, 34, 0.025)[0], exact(28, 32, 0.025)[1]))


def test_sub_runs_are_combined_by_recovering_variances() -> None:
    two = [entry._replace(sub_task=run) for run in "ab" for entry in labelled(PAIRS)]
    low, high = exact(8, 11, 0.025)
    value, half = 8 / 11, 2**0.5 / 2
    expected = value - half * (value - low), value + half * (high - value)
    found = label_limits("recall", two, "y", 0.025)
    assert (found.low, found.high) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["macro_f1", "micro_f1", "f1"])
def test_a_truly_worse_model_passes_no_more_often_than_alpha(metric: str) -> None:
    """Two labels equally frequent, 95 % right: every F1 is 0.95."""
    generator, alpha, runs, passes = np.random.default_rng(8), 0.05, replications(1_000), 0
    for _ in range(runs):
        right = generator.random(100) < 0.5
        said = right ^ (generator.random(100) < 0.05)
        names = [("ny"[one], "ny"[two]) for one, two in zip(right.tolist(), said.tolist(), strict=True)]
        found = label_limits(metric, labelled(names), "y", alpha)
        passes += found.low >= 0.95
    assert passes / runs <= tolerated(alpha, runs)


def cell_of(pairs: list[tuple[str, str] | None]) -> Any:
    names = [f"i{place}" for place in range(len(pairs))]
    scores: list[float | None] = [None if pair is None else float(pair[0] == pair[1]) for pair in pairs]
    columns = Columns(
        eval_set_hash="e", size=len(names), main_metric="exact_match", ids=names,
        statuses=["ok" if pair else "request_error" for pair in pairs], clusters=names, sub_tasks=[""] * len(names),
        references=["y" if pair is None else pair[0] for pair in pairs],
        labels=pairs, scores={"exact_match": scores}, scales={"exact_match": [0.0, 1.0]},
    )  # fmt: skip
    facts = {"sub_tasks": [], "data": {"origin": "given"}, "category": "", "subcategory": "", "positive": "y"}
    return make_cell("b", "m", columns, facts)


def test_a_rule_on_f1_is_decided_by_them_and_says_so() -> None:
    cell = cell_of([*PAIRS])
    low = 2 * exact(8, 14, 0.025)[0] / (1 + exact(8, 14, 0.025)[0])
    for bar, verdict in ((low - 0.002, "pass"), (low + 0.002, "inconclusive")):
        (found,) = judge(gate_of([f"b.f1.lower >= {bar:.6f}"]), Evidence([cell], selected={"b"}), ["m"])
        assert found.verdict == verdict
        assert found.interval.startswith("one-sided 97.5 % bounds by Clopper-Pearson")
    one_gone = Evidence([cell_of([*PAIRS, None])], selected={"b"})
    for bar, verdict in ((0.3, "pass"), (low, "inconclusive")):
        (found,) = judge(gate_of([f"b.f1.lower >= {bar}"]), one_gone, ["m"])
        assert found.verdict == verdict, "one missing answer moves it a little"


def unknown_gold(**facts: Any) -> Any:
    """10 right y, 10 right n; all 5 answers to a third label and 2 to a fourth are missing, so nobody knows theirs."""
    pairs = [("y", "y")] * 10 + [("n", "n")] * 10 + [None] * 7
    cell = cell_of(pairs)
    cell.columns.references[20:] = ["u"] * 5 + ["v"] * 2
    facts = {"sub_tasks": [], "data": {"origin": "given"}, "category": "", "subcategory": "", "positive": "y", **facts}
    return make_cell("b", "m", cell.columns, facts)


def test_a_missing_answer_whose_right_label_nobody_knows_may_be_a_false_alarm_or_of_a_label_never_seen() -> None:
    # Each of the 7 may have been called y (or n, u, v): precision 10 / 17; F1 of y and of n each 2 * 10 / (20 + 7),
    # and 0 of the two labels that are right and not seen, and of as many more as the 7 may say that no other has.
    f1 = 20 / 27
    worst = {"precision": 10 / 17, "recall": 10 / 17, "f1": f1, "macro_f1": 2 * f1 / 11, "micro_f1": 40 / 54}
    for name, expected in worst.items():
        for bar, verdict in ((expected - 0.001, "pass"), (expected + 0.001, "inconclusive")):
            evidence = Evidence([unknown_gold()], selected={"b"})
            (found,) = judge(gate_of([f"b.{name} >= {bar:.6f}"]), evidence, ["m"])
            assert found.verdict == verdict, (name, found.sentence())
    low = exact(10, 17, 0.025)[0]
    (found,) = judge(gate_of([f"b.precision.lower >= {low + 0.001:.6f}"]), evidence, ["m"])
    assert found.verdict == "inconclusive"


@pytest.mark.parametrize(("labels", "seen"), [(2, 2), (3, 3), (4, 4), (9, 9), (30, 11)])
def test_no_more_labels_are_thought_of_than_the_data_have(labels: int, seen: int) -> None:
    evidence = Evidence([unknown_gold(label_count=labels)], selected={"b"})
    for bar, verdict in ((2 * 20 / 27 / seen - 0.001, "pass"), (2 * 20 / 27 / seen + 0.001, "inconclusive")):
        (found,) = judge(gate_of([f"b.macro_f1 >= {bar:.6f}"]), evidence, ["m"])
        assert found.verdict == verdict


@pytest.mark.parametrize(("labels", "worst"), [(0, 6 / 7 / 2), (2, 6 / 7 / 2), (1, 6 / 7)])
def test_a_missing_answer_may_say_a_label_that_no_other_has(labels: int, worst: float) -> None:
    """Three right answers "n" and one missing whose right label is "n": at worst it says "y", whose F1 is 0."""
    entries = [Labelled("n", "n", str(place), "") for place in range(3)] + [Labelled("n", None, "3", "")]
    assert label_limits("macro_f1", entries, "y", 0.025, "worst", labels).value == pytest.approx(worst)
    assert label_limits("macro_f1", entries, "y", 0.025, "best", labels).value == 1.0
