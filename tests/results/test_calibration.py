"""Calibration and discrimination of confidences: oracles, worked examples, what chance gives, and properties."""

from __future__ import annotations

import math
from importlib import import_module
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytest_medhelm.results.stats import calibration, discrimination, losses, platt, reliability
from pytest_medhelm.results.stats.clusters import effect_of

Pairs = list[tuple[float, float]]
pairs = st.lists(
    st.tuples(st.sampled_from([step / 20 for step in range(21)]) | st.floats(0, 1), st.sampled_from([0.0, 1.0])),
    min_size=20,
    max_size=60,
)


def drawn(n: int, seed: int = 3, shift: float = 0.0, steps: int = 0) -> tuple[list[float], list[float]]:
    """Confidences, and answers that are right as often as they say, or by ``shift`` more; ties with ``steps``."""
    generator = np.random.default_rng(seed)
    says = generator.beta(3, 1.5, n)
    if steps:
        says = np.round(says * steps) / steps
    came = generator.random(n) < np.clip(says + shift, 0, 1)
    return says.tolist(), came.astype(float).tolist()


# Losses


def test_losses_by_hand() -> None:
    assert losses.brier(0.8, 1.0) == pytest.approx(0.04)
    assert losses.brier(0.8, 0.0) == pytest.approx(0.64)
    assert losses.log_loss(0.5, 1.0) == pytest.approx(math.log(2))
    assert losses.log_loss(1.0, 0.0) == pytest.approx(math.log(1000)) == losses.WORST_NLL


def test_losses_are_those_of_scikit_learn() -> None:
    metrics = import_module("sklearn.metrics")
    says, came = drawn(200)
    kept = np.clip(says, 0.001, 0.999)
    assert fmean(map(losses.brier, says, came)) == pytest.approx(metrics.brier_score_loss(came, says))
    assert fmean(map(losses.log_loss, says, came)) == pytest.approx(metrics.log_loss(came, kept))


# The calibration error


@pytest.mark.parametrize(("n", "steps"), [(7, 0), (30, 0), (100, 20), (999, 0), (1000, 10), (40, 1)])
@pytest.mark.parametrize("count", [1, 10])
def test_ece_is_that_of_uncertainty_calibration(n: int, steps: int, count: int) -> None:
    oracle = import_module("calibration.utils")
    says, came = drawn(n, steps=steps)
    expected = oracle.get_ece_em(says, np.array(came, dtype=int), num_bins=count)
    assert calibration.ece(says, came, count) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=30)
@given(pairs)
def test_ece_is_that_of_uncertainty_calibration_with_any_ties(found: Pairs) -> None:
    oracle = import_module("calibration.utils")
    says, came = map(list, zip(*found, strict=True))
    expected = oracle.plugin_ce(
        [part for part in oracle.bin(found, oracle.get_equal_bins(says, 10)) if len(part)], power=1
    )
    assert calibration.ece(says, came) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [60, 1000])
def test_debiased_ece_is_that_of_uncertainty_calibration(n: int) -> None:
    oracle = import_module("calibration.utils")
    says, came = drawn(n, shift=-0.15)
    np.random.seed(1)
    data = list(zip(says, came, strict=True))
    bins = oracle.bin(data, oracle.get_equal_bins(says, 10))
    expected = oracle.normal_debiased_ce(bins, power=1, resamples=5_000)
    assert calibration.debiased_ece(says, came) == pytest.approx(expected, abs=0.002)


def test_debiasing_needs_two_answers_a_bin() -> None:
    says, came = drawn(15)
    assert calibration.debiased_ece(says, came) is None
    assert calibration.debiased_ece(says, came, 1) is not None


@pytest.mark.parametrize(("n", "expected"), [(30, 0.20), (100, 0.11)])
def test_a_perfectly_calibrated_model_has_an_ece(n: int, expected: float) -> None:
    """Of answers that are right in three of four cases: sqrt(2 p (1 - p) / (pi n / 10))."""
    says = np.linspace(0.6, 0.9, n).tolist()
    mean, high = calibration.expected_by_chance(says)
    assert mean == pytest.approx(expected, abs=0.006)
    generator = np.random.default_rng(9)
    eces = [calibration.ece(says, (generator.random(n) < says).astype(float)) for _ in range(400)]
    assert mean == pytest.approx(fmean(eces), abs=0.01)
    assert fmean(found <= high for found in eces) == pytest.approx(0.95, abs=0.035)


def test_a_shift_lies_within_the_limits_and_chance_does_not_reach_it() -> None:
    says = [0.9] * 500 + [0.8] * 500
    came = [1.0, 0.0] * 500  # right in half of them: off by 0.35 on average
    low, high = calibration.ece_limits(says, came, None, 0.95)
    assert calibration.ece(says, came) == pytest.approx(0.35)
    assert low < 0.35 < high
    assert calibration.expected_by_chance(says)[1] < low


