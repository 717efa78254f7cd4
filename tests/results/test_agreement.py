"""Statistics of agreement: published examples, reference implementations, properties, coverage of the intervals."""

from __future__ import annotations

import math
import warnings
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytest_medhelm.models.vendor import family
from pytest_medhelm.results.agreement.coefficients import alpha, kendall, spearman, weighted_kappa
from pytest_medhelm.results.agreement.components import components, mixed_icc
from pytest_medhelm.results.agreement.differences import differences
from pytest_medhelm.results.agreement.estimate import Estimate
from pytest_medhelm.results.agreement.icc import agreement, icc, one_way
from pytest_medhelm.results.agreement.interpretation import verbal, words_between
from pytest_medhelm.results.agreement.judges import biases, leave_one_out, orderings, self_preference
from pytest_medhelm.results.agreement.pairs import over_pairs
from pytest_medhelm.results.agreement.sample_size import answers_needed
from pytest_medhelm.results.agreement.table import COMPLETE, INCOMPLETE, NESTED, Table, design, standardised, table_of
from pytest_medhelm.results.stats.quantiles import f_quantile
from tests.support.nightly import NIGHTLY, examples, replications

GAP = math.nan
FORMS = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    """Nothing here may warn: neither numpy about a division nor anything else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def table(rows, raters=None) -> Table:
    scores = np.array(rows, dtype=float)
    names = raters or [f"R{number:02d}" for number in range(scores.shape[1])]
    return Table(scores, tuple(f"a{number:04d}" for number in range(len(scores))), tuple(names))


def columns(*scores) -> Table:
    return table(np.array(scores, dtype=float).T)


# Shrout and Fleiss, Psychol. Bull. 86 (1979), table 2: six targets, four judges
SHROUT_FLEISS = table([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])

# Krippendorff, Computing Krippendorff's alpha-reliability (2011), section C: four observers, twelve units
KRIPPENDORFF = columns(
    [1, 2, 3, 3, 2, 1, 4, 1, 2, GAP, GAP, GAP],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, GAP, 3],
    [GAP, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, GAP],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, GAP],
)


# Intraclass correlations


@pytest.mark.parametrize(
    ("form", "value", "low", "high"),
    [  # values: Shrout and Fleiss, table 4; intervals: pingouin 0.7.0, which has the same values
        ("ICC(1,1)", 0.17, -0.13, 0.72),
        ("ICC(2,1)", 0.29, 0.02, 0.76),
        ("ICC(3,1)", 0.71, 0.34, 0.95),
        ("ICC(1,k)", 0.44, -0.88, 0.91),
        ("ICC(2,k)", 0.62, 0.07, 0.93),
        ("ICC(3,k)", 0.91, 0.68, 0.99),
    ],
)
def test_the_example_of_shrout_and_fleiss(form, value, low, high):
    found = icc(SHROUT_FLEISS, form)
    assert found.value == pytest.approx(value, abs=0.005)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.0051)
    assert (found.n, found.raters) == (6, 4)


def test_limits_by_hand():
    # mean squares of the example: between 11.24167, residual 1.01944, within 6.26389; F quantiles from scipy
    low = (11.241667 / 1.019444) / stats.f.ppf(0.975, 5, 15)
    assert icc(SHROUT_FLEISS, "ICC(3,1)").low == pytest.approx((low - 1) / (low + 3), abs=1e-6)
    assert icc(SHROUT_FLEISS, "ICC(3,k)").low == pytest.approx(1 - 1 / low, abs=1e-6)
    high = (11.241667 / 6.263889) * stats.f.ppf(0.975, 18, 5)
    assert icc(SHROUT_FLEISS, "ICC(1,1)").high == pytest.approx((high - 1) / (high + 3), abs=1e-6)


@pytest.mark.parametrize("df", [(1, 1), (2, 30), (5, 18), (73, 1.7), (400, 900)])
def test_f_quantiles_agree_with_scipy(df):
    for probability in (0.025, 0.5, 0.975, 0.9999):
        assert f_quantile(probability, *df) == pytest.approx(stats.f.ppf(probability, *df), rel=1e-7)


def test_an_average_is_labelled_as_such():
    assert "average of the raters" in icc(SHROUT_FLEISS, "ICC(3,k)").note
    assert icc(SHROUT_FLEISS, "ICC(3,1)").note == ""


scores = st.lists(st.tuples(*[st.integers(1, 5)] * 3), min_size=3, max_size=12)


@given(scores)
@settings(max_examples=60, deadline=None)
def test_icc_lies_between_its_bounds_and_in_its_interval(rows):
    given_table = table(rows)
    for form in FORMS:
        found = icc(given_table, form)
        if found.value is None:
            assert found.note
            continue
        assert found.value <= 1 + 1e-9
        if form.endswith("1)"):
            assert found.value >= -1 / (2 - (3 / len(rows) if form == "ICC(2,1)" else 0)) - 1e-9
        if found.low is None:
            assert "interval" in found.note
        else:
            assert found.low <= found.value + 1e-9
            assert found.value <= found.high + 1e-9 <= 1 + 2e-9
    # a rater's level counts as disagreement in (2,1) only
    raised = table(given_table.scores + np.array([0, 0, 20]))
    one, same = icc(given_table, "ICC(2,1)").value, icc(given_table, "ICC(3,1)").value
    if one is not None and one > 0:
        assert icc(raised, "ICC(2,1)").value < one
        assert icc(raised, "ICC(3,1)").value == pytest.approx(same)


@given(scores, st.floats(0.1, 50), st.floats(-1000, 1000))
@settings(max_examples=60, deadline=None)
def test_icc_does_not_depend_on_the_unit(rows, factor, shift):
    for form in FORMS:
        first, second = icc(table(rows), form), icc(table(np.array(rows) * factor + shift), form)
        assert (first.value is None) == (second.value is None)
        assert first.value is None or second.value == pytest.approx(first.value, abs=1e-6)


@given(scores)
@settings(max_examples=examples(24), deadline=None)
def test_the_order_of_raters_and_answers_changes_nothing(rows):
    entries = [(f"a{row}", f"R{column}", value) for row, line in enumerate(rows) for column, value in enumerate(line)]
    ordered, turned = table_of(entries), table_of(entries[::-1])
    for statistic in (agreement, one_way, mixed_icc, lambda found: alpha(found, "ordinal", resamples=50)):
        assert statistic(ordered) == statistic(turned)
    renamed = table_of((answer, {"R0": "R2", "R2": "R0"}.get(rater, rater), value) for answer, rater, value in entries)
    for statistic in (agreement, one_way, mixed_icc):
        assert statistic(renamed).value == pytest.approx(statistic(ordered).value, abs=1e-5)
    assert over_pairs(renamed, spearman)[0].value == pytest.approx(over_pairs(ordered, spearman)[0].value)


# Incomplete designs


def test_the_design_is_recognised():
    assert design(SHROUT_FLEISS) == COMPLETE
    assert design(KRIPPENDORFF) == INCOMPLETE
    nested = table_of((f"a{number // 2}", f"R{number}", number % 3) for number in range(12))
    assert design(nested) == NESTED
    assert agreement(nested).name == "ICC(1,1)"
    assert agreement(SHROUT_FLEISS).name == agreement(KRIPPENDORFF).name == "ICC(2,1)"
    assert "mixed model" in agreement(KRIPPENDORFF).method


def test_one_way_with_equal_numbers_is_the_balanced_form():
    balanced, found = icc(SHROUT_FLEISS, "ICC(1,1)"), one_way(SHROUT_FLEISS)
    assert (found.value, found.low, found.high) == pytest.approx((balanced.value, balanced.low, balanced.high))


def test_one_way_with_unequal_numbers_by_hand():
    # answers (1, 3), (4, 5, 6), (8, 8): N 7, means 2, 5, 8; within 2 + 2 + 0 = 4 on 4 df; grand mean 5,
    # between 2 * 9 + 0 + 2 * 9 = 36 on 2 df; k0 = (7 - (4 + 9 + 4) / 7) / 2 = 16 / 7
    found = one_way(table([[1, 3, GAP], [4, 5, 6], [GAP, 8, 8]]))
    assert found.value == pytest.approx((18 - 1) / (18 + (16 / 7 - 1) * 1))
    assert "2.29 ratings an answer" in found.method
    with_single = one_way(table([[1, 3, GAP], [4, 5, 6], [GAP, 8, 8], [2, GAP, GAP]]))
    assert (with_single.n, "1 answer with a single rating" in with_single.note) == (4, True)


def test_the_mixed_model_is_the_analysis_of_variance_where_the_table_is_complete():
    # mean squares 11.24167, 32.48611, 1.01944: (11.242 - 1.019) / 4, (32.486 - 1.019) / 6, 1.019
    found = components(SHROUT_FLEISS)
    assert (found.answers, found.raters, found.rest) == pytest.approx((2.555556, 5.244444, 1.019444), abs=1e-4)
    assert mixed_icc(SHROUT_FLEISS).value == pytest.approx(icc(SHROUT_FLEISS, "ICC(2,1)").value, abs=1e-6)


def test_the_restricted_likelihood_equals_the_one_of_the_whole_matrix():
    """Against the textbook formula with an explicit covariance matrix, on an incomplete table."""
    found = components(KRIPPENDORFF)
    rated = np.argwhere(KRIPPENDORFF.rated())
    values = KRIPPENDORFF.scores[KRIPPENDORFF.rated()]

    def minus_twice(answers, raters, rest):
        same = rated[:, None] == rated[None]
        covariance = answers * same[..., 0] + raters * same[..., 1] + rest * np.eye(len(values))
        inverse = np.linalg.inv(covariance)
        mean = inverse.sum(axis=0) @ values / inverse.sum()
        left = values - mean
        return np.linalg.slogdet(covariance)[1] + math.log(inverse.sum()) + left @ inverse @ left

    best = minus_twice(found.answers, found.raters, found.rest)
    for factors in ((1.02, 1, 1), (0.98, 1, 1), (1, 1, 1.02), (1, 1, 0.98)):
        assert minus_twice(*np.multiply(factors, (found.answers, found.raters, found.rest))) > best
    assert minus_twice(found.answers, found.raters + 0.01, found.rest) > best
    # the end of the interval: 3.84 above the lowest, once the other variances have followed
    high = mixed_icc(KRIPPENDORFF).high
    shares = [(part, total) for part in np.linspace(0, 0.5, 41) for total in np.linspace(0.5, 12, 116)]
    profile = min(
        minus_twice(total * high, total * (1 - high) * part, total * (1 - high) * (1 - part)) for part, total in shares
    )
    assert profile - best == pytest.approx(3.8415, abs=0.02)


def test_pairs_are_listed_with_their_answers_and_weighted_by_them():
    rows = table([[1, 2, GAP], [2, 2, 3], [3, 4, 3], [4, 4, 5], [5, 4, GAP], [GAP, 1, GAP]])
    mean, pairs = over_pairs(rows, lambda pair: icc(pair, "ICC(2,1)"))
    assert [(pair.raters, pair.n) for pair in pairs] == [(("R00", "R01"), 5), (("R00", "R02"), 3), (("R01", "R02"), 3)]
    values = [pair.estimate.value for pair in pairs]
    assert mean.value == pytest.approx((5 * values[0] + 3 * values[1] + 3 * values[2]) / 11)
    assert mean.low is None
    assert mean.note == f"3 pairs, from {min(values):.2f} to {max(values):.2f}"
    few, _ = over_pairs(table([[1, 2, GAP], [2, 2, 3], [3, 4, GAP]]), lambda pair: icc(pair, "ICC(2,1)"))
    assert "2 pairs without a value" in few.note


# Differences


def test_the_peak_flow_meters_of_bland_and_altman():
    # Lancet 327 (1986), table 1 and section "Precision of estimated limits": 17 subjects, first readings;
    # mean difference -2.1 (-22.0 to 17.8), sd 38.8, limits -79.7 and 75.5 with 2 sd
    wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    found = differences(columns(wright, mini))
    assert found.mean.value == pytest.approx(-2.1, abs=0.05)
    assert found.sd == pytest.approx(38.8, abs=0.05)
    assert (found.mean.low, found.mean.high) == pytest.approx((-22.0, 17.8), abs=0.1)
    assert found.lower.value == pytest.approx(-2.1176 - 1.96 * 38.765, abs=0.01)
    # 1986: standard error of a limit sqrt(3 s^2 / n) = 16.3, from 1.96 squared rounded to 4
    error = 38.765 * math.sqrt(1 / 17 + 1.96**2 / (2 * 16))
    assert found.upper.high - found.upper.value == pytest.approx(stats.t.ppf(0.975, 16) * error, rel=1e-3)


def test_several_models_on_one_instance_widen_the_interval_of_the_mean():
    values = [1.0, 1.1, 1.0, 3.0, 3.1, 2.9, 0.2, 0.1, 0.3, 2.0, 2.1, 1.9]
    rows = columns(values, [0.0] * 12)
    alone = differences(rows).mean
    shared = differences(rows, [str(position // 3) for position in range(12)]).mean
    assert shared.value == alone.value
    # each cluster's three are nearly equal: the interval is that of the four means
    means = np.array(values).reshape(4, 3).mean(axis=1)
    half = stats.t.ppf(0.975, 3) * means.std(ddof=1) / 2
    assert shared.high - shared.value == pytest.approx(half, rel=1e-6)
    assert "4 clusters" in shared.method


# Weighted kappa


def test_weighted_kappa_by_hand():
    # a: 1 2 3 3, b: 1 2 2 4. Squared differences 0 0 1 1: observed 1/2. Expected over all 16 pairs: a = 1 gives
    # 0 1 1 9, a = 2 gives 1 0 0 4, a = 3 gives 4 1 1 1 twice: 11 + 5 + 14 = 30, 30 / 16. 1 - 0.5 / 1.875
    found = weighted_kappa(columns([1, 2, 3, 3], [1, 2, 2, 4]))
    assert found.value == pytest.approx(1 - 0.5 / 1.875)
    assert found.low <= found.value <= found.high


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=3, max_size=30))
@settings(max_examples=80, deadline=None)
def test_weighted_kappa_is_one_minus_observed_over_expected(pairs):
    found = weighted_kappa(table(pairs), resamples=20)
    first, second = np.array(pairs, float).T
    if found.value is None:
        assert "every answer" in found.note or "every score" in found.note
        return
    expected = ((first[:, None] - second) ** 2).mean()
    assert found.value == pytest.approx(1 - ((first - second) ** 2).mean() / expected)
    assert weighted_kappa(table([pair[::-1] for pair in pairs]), resamples=20).value == pytest.approx(found.value)


def test_weighted_kappa_wants_whole_numbers():
    rows = columns([1, 2.4, 3, 4], [1, 2, 3, 5])
    assert weighted_kappa(rows).value is None
    assert "whole numbers" in weighted_kappa(rows).note
    rounded = weighted_kappa(rows, rounded=True)
    assert rounded.value == weighted_kappa(columns([1, 2, 3, 4], [1, 2, 3, 5])).value
    assert "rounded" in rounded.note


# Krippendorff's alpha


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_the_example_of_krippendorff(level, value):
    found = alpha(KRIPPENDORFF, level)
    assert found.value == pytest.approx(value, abs=0.0005)
    assert found.low < value < found.high
    assert found.n == 11
    assert "1 answer with a single rating" in found.note


gappy = st.lists(st.tuples(*[st.sampled_from([1, 2, 3, 5, 8, GAP])] * 4), min_size=4, max_size=15)


@given(gappy)
@settings(max_examples=80, deadline=None)
def test_alpha_agrees_with_the_krippendorff_package(rows):
    reference = pytest.importorskip("krippendorff")
    for level in ("nominal", "ordinal", "interval"):
        found = alpha(table(rows), level, resamples=5)
        if found.value is not None:
            expected = reference.alpha(np.array(rows, float).T, level_of_measurement=level)
            assert found.value == pytest.approx(expected, abs=1e-9)


@given(gappy, st.permutations([1, 2, 3, 5, 8]))
@settings(max_examples=60, deadline=None)
def test_alpha_of_names_does_not_depend_on_the_names(rows, names):
    given_to = dict(zip([1, 2, 3, 5, 8], names, strict=True))
    renamed = [[given_to.get(value, GAP) for value in row] for row in rows]
    first, second = alpha(table(rows), "nominal", resamples=5), alpha(table(renamed), "nominal", resamples=5)
    assert (first.value is None) == (second.value is None)
    assert first.value is None or second.value == pytest.approx(first.value)
    # and of ranks only on the order
    squared, plain = (alpha(table(np.array(rows) ** power), "ordinal", resamples=5).value for power in (2, 1))
    assert squared == plain or squared == pytest.approx(plain)


# Rank correlations


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 9)), min_size=5, max_size=40))
@settings(max_examples=100, deadline=None)
def test_rank_correlations_agree_with_scipy(pairs):
    first, second = np.array(pairs).T
    rho, tau = spearman(table(pairs)), kendall(table(pairs))
    if rho.value is None:
        assert tau.value is None
        assert len(set(first)) == 1 or len(set(second)) == 1
        return
    assert rho.value == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-9)
    assert tau.value == pytest.approx(stats.kendalltau(first, second).statistic, abs=1e-9)
    if rho.low is not None:
        assert -1 <= rho.low <= rho.value <= rho.high <= 1


def test_the_interval_of_spearman_by_hand():
    # ten ranks with rho 0.6 or so: atanh(rho) +- 1.96 sqrt((1 + rho^2 / 2) / 7)
    rows = columns(range(10), [1, 0, 4, 2, 8, 3, 9, 5, 6, 7])
    found = spearman(rows)
    assert found.value == pytest.approx(1 - 6 * (1 + 1 + 4 + 1 + 16 + 4 + 9 + 4 + 4 + 4) / 990)
    half = 1.959964 * math.sqrt((1 + found.value**2 / 2) / 7)
    assert found.low == pytest.approx(math.tanh(math.atanh(found.value) - half), abs=1e-6)


# What cannot be computed is a sentence

STATISTICS = {
    "agreement": agreement,
    "one-way": one_way,
    "mixed": mixed_icc,
    "spearman": spearman,
    "kendall": kendall,
    "kappa": weighted_kappa,
    "alpha": lambda rows: alpha(rows, "ordinal"),
    **{form: lambda rows, form=form: icc(rows, form) for form in FORMS},
}
every_statistic = pytest.mark.parametrize("statistic", STATISTICS.values(), ids=STATISTICS)


@every_statistic
@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([4, 4, 4, 4], [4, 4, 4, 4], "every score is 4"),
        ([1, 2], [2, 3], "at least 3 are needed"),
        ([], [], "only 0 answers"),
    ],
)
def test_no_value_without_variation_or_answers(statistic, first, second, said):
    found = statistic(columns(first, second))
    assert (found.value, found.low, found.high) == (None, None, None)
    assert said in found.note


@every_statistic
def test_a_rater_with_constant_scores_gets_a_sentence(statistic):
    found = statistic(columns([1, 2, 3, 4, 5], [5, 5, 5, 5, 5]))
    if found.name.startswith("alpha"):
        assert found.value <= 0
    else:
        assert found.value is None
        assert "R01 gave 5 to every answer" in found.note


def test_raters_who_never_vary_but_differ():
    rows = columns([1, 1, 1], [1, 1, 1], [2, 2, 2])
    assert icc(rows, "ICC(3,1)").value is None
    assert "each rater gave every answer the same score" in icc(rows, "ICC(3,1)").note
    assert icc(rows, "ICC(2,1)").value == pytest.approx(0)
    assert icc(rows, "ICC(1,1)").value == pytest.approx(-1 / 2)
    assert icc(rows, "ICC(1,k)").value is None
    assert agreement(table([[1, 2], [2, 1], [1, 2]])).value < -0.5


def test_a_constant_rater_among_three_is_named():
    found = agreement(columns([1, 2, 3, 4, 5], [5, 5, 5, 5, 5], [1, 2, 3, 5, 5]))
    assert found.value is not None
    assert "R01 gave 5 to every answer" in found.note


@every_statistic
def test_identical_raters_have_the_value_one_and_no_interval(statistic):
    found = statistic(columns([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]))
    assert found.value == pytest.approx(1)
    assert (found.low, found.high) == (None, None)
    assert "no interval can be computed" in found.note


def test_raters_that_differ_by_their_level_alone():
    rows = columns([1, 2, 3, 4], [2, 3, 4, 5])
    assert icc(rows, "ICC(3,1)").value == pytest.approx(1)
    assert "nothing but their level" in icc(rows, "ICC(3,1)").note
    level = icc(rows, "ICC(2,1)")
    assert level.value < 1
    assert level.low <= level.value <= level.high
    assert differences(rows).mean.value == -1
    assert differences(rows).mean.low is None
    assert "all differences are equal" in differences(rows).mean.note


def test_a_single_rater_and_a_rating_given_twice():
    assert "two raters" in agreement(table([[1], [2], [3]])).note
    with pytest.raises(ValueError, match="rated an answer twice"):
        table_of([("a", "R", 1), ("a", "R", 2)])
    with pytest.raises(ValueError, match="no number"):
        table_of([("a", "R", math.nan)])
    with pytest.raises(ValueError, match="complete table"):
        icc(KRIPPENDORFF, "ICC(2,1)")
    for pairwise in (spearman, kendall, weighted_kappa, differences):
        with pytest.raises(ValueError, match="two raters"):
            pairwise(SHROUT_FLEISS)
    with pytest.raises(ValueError, match="where nothing varies"):
        components(table([[1, 1]] * 4))


@given(st.lists(st.tuples(*[st.sampled_from([1, 2, 5, GAP])] * 3), max_size=8))
@settings(max_examples=examples(80), deadline=None)
def test_never_a_nan_and_never_a_warning(rows):
    given_table = table(np.array(rows, float).reshape(-1, 3))
    found = [agreement(given_table), one_way(given_table), mixed_icc(given_table)]
    found += [alpha(given_table, level, resamples=20) for level in ("nominal", "ordinal", "interval")]
    found += [entry.bias for entry in biases(given_table)]
    found += [pair.estimate for pair in over_pairs(given_table, weighted_kappa)[1]]
    found += [over_pairs(given_table, spearman)[0]]
    for estimate in found:
        for number in (estimate.value, estimate.low, estimate.high):
            assert number is None or math.isfinite(number)
        assert estimate.value is not None or estimate.note


# Z-scores and words


def test_z_scores_by_hand():
    found = standardised(table([[1, 5, 2], [2, 5, GAP], [3, 5, GAP]])).scores
    assert found[:, 0] == pytest.approx([-1, 0, 1])
    assert found[:, 1] == pytest.approx([0, 0, 0])
    assert found[0, 2] == 0
    assert np.isnan(found[1:, 2]).all()


def test_words():
    assert [verbal(value) for value in (-0.2, 0.49, 0.5, 0.74, 0.75, 0.9, 1)] == [
        "poor", "poor", "moderate", "moderate", "good", "excellent", "excellent",
    ]  # fmt: skip
    assert [*words_between(0.1, 0.8)] == ["poor", "moderate", "good"]
    assert [*words_between(0.6, 0.7)] == ["moderate"]


# Single judges


def test_bias_and_spread_by_hand():
    found = biases(table([[1, 2, 3], [2, 4, GAP], [GAP, 3, 4], [GAP, GAP, 5]]))
    # R00: 1 - 2, 2 - 3; R02: 3 - 2, 4 - 3.5; the last answer has a single rating
    assert [entry.bias.value for entry in found] == pytest.approx([-1, (0 + 1 - 0.5) / 3, 0.75])
    assert [entry.bias.n for entry in found] == [2, 3, 2]
    assert found[2].spread == pytest.approx(1)
    assert biases(table([[1, GAP], [GAP, 2]]))[0].bias.value is None


def test_leaving_out_a_judge():
    found = leave_one_out(table([[1, 3, 5], [2, 3, 4], [5, GAP, 5]]))
    assert found.value == pytest.approx(3)
    assert found.without == pytest.approx({"R00": 3.75, "R01": 3.0, "R02": 2.25})
    assert (found.low, found.high, found.n) == (2.25, 3.75, 2)
    assert found.note == "1 answer without a score of every judge"
    assert leave_one_out(table([[1, GAP]])).value is None
    assert "cannot be left out" in leave_one_out(table([[1], [2]])).note


def test_one_judge_may_order_the_models_otherwise():
    judges = ("fair", "odd", "strict")
    means = {"a": (5, 1, 3), "b": (4, 2, 2.5), "c": (3, 3, 2), "d": (2, 4, 1)}
    full, found = orderings({model: table([row, row], judges) for model, row in means.items()})
    assert full == pytest.approx({"a": 3, "b": 8.5 / 3, "c": 8 / 3, "d": 7 / 3})
    assert {entry.judge: entry.spearman.value for entry in found} == pytest.approx({"fair": 1, "odd": -1, "strict": 1})
    assert found[1].kendall.value == pytest.approx(-1)
    _, two = orderings({model: table([means[model]] * 2, judges) for model in "ab"})
    assert two[0].spearman.value is None
    assert "2 models" in two[0].spearman.note


def test_self_preference_is_freed_of_general_harshness():
    generator = np.random.default_rng(3)
    tables, clusters = {}, {}
    for model in ("vllm/llama-3", "vllm/qwen2", "vllm/mistral-7b"):
        base = generator.normal(3, 1, (60, 1))
        rows = base + generator.normal(0, 0.3, (60, 3)) + np.array([-0.5, 0, 0])
        if "llama" in model:
            rows[:, 0] += 0.8
        tables[model] = table(rows, ("vllm/llama-3-70b", "gpt-4o", "claude-3"))
        clusters[model] = [str(number) for number in range(60)]
    families = {name: family(name) for name in (*tables, "vllm/llama-3-70b", "gpt-4o", "claude-3")}
    found = self_preference("vllm/llama-3-70b", tables, clusters, families)
    assert found.low < 0.8 < found.high
    assert found.low > 0.6
    assert found.n == 60
    none = self_preference("gpt-4o", tables, clusters, families)
    assert none.value is None
    assert "no answer of its own family" in none.note


def test_self_preference_by_hand():
    # own: 4 - 3, 5 - 3; others: 2 - 3, 3 - 3, twice two instances: 1.5 - (-0.5)
    tables = {"llama-a": table([[4, 3], [5, 3]], ("llama-b", "x")), "y": table([[2, 3], [3, 3]], ("llama-b", "x"))}
    families = {"llama-a": "llama", "llama-b": "llama", "y": "y", "x": "x"}
    found = self_preference("llama-b", tables, {"llama-a": ["1", "2"], "y": ["1", "2"]}, families)
    assert found.value == pytest.approx(2)
    assert found.low is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai_gpt-4o-mini-2024-07-18", "gpt"),
        ("openai/o3-mini", "gpt"),
        ("anthropic_claude-3-7-sonnet-20250219", "claude"),
        ("meta_llama-3.3-70b-instruct", "llama"),
        ("vllm/google/gemma-2-9b", "gemini"),
        ("local/smollm2-135m", "smollm"),
        ("ward/mixtral-8x7b", "mistral"),
        ("ward/meditron-70b", "llama"),
        ("vllm/7", "7"),
    ],
)
def test_families(name, expected):
    assert family(name) == expected


# Ratings needed


def test_answers_needed_by_hand():
    # expected 0.75, two raters, +-0.15, assurance 0.8: f = 0.25 * 1.75 = 0.4375, f' = -1.5,
    # a f = 0.857484; 4 w a b f |f'| = 0.6 * 1.959964 * 0.841621 * 0.65625 = 0.649507
    root = math.sqrt(0.857484**2 + 0.649507)
    assert answers_needed(0.75, 0.15) == math.ceil(1 + (0.857484 + root) ** 2 / (4 * 0.15**2)) == 47
    # without assurance it is the large-sample interval: 1 + 2 a^2 f^2 / (k (k - 1) w^2)
    assert answers_needed(0.75, 0.15, assurance=0.5) == math.ceil(1 + 0.857484**2 / 0.15**2) == 34
    assert answers_needed(0.6, 0.1, raters=3, assurance=0.5) == math.ceil(1 + (1.959964 * 0.4 * 2.2 / 0.1) ** 2 / 3)


@pytest.mark.parametrize(
    ("population", "needed"), [(120, 34), (150, 36), (1000, 45), (361, 42), (487, 43), (67, 28), (62, 27)]
)
def test_the_sizes_of_medhelms_validation_study(population, needed):
    """Published for expected ICC 0.75, assurance 0.8, width 0.3, corrected for the size of each benchmark."""
    assert answers_needed(0.75, 0.15, population=population) == needed


def test_the_promised_precision_is_reached_as_often_as_promised():
    expected, half_width, raters = 0.6, 0.12, 3
    n = answers_needed(expected, half_width, raters=raters, assurance=0.8)
    generator = np.random.default_rng(11)
    narrow, runs = 0, replications(400)
    for _ in range(runs):
        answers = math.sqrt(expected) * generator.normal(size=(n, 1))
        found = icc(table(answers + math.sqrt(1 - expected) * generator.normal(size=(n, raters))), "ICC(1,1)")
        narrow += (found.high - found.low) / 2 <= half_width
    assert 0.7 <= narrow / runs <= 0.95


@pytest.mark.parametrize(
    "wrong",
    [
        {"expected": 1.0},
        {"expected": -0.1},
        {"half_width": 0},
        {"half_width": 1},
        {"raters": 1},
        {"assurance": 0.4},
        {"population": 0},
    ],
)
def test_impossible_plans_are_refused(wrong):
    arguments = {"expected": 0.5, "half_width": 0.1} | wrong
    with pytest.raises(ValueError, match=r"takes|at least 1"):
        answers_needed(arguments.pop("expected"), arguments.pop("half_width"), **arguments)


# Coverage


def covered(statistic, truth: float, draw, repeats: int, seed: int = 7) -> float:
    generator = np.random.default_rng(seed)
    hits, repeats = 0, replications(repeats)
    for _ in range(repeats):
        found: Estimate = statistic(table(draw(generator)))
        hits += found.low <= truth <= found.high
    return hits / repeats


def crossed(n, raters, answer, rater, rest, missing=0.0):
    def draw(generator):
        rows = answer * generator.normal(size=(n, 1)) + rater * generator.normal(size=(1, raters))
        rows = rows + rest * generator.normal(size=(n, raters))
        rows[generator.random(rows.shape) < missing] = GAP
        return rows[~np.isnan(rows).all(axis=1)]

    return draw


def test_f_intervals_cover_the_truth():
    truth = 1 / (1 + 0.16 + 1)
    assert 0.925 <= covered(lambda rows: icc(rows, "ICC(2,1)"), truth, crossed(30, 4, 1, 0.4, 1), 400) <= 0.98
    assert 0.925 <= covered(lambda rows: icc(rows, "ICC(3,1)"), 0.5, crossed(30, 4, 1, 0.4, 1), 400) <= 0.98
    assert 0.91 <= covered(one_way, 0.5, crossed(40, 6, 1, 0, 1, 0.5), 400) <= 0.98


def test_the_profile_interval_covers_the_truth_in_an_incomplete_table():
    # as many ratings as in MedHELM's study: 74 answers, 17 raters, about two ratings each
    truth = 0.25 / (0.25 + 0.09 + 0.64)
    assert covered(mixed_icc, truth, crossed(74, 17, 0.5, 0.3, 0.8, 0.88), 200 if NIGHTLY else 20) >= 0.84


def test_bootstrap_intervals_cover_the_truth():
    # the concordance of two normal variables with correlation 0.6 on a rounded scale, from a large sample
    def draw(generator, n=80):
        shared = generator.normal(size=(n, 1))
        return np.clip(np.rint(3 + math.sqrt(0.6) * shared + math.sqrt(0.4) * generator.normal(size=(n, 2))), 1, 5)

    large = table(draw(np.random.default_rng(1), 200_000))
    centred = large.scores - large.scores.mean(axis=0)
    truth = 2 * (centred[:, 0] * centred[:, 1]).mean() / (centred**2).mean(axis=0).sum()
    assert 0.9 <= covered(lambda rows: weighted_kappa(rows, resamples=300), truth, draw, 150) <= 0.99
    assert 0.9 <= covered(lambda rows: alpha(rows, "interval", resamples=300), truth, draw, 150) <= 0.99


def test_results_are_the_same_every_time():
    rows = columns([1, 2, 3, 4, 5, 3], [2, 2, 3, 5, 4, 1])
    assert weighted_kappa(rows) == weighted_kappa(rows)
    values = {
        alpha(table(rows.scores[list(order)]), "nominal", resamples=2).value for order in permutations(range(6), 6)
    }
    assert max(values) - min(values) < 1e-12
