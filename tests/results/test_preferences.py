"""Pairwise preferences: strengths by Bradley and Terry, held against hand-worked values and an independent fit."""

from __future__ import annotations

from itertools import combinations
from math import exp, log, sqrt

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pytest_medhelm.results.agreement.preferences import Preference, assess_preferences
from pytest_medhelm.results.stats.bradley_terry import Choice, bradley_terry
from tests.support.nightly import covered_enough, replications


def chosen(first: int, second: int, ties: int = 0) -> list[Choice]:
    """So many choices between two models, each about an instance of its own."""
    shares = [1.0] * first + [0.0] * second + [0.5] * ties
    return [Choice(f"i{number}", "a", "b", share) for number, share in enumerate(shares)]


def test_two_models_are_a_binomial_share() -> None:
    """30 of 40: log odds ln 3 with the standard error sqrt(1/30 + 1/10); robust the same times sqrt(40/39)."""
    fitted = bradley_terry(chosen(30, 10))
    assert fitted is not None
    value, low, high = fitted.chance_over("a", "b")
    assert value == pytest.approx(0.75)
    reach = 2.0226909 * sqrt(1 / 30 + 1 / 10) * sqrt(40 / 39)  # t(0.975, 39) from a printed table
    assert low == pytest.approx(1 / (1 + exp(-(log(3) - reach))), abs=1e-6)
    assert high == pytest.approx(1 / (1 + exp(-(log(3) + reach))), abs=1e-6)
    assert fitted.chance_over("b", "a")[0] == pytest.approx(0.25)


def test_ties_count_half() -> None:
    fitted = bradley_terry(chosen(20, 10, ties=20))
    assert fitted is not None
    assert fitted.chance_over("a", "b")[0] == pytest.approx(0.6)
    alike = bradley_terry(chosen(0, 0, ties=20))
    assert alike is not None
    value, low, high = alike.chance_over("a", "b")
    assert value == pytest.approx(0.5)
    assert low is not None
    assert high is not None
    assert high - low > 0.4, "nothing but ties is no certainty"


def test_the_same_as_logistic_regression() -> None:
    random = np.random.default_rng(4)
    truth = {"a": 0.0, "b": 0.5, "c": 1.2, "d": -0.7}
    choices = [
        Choice(f"i{number}", *pair, float(random.random() < 1 / (1 + exp(truth[pair[1]] - truth[pair[0]]))))
        for number in range(60)
        for pair in combinations(truth, 2)
    ]
    fitted = bradley_terry(choices)
    assert fitted is not None
    names = list(truth)
    design = np.array([[(name == c.first) - (name == c.second) for name in names] for c in choices], dtype=float)
    other = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000)
    other.fit(design, [c.share for c in choices])
    expected = other.coef_[0] - other.coef_[0].mean()
    assert fitted.values == pytest.approx(expected, abs=1e-3)


def test_no_strength_without_limit() -> None:
    """A model that always wins has none; nor have two groups that never met."""
    assert bradley_terry(chosen(12, 0)) is None
    apart = [*chosen(5, 5), *(Choice(f"j{number}", "c", "d", number % 2) for number in range(10))]
    assert bradley_terry(apart) is None
    found = assess_preferences([Preference("ann", "x", f"i{n}", "a", "b", "first") for n in range(12)])
    assert found is not None
    assert (found["models"][0]["value"], found["models"][0]["preferred"]) == (None, 12)
    assert "never, or always, preferred" in found["note"]
    few = bradley_terry(chosen(3, 3))
    assert few is not None
    assert few.chance_over("a", "b")[1:] == (None, None), "six instances are too few for an interval"


def test_two_raters_of_one_instance_are_not_two_instances() -> None:
    """Each choice twice: the value stays, and the interval is that of the instances."""
    once, twice = bradley_terry(chosen(30, 10)), bradley_terry(chosen(30, 10) * 2)
    assert once is not None
    assert twice is not None
    assert twice.chance_over("a", "b") == pytest.approx(once.chance_over("a", "b"))


def test_intervals_hold_what_they_promise() -> None:
    random = np.random.default_rng(11)
    inside, count = 0, replications(400)
    for _ in range(count):
        better = random.random(40) < 0.65  # what an instance shows, both raters see
        choices = [Choice(f"i{number}", "a", "b", float(seen)) for number, seen in enumerate(better) for _ in range(2)]
        fitted = bradley_terry(choices)
        assert fitted is not None
        _, low, high = fitted.chance_over("a", "b")
        assert low is not None
        assert high is not None
        inside += low <= 0.65 <= high
    assert inside / count >= covered_enough(count)