def test_equal_answers_of_one_source_count_once() -> None:
    says, came = drawn(60)
    once = calibration.ece_limits(says, came, None, 0.95)
    five = calibration.ece_limits(says * 5, came * 5, [str(place) for place in range(60)] * 5, 0.95)
    assert five[1] - five[0] >= 0.9 * (once[1] - once[0])
    assert effect_of(np.array(came * 5) - fmean(came), [str(place) for place in range(60)] * 5, 0.95)[0] > 4.9
    for limits in (discrimination.auroc_limits, discrimination.selective_limits):
        alone, repeated = limits(says, came, None, 0.95), limits(says * 5, came * 5, [*map(str, range(60))] * 5, 0.95)
        assert alone is not None
        assert repeated is not None
        assert repeated[1] - repeated[0] >= 0.95 * (alone[1] - alone[0])


# Discrimination


@pytest.mark.parametrize("steps", [0, 10, 1])
def test_auroc_is_that_of_scikit_learn(steps: int) -> None:
    metrics = import_module("sklearn.metrics")
    says, came = drawn(150, steps=steps)
    assert discrimination.auroc(says, came) == pytest.approx(metrics.roc_auc_score(came, says))


def test_auroc_needs_right_and_wrong_answers() -> None:
    assert discrimination.auroc([0.2, 0.9], [1.0, 1.0]) is None
    assert discrimination.auroc_limits([0.2, 0.9], [1.0, 1.0], None, 0.95) is None
    assert discrimination.auroc([0.9, 0.5, 0.5], [1.0, 1.0, 0.0]) == 0.75


def test_auroc_limits_end_where_the_value_is_as_far_off_as_its_own_error_allows() -> None:
    """Newcombe 2006, method 5, worked by hand for 20 right and 10 wrong answers that are all told apart."""
    says, came = [0.9] * 20 + [0.1] * 10, [1.0] * 20 + [0.0] * 10
    found = discrimination.auroc_limits(says, came, None, 0.95)
    assert found is not None
    low, high = found
    assert high == pytest.approx(1.0)
    terms = 1 + 14 * ((1 - low) / (2 - low) + low / (1 + low))
    assert 1 - low == pytest.approx(1.959964 * math.sqrt(low * (1 - low) * terms / 200), abs=1e-6)


def test_calibrated_is_not_discriminating() -> None:
    says, came = [0.8] * 500, ([1.0] * 4 + [0.0]) * 100
    assert calibration.ece(says, came) == pytest.approx(0.0)
    assert discrimination.auroc(says, came) == 0.5
    assert discrimination.selective_accuracy(says, came) == pytest.approx(0.8)


def test_selective_accuracy_by_hand() -> None:
    says, came = [0.9, 0.8, 0.8, 0.1], [1.0, 1.0, 0.0, 0.0]
    # One: 1; two: 1 and half of the pair; three: 2/3; all: 1/2.
    assert discrimination.selective_accuracy(says, came) == pytest.approx((1 + 0.75 + 2 / 3 + 0.5) / 4)
    assert discrimination.selective_curve(says, came, 4) == [
        (0.25, 1.0),
        (0.5, 0.75),
        (0.75, pytest.approx(2 / 3)),
        (1.0, 0.5),
    ]


def test_selective_accuracy_is_that_of_uncertainty_calibration() -> None:
    oracle = import_module("calibration.utils")
    says, came = drawn(120)
    assert discrimination.selective_accuracy(says, came) == pytest.approx(oracle.get_selective_stats(says, came)[0])


# The curve without bins


@settings(max_examples=30)
@given(pairs)
def test_the_curve_is_scikit_learns_isotonic_regression(found: Pairs) -> None:
    isotonic = import_module("sklearn.isotonic")
    says, came = map(list, zip(*found, strict=True))
    # As doubles: scikit-learn takes confidences apart by less than 1e-15 as one.
    says = [round(value, 6) for value in says]
    expected = isotonic.IsotonicRegression(y_min=0, y_max=1).fit(says, came).predict(says)
    steps = reliability.curve(says, came)
    fitted = [next(step.right for step in steps if step.low <= value <= step.high) for value in says]
    assert fitted == pytest.approx(expected.tolist(), abs=1e-9)
    assert sum(step.answers for step in steps) == len(says)


@settings(max_examples=30)
@given(pairs)
def test_the_three_parts_are_the_brier_score(found: Pairs) -> None:
    says, came = map(list, zip(*found, strict=True))
    parts = reliability.decomposition(says, came)
    whole = fmean(map(losses.brier, says, came))
    assert parts.miscalibration - parts.discrimination + parts.uncertainty == pytest.approx(whole, abs=1e-9)
    assert min(parts) >= 0
    base = fmean(came)
    assert parts.uncertainty == pytest.approx(base * (1 - base))


