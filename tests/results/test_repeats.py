"""What several answers to one question say: worked examples, and every subset counted."""

from __future__ import annotations

from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_medhelm.results.stats.repeats import majority_score, pass_at_k, pass_hat_k, worst_at_k

HALVES = st.lists(st.integers(-4, 4).map(lambda number: number / 2), min_size=1, max_size=7)


def test_two_right_of_five() -> None:
    assert pass_at_k(5, 2, 2) == pytest.approx(0.70)
    assert pass_hat_k(5, 2, 2) == pytest.approx(0.10)
    assert pass_at_k(5, 2, 1) == pass_hat_k(5, 2, 1) == pytest.approx(0.4)


def test_the_worst_of_two_of_three() -> None:
    # The worst of {0.2, 0.6}, {0.2, 1.0} and {0.6, 1.0}: (0.2 + 0.2 + 0.6) / 3.
    assert worst_at_k([0.2, 0.6, 1.0], 2) == pytest.approx(1 / 3)
    assert worst_at_k([0.2, 0.6, 1.0], 2, lower_is_better=True) == pytest.approx((0.6 + 1.0 + 1.0) / 3)


@given(HALVES, st.data())
def test_they_are_means_over_all_subsets(scores: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(scores)))
    subsets = list(combinations(scores, k))
    assert worst_at_k(scores, k) == pytest.approx(fmean(map(min, subsets)))
    assert worst_at_k(scores, k, lower_is_better=True) == pytest.approx(fmean(map(max, subsets)))
    right = [score > 0 for score in scores]
    drawn = list(combinations(right, k))
    assert pass_at_k(len(right), sum(right), k) == pytest.approx(fmean(map(any, drawn)))
    assert pass_hat_k(len(right), sum(right), k) == pytest.approx(fmean(map(all, drawn)))


@pytest.mark.parametrize(("n", "right", "k"), [(3, 1, 4), (3, 4, 2), (3, -1, 2), (3, 1, 0), (0, 0, 1)])
def test_more_than_there_are_cannot_be_drawn(n: int, right: int, k: int) -> None:
    for chance in (pass_at_k, pass_hat_k):
        with pytest.raises(ValueError, match="cannot be drawn"):
            chance(n, right, k)


def test_the_majority_of_answers_not_of_scores() -> None:
    # Three wrong answers that all differ are no majority against two equal right ones.
    assert majority_score(["A", "B", "C", "D", "D"], [0, 0, 0, 1, 1]) == 1
    # Of two that are equally frequent the first one counts.
    assert majority_score(["A", "A", "D", "D"], [0, 0, 1, 1]) == 0
    assert majority_score(["D", "A", "A", "D"], [1, 0, 0, 1]) == 1
    assert majority_score(["A", "A", "D"], [0, 0, 1]) == 0
