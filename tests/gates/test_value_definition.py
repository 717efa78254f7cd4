"""One definition of a cell's value: everything that is derived from it agrees with it, at every level."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from pytest_medhelm.gates.gate_file import gate_of
from pytest_medhelm.gates.judge import Evidence, judge
from pytest_medhelm.gates.verdict import GateResult
from pytest_medhelm.results.leaderboard.aggregate import make_cell
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.jury_columns import JuryColumns
from pytest_medhelm.results.leaderboard.measure import Measure, measures_of, outer_limits, worst_and_best

Scores = list[float | None]


def cell_of(scores: Scores, metric: str = "exact_match", **more: Any) -> Any:
    """A cell; ``parts``: sub-tasks, ``labels``: (right, predicted), ``scale``: worst and best, ``judges``: names."""
    names = [f"i{place}" for place in range(len(scores))]
    parts = more.get("parts") or [""] * len(names)
    labels = more.get("labels") or [None] * len(names)
    judges = more.get("judges", ())
    columns = Columns(
        eval_set_hash="e", size=len(names), main_metric=metric, ids=names,
        statuses=["request_error" if score is None else "ok" for score in scores],
        clusters=more.get("clusters") or names, sub_tasks=parts, slices=more.get("slices", {}),
        scores={metric: list(scores)}, scales={metric: list(more.get("scale", (0.0, 1.0)))}, labels=labels,
        references=more.get("references") or [pair[0] if pair else "" for pair in labels],
        jury=JuryColumns(judges={name: {} for name in judges}), judged={metric} if judges else set(),
    )  # fmt: skip
    metadata: Any = {
        "sub_tasks": sorted(set(parts) - {""}), "data": {"origin": "given"}, "category": "", "subcategory": "",
        "positive": "y",
    }  # fmt: skip
    return make_cell("b", "m", columns, metadata)


def judged(cell: Any, rule: str, alpha: float = 0.025, **more: Any) -> GateResult:
    gate = gate_of([rule])
    (demand,) = gate.demands
    alternatives = (replace(demand.alternatives[0], alpha=alpha, **more),)
    gate = replace(gate, demands=(replace(demand, alternatives=alternatives),))
    (found,) = judge(gate, Evidence([cell], selected={"b"}), ["m"])
    return found


def mixed(low: int, high: int) -> Any:
    return st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2), st.integers(0, 9)), min_size=low, max_size=high)


@st.composite
def cells(draw: Any, *, gaps: bool) -> Any:
    """Any kind of cell: right or wrong, graded or of labels; with sub-tasks, shared sources and missing answers."""
    rows = draw(mixed(4, 40))
    kind = draw(st.sampled_from(["binary", "graded", "grades", "harm"]))
    scores: Scores = [
        round(score) if kind in ("binary", "harm") else round(4 * score) / 4 if kind == "grades" else score
        for score, _, _ in rows
    ]
    missing = draw(st.sets(st.integers(0, len(rows) - 1), max_size=len(rows) // 3)) if gaps else set()
    scores = [None if place in missing else score for place, score in enumerate(scores)]
    labels = [("y" if part else "n", "n" if group < 3 else "y") for _, part, group in rows]
    parts = [f"part {part}" for _, part, _ in rows] if draw(st.booleans()) else None
    return cell_of(
        scores,
        "harm_severe" if kind == "harm" else "exact_match",
        scale=(1.0, 0.0) if kind == "harm" else (0.0, 1.0),
        parts=parts,
        clusters=[f"source {group}" for _, _, group in rows] if draw(st.booleans()) else None,
        labels=[None if score is None else pair for pair, score in zip(labels, scores, strict=True)],
        references=[right for right, _ in labels],
    )


def measures(cell: Any) -> dict[str, Measure]:
    return {
        name: measure
        for name, measure in measures_of(cell.columns, cell.metadata).items()
        if measure.value() is not None
    }


@given(cells(gaps=False))
@settings(deadline=None, max_examples=40)
def test_with_nothing_missing_everything_is_the_value(cell: Any) -> None:
    assert measures(cell)
    for name, summary in cell.metrics.items():
        assert summary["missing"] == 0
        assert summary["worst"] == summary["best"] == summary["answered"] == summary["value"], name


@given(cells(gaps=True), st.floats(0, 1), st.sampled_from([0.01, 0.025, 0.1]))
@settings(deadline=None, max_examples=40)
def test_whatever_a_missing_score_is_it_lies_between_the_worst_and_the_best(
    cell: Any, said: float, alpha: float
) -> None:
    alone = len(set(cell.columns.clusters)) == len(cell.columns.ids)
    for name, measure in measures(cell).items():
        worst, best = worst_and_best(measure)
        assert worst is not None
        assert best is not None
        outer = outer_limits(measure, alpha)
        columns = cell.columns
        if name in columns.scores:
            fill = round(said) if measure.right_or_wrong else said
            columns = replace(
                columns, scores={name: [fill if score is None else score for score in columns.scores[name]]}
            )
        else:
            answer = "y" if said < 0.4 else "n" if said < 0.8 else ""
            labels = [pair or (columns.references[place], answer) for place, pair in enumerate(columns.labels)]
            columns = replace(columns, labels=labels)
        filled = measures_of(columns, cell.metadata)[name]
        value = filled.value()
        assert value is not None
        assert min(worst, best) - 1e-9 <= value <= max(worst, best) + 1e-9
        limits = filled.limits(alpha)
        if (
            outer is not None
            and limits is not None
            and alone
            and (measure.right_or_wrong or not cell.metadata["sub_tasks"])
        ):
            assert outer.low - 1e-9 <= limits.low
            assert limits.high <= outer.high + 1e-9


@given(cells(gaps=True), st.floats(0.0005, 0.2), st.floats(0.0005, 0.2))
@settings(deadline=None, max_examples=25)
def test_every_limit_grows_with_the_level_and_is_the_one_of_the_level(cell: Any, one: float, other: float) -> None:
    strict, loose = sorted((one, other))
    for name, measure in measures(cell).items():
        rule = f"b.{name}.lower >= 0.5"
        found = {alpha: judged(cell, rule, alpha).basis for alpha in (strict, loose)}
        for alpha, basis in found.items():
            limits = measure.limits(alpha)
            assert (basis is None) is (limits is None)
            if basis is not None and limits is not None:
                assert (basis["low"], basis["high"], basis["alpha"]) == (limits.low, limits.high, alpha)
                assert min(measure.scale) <= limits.low <= limits.high <= max(measure.scale)
        if found[strict] is not None:
            assert found[strict]["low"] <= found[loose]["low"] + 1e-9
            assert found[strict]["high"] >= found[loose]["high"] - 1e-9


# Numbers worked by hand or with scipy


def exact(right: int, n: int, alpha: float = 0.025) -> tuple[float, float]:
    low = float(beta.ppf(alpha, right, n - right + 1)) if right else 0.0
    return low, float(beta.ppf(1 - alpha, right + 1, n - right)) if right < n else 1.0


def test_a_cell_with_sub_tasks_is_judged_by_its_value_and_not_by_the_pooled_mean() -> None:
    """900 at 0.9 and 100 at 0.5: the value is 0.7, the pooled mean 0.86."""
    scores: Scores = [1.0] * 810 + [0.0] * 90 + [1.0] * 50 + [0.0] * 50
    cell = cell_of(scores, parts=["a"] * 900 + ["b"] * 100)
    summary = cell.metrics["exact_match"]
    assert [summary[key] for key in ("value", "answered", "worst", "best")] == pytest.approx([0.7] * 4)
    assert judged(cell, "b >= 0.80").verdict == "fail"
    assert judged(cell, "b <= 0.75").verdict == "pass"
    gone = cell_of([*scores[:5], *[None] * 5, *scores[10:]], parts=["a"] * 900 + ["b"] * 100)
    assert (gone.metrics["exact_match"]["worst"], gone.metrics["exact_match"]["best"]) == pytest.approx(
        ((805 / 900 + 0.5) / 2, 0.7)
    )
    limit = judged(gone, "b.lower >= 0.1").basis
    assert limit is not None
    assert limit["low_with_missing"] < limit["low"], "missing data lower the limit"


@pytest.mark.parametrize(
    ("right", "wrong", "missing", "bar"), [(90, 5, 5, 0.83), (95, 0, 5, 0.90), (320, 20, 60, 0.768)]
)
def test_a_limit_is_computed_again_with_the_missing_filled_in(right: int, wrong: int, missing: int, bar: float) -> None:
    scores: Scores = [*[1.0] * right, *[0.0] * wrong, *[None] * missing]
    found = judged(cell_of(scores), f"b.lower >= {bar}")
    assert found.verdict == "inconclusive"
    assert found.basis is not None
    assert found.basis["low_with_missing"] == pytest.approx(exact(right, right + wrong + missing)[0])


def test_graded_scores_with_missing_widen_as_well() -> None:
    scores: Scores = [0.9, 0.8, 0.95, 0.85] * 20
    whole = judged(cell_of([*scores, *[0.0] * 5]), "b.lower >= 0.1").basis
    gone = judged(cell_of([*scores, *[None] * 5]), "b.lower >= 0.1").basis
    assert whole is not None
    assert gone is not None
    assert gone["low_with_missing"] <= whole["low"] + 1e-12


@pytest.mark.parametrize("alpha", [0.024, 0.025, 0.026, 0.05])
def test_the_level_reaches_the_limit_of_harm(alpha: float) -> None:
    """0 of 20: 1 - alpha^(1/20), 0.168 at 0.025 and 0.139 at 0.05."""
    cell = cell_of([0.0] * 20, "harm_severe", scale=(1.0, 0.0))
    found = judged(cell, "b.harm_severe.upper <= 0.14", alpha)
    assert found.high == pytest.approx(1 - alpha ** (1 / 20))
    assert found.verdict == ("pass" if alpha == 0.05 else "inconclusive")


@pytest.mark.parametrize("metric", ["jury", "jury_helm", "harm_severe", "jury_accuracy"])
@pytest.mark.parametrize("judges", [("a",), ("a", "b")])
def test_unvalidated_judges_let_nothing_pass_and_may_fail_it(metric: str, judges: tuple[str, ...]) -> None:
    good, bad = [0.0 if metric == "harm_severe" else 1.0] * 60, [1.0 if metric == "harm_severe" else 0.0] * 60
    scale = (1.0, 0.0) if metric == "harm_severe" else (0.0, 1.0)
    bound = "upper <= 0.5" if metric == "harm_severe" else "lower >= 0.5"
    rules = [f"b.{metric}.{bound}", f"b.{metric} {bound.partition(' ')[2]}"]
    for rule in rules:
        found = judged(cell_of([*good], metric, scale=scale, judges=judges), rule)
        assert found.verdict == "inconclusive"
        assert ("1 judge rated" if len(judges) == 1 else "not validated") in found.reason
        assert judged(cell_of([*bad], metric, scale=scale, judges=judges), rule).verdict == "fail"
    allowed = judged(cell_of([*good], metric, scale=scale, judges=("a", "b")), rules[0], validated=True, why="a trial")
    assert (allowed.verdict, "which the rule does not require: a trial" in allowed.reason) == ("pass", True)


def test_never_events_that_judges_rated_pass_only_where_the_judges_are_validated() -> None:
    for judges, verdict in (((), "pass"), (("a", "b"), "inconclusive")):
        cell = cell_of([1.0] * 20, judges=judges)
        cell.columns.floors.update(dict.fromkeys(range(20), 1.0))
        found = judged(cell, "b.must_pass >= 1")
        assert found.verdict == verdict
        assert "0 of 20 happened, 0 could not be measured; up to 16.8 % of such cases could go wrong" in found.reason


@pytest.mark.parametrize(("found", "n", "low"), [(10, 1_000, 0.692), (3, 30, 0.292)])
def test_recall_at_one_has_the_interval_of_the_positives(found: int, n: int, low: float) -> None:
    cell = cell_of([1.0] * n, labels=[("y", "y")] * found + [("n", "n")] * (n - found))
    summary = cell.metrics["recall"]
    assert (summary["low"], summary["high"]) == pytest.approx((low, 1.0), abs=5e-4)
    assert (f"only {found} instances are 'y'" in summary["note"]) is (found < 10)
    macro = cell.metrics["macro_f1"]
    assert (macro["low"] is None) is (found < 10)
    if found < 10:
        assert macro["note"] == "no interval: a label needs 10 instances, 'y' has 3"
        assert judged(cell, "b.macro_f1.lower >= 0.1").verdict == "inconclusive"


def test_one_missing_answer_moves_label_metrics_by_no_more_than_it_can() -> None:
    """50 positive and 50 negative, all right, one negative missing: at worst one false alarm."""
    labels = [("y", "y")] * 50 + [("n", "n")] * 49 + [None]
    cell = cell_of([*[1.0] * 99, None], labels=labels, references=["y"] * 50 + ["n"] * 50)
    worst = {name: cell.metrics[name]["worst"] for name in ("recall", "precision", "f1")}
    assert worst == pytest.approx({"recall": 1.0, "precision": 50 / 51, "f1": 100 / 101})
    found = judged(cell, "b.precision.lower >= 0.85")
    assert found.verdict == "pass"
    assert found.basis is not None
    assert found.basis["low_with_missing"] == pytest.approx(exact(50, 51)[0])


def test_a_slice_on_the_page_is_the_slice_of_a_rule() -> None:
    scores: Scores = [1.0] * 30 + [0.0] * 10 + [1.0] * 10 + [0.0] * 10
    cell = cell_of(scores, parts=["a"] * 40 + ["b"] * 20, slices={"site": ["north", "south"] * 30})
    from pytest_medhelm.results.leaderboard.slices import slices_of

    shown = slices_of(cell.columns, cell.metadata)["site"]["values"]
    for site, value in shown.items():
        found = judged(cell, f"b[site={site}] >= 0.1")
        assert found.value == pytest.approx(value["value"])
    assert shown["north"]["value"] == pytest.approx((15 / 20 + 5 / 10) / 2)


def test_a_number_stands_on_its_side_of_the_threshold() -> None:
    """2,333 right of 3,334 are 0.69976, which is no 0.700 where 0.70 is demanded."""
    found = judged(cell_of([1.0] * 2_333 + [0.0] * 1_001), "b >= 0.7")
    assert (found.verdict, "has 0.6998 (" in found.sentence()) == ("fail", True)
    low = exact(2_333, 3_334)[0]
    close = judged(cell_of([1.0] * 2_333 + [0.0] * 1_001), f"b.lower >= {low + 1e-6:.7f}")
    assert close.verdict == "inconclusive"
    shown = float(close.sentence().partition("Clopper-Pearson ")[2].split()[0])
    assert shown < low + 1e-6
    assert float(close.meaning.partition("leave ")[2].split()[0]) < low + 1e-6


def test_missing_answers_never_bring_a_limit_in() -> None:
    """Graded answers that nobody gave are no more answers: 3 of 4 with 0.6, the others missing."""
    scores: Scores = [0.6, 0.55, 0.65, 0.6, 0.62, 0.58, 0.6, 0.61, 0.59, 0.6]
    whole, gone = cell_of(scores, parts=["a"] * 8 + ["b"] * 2), cell_of([*scores, None], parts=["a"] * 8 + ["b"] * 3)
    before, after = judged(whole, "b.lower >= 0.1").basis, judged(gone, "b.lower >= 0.1").basis
    assert before is not None
    assert after is not None
    assert (after["low"], after["high"]) == pytest.approx((before["low"], before["high"]))
    assert after["low_with_missing"] <= before["low"]
    assert after["high_with_missing"] >= before["high"]


def test_a_sub_task_in_which_the_rare_zero_was_not_drawn_keeps_room_for_it() -> None:
    """450 and 50 scores of 0.99 or 1, none 0: with 50, up to 1 - 0.025^(1/50) = 7.1 % could be, half of it counts."""
    cell = cell_of([0.99, 1.0] * 250, parts=["a"] * 450 + ["b"] * 50)
    found = judged(cell, "b.lower >= 0.9")
    assert found.low is not None
    assert found.low <= 0.995 - 0.995 * (1 - 0.025 ** (1 / 50)) / 2
    assert found.verdict == "pass"
    assert judged(cell, "b.lower >= 0.97").verdict == "inconclusive"
    page = cell.metrics["exact_match"]
    assert page["low"] <= 0.96


def test_five_sub_tasks_with_two_wrong_answers_are_not_worse_than_0_995() -> None:
    """2 wrong of 100 where 0.5 are expected: P(X >= 2 | n = 100, 0.005) = 9 %, no proof at 2.5 %."""
    scores: Scores = [*([0.0] + [1.0] * 19) * 2, *[1.0] * 60]
    found = judged(cell_of(scores, parts=[part for part in "abcde" for _ in range(20)]), "b.lower >= 0.995")
    assert found.verdict == "inconclusive"


def alternatives(cell: Any, *rules: str) -> GateResult:
    gate = gate_of(list(rules))
    demand = replace(gate.demands[0], alternatives=tuple(each.alternatives[0] for each in gate.demands))
    (found,) = judge(replace(gate, demands=(demand,)), Evidence([cell], selected={"b"}), ["m"])
    return found


def test_a_pass_by_one_alternative_has_its_numbers_and_no_pass_speaks_of_all() -> None:
    """60 right of 60: the lower limit at 0.0125, half of the level, is 0.0125^(1/60) = 0.930."""
    passed = alternatives(cell_of([1.0] * 60), "b.lower >= 0.99", "b.lower >= 0.9")
    assert (passed.verdict, passed.threshold, passed.rule) == ("pass", 0.9, "b.lower >= 0.99 or b.lower >= 0.9")
    assert passed.low == pytest.approx(0.0125 ** (1 / 60))
    assert passed.basis is not None
    assert (passed.basis["n"], passed.basis["alpha"]) == (60, 0.0125)
    open_ = alternatives(cell_of([1.0] * 60), "b.lower >= 0.99", "b.lower >= 0.95")
    assert open_.verdict == "inconclusive"
    assert "at least 0.99" in open_.meaning
    assert "at least 0.95" in open_.meaning


def test_only_a_limit_that_missing_data_move_is_said_to_be_moved() -> None:
    found = judged(
        cell_of([0.5, 0.6, 0.7, 0.4] * 10 + [None], clusters=list("abcdefghij") * 4 + ["a"]), "b.lower >= 0.1"
    )
    assert found.basis is not None
    moved = found.basis["low_with_missing"] != found.basis["low"]
    assert ("missing data could bring" in found.reason) is moved