def test_the_parts_by_hand() -> None:
    """0.2 with 1 of 4 right, 0.8 with 1 of 2 right: recalibrated to 0.25 and 0.5."""
    parts = reliability.decomposition([0.2] * 4 + [0.8] * 2, [1, 0, 0, 0, 1, 0])
    assert parts.miscalibration == pytest.approx((4 * 0.05**2 + 2 * 0.3**2) / 6)
    assert parts.discrimination == pytest.approx((4 * (1 / 12) ** 2 + 2 * (1 / 6) ** 2) / 6)
    assert parts.uncertainty == pytest.approx(2 / 9)


def test_the_band_holds_the_curve_of_a_calibrated_model_and_not_of_another() -> None:
    says, came = drawn(400, seed=5)

    def outside(right: list[float]) -> float:
        band, steps = reliability.consistency_band(says), reliability.curve(says, right)
        found = []
        for value in says:
            point = min(band, key=lambda entry: abs(entry.confidence - value))
            share = next(step.right for step in steps if step.low <= value <= step.high)
            found.append(not point.low - 0.02 <= share <= point.high + 0.02)
        return fmean(found)

    assert outside(came) < 0.15
    assert outside(drawn(400, seed=5, shift=-0.3)[1]) > 0.5


def test_the_band_is_the_binomial_one_where_there_is_one_confidence() -> None:
    [point] = reliability.consistency_band([0.7] * 50)
    assert point.low == pytest.approx(stats.binom.ppf(0.025, 50, 0.7) / 50, abs=0.021)
    assert point.high == pytest.approx(stats.binom.ppf(0.975, 50, 0.7) / 50, abs=0.021)


# Rescaling


def test_the_rescaling_is_that_of_scikit_learn() -> None:
    module = import_module("sklearn.calibration")
    says, came = drawn(300, shift=-0.2)
    odds = np.log(np.clip(says, 0.001, 0.999) / (1 - np.clip(says, 0.001, 0.999)))
    oracle = module._SigmoidCalibration().fit(odds, np.array(came))
    found = platt.fit(says, came)
    assert (found.slope, found.intercept) == pytest.approx((-oracle.a_, -oracle.b_), abs=2e-3)


def test_rescaling_mends_what_is_too_sure_and_leaves_what_is_right() -> None:
    generator = np.random.default_rng(2)
    true = generator.uniform(0.2, 0.9, 2000)
    came = (generator.random(2000) < true).astype(float).tolist()
    odds = np.log(true / (1 - true))
    too_sure = (1 / (1 + np.exp(-3 * odds))).tolist()
    assert platt.fit(too_sure, came).slope == pytest.approx(1 / 3, abs=0.05)
    mended = platt.cross_fitted(too_sure, came)
    assert mended is not None
    before, after = (fmean(map(losses.brier, says, came)) for says in (too_sure, mended))
    assert after < before - 0.02
    assert after == pytest.approx(fmean(map(losses.brier, true.tolist(), came)), abs=0.003)


def test_no_answer_teaches_its_own_rescaling() -> None:
    """Confidences that are noise cannot be made to predict the very answers that they were fitted on."""
    generator = np.random.default_rng(4)
    says, came = generator.random(60).tolist(), ([1.0, 0.0] * 30)
    rescaled = platt.cross_fitted(says, came)
    assert rescaled is not None
    assert fmean(map(losses.brier, rescaled, came)) >= 0.245


def test_rescaling_keeps_sources_together_and_needs_answers_of_both_kinds() -> None:
    says, came = drawn(100)
    twice = platt.cross_fitted(says * 2, came * 2, [str(place) for place in range(100)] * 2)
    assert twice is not None
    assert twice[:100] == pytest.approx(twice[100:])
    assert platt.cross_fitted([0.9] * 50, [1.0] * 45 + [0.0] * 5) is None


@settings(max_examples=15, deadline=None)
@given(pairs)
def test_figures_stay_on_their_scales_and_are_the_same_twice(found: Pairs) -> None:
    says, came = map(list, zip(*found, strict=True))
    for limits, value in (
        (calibration.ece_limits(says, came, None, 0.95), calibration.ece(says, came)),
        (discrimination.auroc_limits(says, came, None, 0.95), discrimination.auroc(says, came)),
        (discrimination.selective_limits(says, came, None, 0.95), discrimination.selective_accuracy(says, came)),
    ):
        if limits is not None and value is not None:
            assert 0 <= limits[0] <= value + 1e-9
            assert value - 1e-9 <= limits[1] <= 1
    assert calibration.expected_by_chance(says) == calibration.expected_by_chance(says)
    assert reliability.consistency_band(says) == reliability.consistency_band(says)
    assert platt.cross_fitted(says, came) == platt.cross_fitted(says, came)
