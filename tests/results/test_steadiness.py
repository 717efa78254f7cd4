"""What repeats and other words come to in a cell: worked examples, and a server that is right at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pytest_medhelm.results.leaderboard.answers import Answer, Answers, answer_of, status_of
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.confidence_column import Said, read_confidences
from pytest_medhelm.results.leaderboard.robustness import ABOVE_NOISE, add_variant_scores
from pytest_medhelm.results.leaderboard.score_measure import measure_of
from pytest_medhelm.results.leaderboard.steadiness import add_repeat_scores, needed_repeats
from pytest_medhelm.results.leaderboard.worst_slice import expected_worst, worst_slice
from pytest_medhelm.results.stats.repeats import pass_hat_k, worst_at_k
from tests.support.nightly import replications

METADATA: Any = {"sub_tasks": []}


def answers(scores: Sequence[float | None]) -> list[Answer]:
    """Right answers say A, wrong ones B."""
    return [Answer(score, None if score is None else "A" if score else "B") for score in scores]


def columns_of(
    rows: Sequence[tuple[Sequence[float | None], Sequence[float | None], Sequence[float | None]]],
    scale: tuple[float, float] = (0.0, 1.0),
) -> Columns:
    """A cell by instance: scores of the repeats, of the variants, of the noise floor."""
    names = [f"i{number}" for number in range(len(rows))]
    columns = Columns(
        size=len(names), main_metric="exact_match", ids=names, statuses=["ok"] * len(names), clusters=names,
        sub_tasks=[""] * len(names), scales={"exact_match": list(scale)},
        scores={"exact_match": [None if None in row[0] else float(np.mean(row[0])) for row in rows]},  # type: ignore[arg-type]
        answers=[
            Answers(answers(repeats), {f"v{n}": each for n, each in enumerate(answers(changed))}, answers(noise))
            for repeats, changed, noise in rows
        ],
    )  # fmt: skip
    return add_variant_scores(add_repeat_scores(columns))


def value(columns: Columns, metric: str) -> float | None:
    return measure_of(metric, columns, METADATA).value()


def test_variants_against_chance() -> None:
    # One instance: right, then wrong in one of two other wordings; unchanged, it stays right in both askings.
    found = columns_of([([1.0], [1.0, 0.0], [1.0, 1.0]), ([1.0], [1.0, 1.0], [1.0, 1.0])])
    assert value(found, "worst_case_helm") == 0.5
    assert value(found, "perturbed_flip_rate") == 0.25
    assert value(found, "mean_drop") == 0.25
    assert value(found, "excess_flip_rate") == 0.25
    assert value(found, "worst_case_drop") == 0.5
    assert value(found, "drop_v0") == 0.0
    assert value(found, "drop_v1") == 0.5


def test_where_lower_is_better_a_drop_is_still_worse() -> None:
    found = columns_of([([0.0], [1.0, 0.0], [0.0, 0.0])], scale=(1.0, 0.0))
    assert value(found, "mean_drop") == 0.5
    assert value(found, "worst_case_drop") == 1.0
    assert value(found, "worst_case_helm") == 0.0, "HELM takes the minimum also where lower is better"


def test_without_a_noise_floor_there_is_no_figure_above_it() -> None:
    found = columns_of([([1.0], [0.0], []), ([1.0], [1.0], [])])
    assert not {*ABOVE_NOISE} & found.scores.keys()
    assert value(found, "drop_v0") == 0.5


def test_instances_without_variants_are_left_out_and_lost_answers_are_missing() -> None:
    found = columns_of([([1.0], [0.0], [1.0]), ([1.0], [], []), ([1.0], [None], [1.0])])
    measure = measure_of("mean_drop", found, METADATA)
    assert (measure.n, measure.missing, measure.value()) == (1, 1, 1.0)
    assert measure.filled(()).value() == 1.0
    assert measure.filled(measure.gaps()).value() == 0.0


def test_chance_alone_shows_no_drop() -> None:
    """A harmless change on a server that is right in 80 of 100 cases at random: 95 % intervals hold 0."""
    rng, runs = np.random.default_rng(20), replications(1000)
    held = dict.fromkeys((*ABOVE_NOISE, "drop_v0"), 0)
    for _ in range(runs):
        draws = (rng.random((60, 13)) < 0.8).astype(float)
        found = columns_of([(row[:1], row[1:7], row[7:]) for row in draws.tolist()])
        for name in held:
            interval = measure_of(name, found, METADATA).interval(0.95)
            assert interval is not None
            held[name] += interval.low <= 0 <= interval.high
    assert {name: count for name, count in held.items() if count < 0.93 * runs} == {}
    # The bare worst case of eight says 0.17 of the same server.
    rows = [(row[:1], row[1:8], ()) for row in (rng.random((4000, 8)) < 0.8).astype(float).tolist()]
    assert value(columns_of(rows), "worst_case_helm") == pytest.approx(0.8**8, abs=0.03)


def test_harm_is_seen() -> None:
    rng = np.random.default_rng(3)
    steady = (rng.random((200, 7)) < 0.8).astype(float)
    broken = (rng.random((200, 6)) < 0.6).astype(float)
    rows = [(kept[:1], changed, kept[1:]) for kept, changed in zip(steady.tolist(), broken.tolist(), strict=True)]
    found = columns_of(rows)
    for name in ABOVE_NOISE:
        interval = measure_of(name, found, METADATA).interval(0.95)
        assert interval is not None
        assert interval.low > 0, name
    assert value(found, "mean_drop") == pytest.approx(0.2, abs=0.05)


def test_graded_scores_have_no_pass() -> None:
    found = columns_of([([0.2, 0.6, 1.0], [], [])])
    assert value(found, "worst_at_2") == pytest.approx(1 / 3)
    assert value(found, "within_variance") == pytest.approx(0.16)
    assert not [name for name in found.scores if name.startswith(("pass_", "majority"))]


def test_what_is_lost_is_no_flip_and_no_disagreement() -> None:
    """Instances of which an answer is missing would be known only where the others differ already."""
    rows = [[1.0, 0.0, None], [1.0, 1.0, None], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    assert columns_of([(row, [], []) for row in rows]).scores["flip_rate"] == [None, None, 1.0, 0.0]
    lost = Said("", None, "", None, "", "request_error")
    groups = [[Said("", None, "", 1.0, "A", "ok")] * 2 + [last] for last in (lost, Said("", None, "", 0.0, "B", "ok"))]
    column = read_confidences(groups)["agreement"]
    assert [confidence for confidence, _ in column.entries] == [None, pytest.approx(2 / 3)]
    assert column.reasons == {"an answer was lost": 1}


def test_any_number_of_answers() -> None:
    assert worst_at_k([0.0, 1.0] * 1500, 2) == pytest.approx(0.25, abs=1e-3)
    assert pass_hat_k(3000, 1500, 2) == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize(
    ("metric", "needed"),
    [
        ("pass_hat_3", 3),
        ("pass_at_12", 12),
        ("worst_at_2", 2),
        ("flip_rate", 2),
        ("exact_match", 1),
        ("pass_hat_03", 1),
    ],
)
def test_how_many_answers_a_metric_needs(metric: str, needed: int) -> None:
    assert needed_repeats(metric) == needed


def record(**fields: Any) -> Any:
    plain = {"status": "ok", "scores": {"exact_match": 1.0}, "main_metric": "exact_match", "absent": {}, "label": None}
    return {**plain, **fields}


def test_what_an_answer_says() -> None:
    assert answer_of(record(read="B")) == (1.0, "B")
    assert answer_of(record(read="B", answer="D")) == (1.0, "D")
    assert answer_of(record(label=["yes", "no"], scores={})) == (0.0, "no")
    assert answer_of(record(status="unparsed", scores={"exact_match": 0.0}, read="")) == (0.0, "")
    assert answer_of(record(status="request_error", scores={})) == (None, None)
    assert answer_of(record()) == (1.0, "=1")


def test_the_status_of_an_instance() -> None:
    assert status_of([record(), record(status="refused"), record()]) == "ok"
    assert status_of([record(), record(status="refused"), record(status="refused")]) == "refused"
    assert status_of([record(), record(), record(status="request_error")]) == "request_error"


def test_the_worst_of_twenty_slices() -> None:
    assert expected_worst(0.8, [30] * 20) == pytest.approx(0.66, abs=0.005)
    rng = np.random.default_rng(1)
    assert expected_worst(0.5, [10, 40]) == pytest.approx(
        np.minimum(rng.binomial(10, 0.5, 100_000) / 10, rng.binomial(40, 0.5, 100_000) / 40).mean(), abs=0.003
    )


def test_all_slices_share_the_level() -> None:
    rng, missed, runs = np.random.default_rng(2), 0, replications(400) // 2
    for _ in range(runs):
        rows = [([score], [], []) for score in (rng.random(600) < 0.8).astype(float).tolist()]
        columns = columns_of(rows)
        columns.slices = {"ward": [f"w{place % 20}" for place in range(600)]}
        found = worst_slice(columns, METADATA)
        assert found is not None
        assert (found["slices"], found["n"]) == (20, 30)
        missed += not found["low"] <= 0.8 <= found["high"]
    assert missed <= 0.05 * runs
