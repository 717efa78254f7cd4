"""Intervals: published and hand-worked values, honesty at the edges, coverage by sums and simulation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytest_medhelm.results.stats.intervals import Interval, mean_interval, share_bounds, standard_error, wilson
from pytest_medhelm.results.stats.quantiles import beta_quantile, student_t_quantile
from pytest_medhelm.results.stats.spread import bounds_of_share, error_of, interval_of
from tests.support.nightly import covered_enough, replications

Sample = tuple[list[float], list[str] | None, list[str] | None]


def interval(scores, scale=(0, 1), **more) -> Interval:
    found = mean_interval(scores, scale=scale, **more)
    assert found is not None
    return found


def shares(ones: int, n: int) -> list[float]:
    return [1.0] * ones + [0.0] * (n - ones)


# quantiles


@pytest.mark.parametrize("df", [1, 1.5, 2, 3, 7, 9.3, 29, 120, 5000, 1e6])
def test_student_quantiles_agree_with_scipy(df):
    for probability in (0.6, 0.9, 0.975, 0.995, 0.9999):
        assert student_t_quantile(probability, df) == pytest.approx(stats.t.ppf(probability, df), rel=1e-8)


def test_student_quantile_is_antisymmetric():
    assert student_t_quantile(0.5, 4) == 0
    assert student_t_quantile(0.025, 4) == pytest.approx(-2.776445, abs=1e-6)  # any printed table


@pytest.mark.parametrize("a", [0.01, 0.5, 1, 2.5, 24, 300])
@pytest.mark.parametrize("b", [1, 1.7, 40, 10_000])
def test_beta_quantiles_agree_with_scipy(a, b):
    for probability in (0.025, 0.3, 0.95):
        expected = stats.beta.ppf(probability, a, b)
        assert beta_quantile(probability, a, b) == pytest.approx(expected, rel=1e-8, abs=1e-12)


# Right or wrong without numpy


@given(
    right=st.lists(st.booleans(), min_size=1, max_size=400),
    scale=st.sampled_from([(0.0, 1.0), (1.0, 0.0), (1.0, 5.0), (-1.0, 1.0)]),
    sources=st.sampled_from(["none", "own", "blank"]),
    confidence=st.sampled_from([0.8, 0.95, 0.999]),
)
def test_plain_shares_are_what_the_general_way_gives(right, scale, sources, confidence):
    scores = [scale[one] for one in right]
    clusters = {"none": None, "own": [f"s{i}" for i in range(len(right))], "blank": [""] * len(right)}[sources]
    found = interval(scores, scale, clusters=clusters, confidence=confidence)
    low, high, method, note = interval_of(scores, scale, clusters, None, confidence, 5)
    ends = sorted(scale[0] + (scale[1] - scale[0]) * limit for limit in (low, high))
    assert (found.low, found.high) == pytest.approx(ends, abs=1e-12)
    assert (found.method, found.note) == (method, note)
    if len(scores) > 1:
        expected = error_of(scores, scale, clusters, None, 5)
        assert standard_error(scores, scale, clusters) == pytest.approx(expected, abs=1e-12)
    if scale == (0.0, 1.0):
        expected = bounds_of_share(scores, clusters, confidence, 5)
        assert share_bounds(scores, clusters, confidence) == pytest.approx(expected, abs=1e-12)


# Wilson


@pytest.mark.parametrize(
    ("ones", "n", "low", "high"),
    [  # Newcombe, Stat. Med. 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_reproduces_published_intervals(ones, n, low, high):
    assert wilson(ones, n) == pytest.approx((low, high), abs=0.00005)


def test_wilson_takes_an_effective_n_and_mirrors():
    low, high = wilson(30.25, 40.5)
    assert wilson(40.5 - 30.25, 40.5) == pytest.approx((1 - high, 1 - low))
    assert wilson(30, 40, 0.99)[0] < wilson(30, 40, 0.9)[0]


@pytest.mark.parametrize(("ones", "n"), [(1, 0), (-1, 5), (6, 5), (math.nan, 5)])
def test_wilson_refuses_what_is_no_share(ones, n):
    with pytest.raises(ValueError, match="wilson needs"):
        wilson(ones, n)


def test_a_confidence_in_percent_is_refused():
    with pytest.raises(ValueError, match=r"e\.g\. 0\.95"):
        mean_interval([0.0, 1.0], scale=(0, 1), confidence=95)


# binary and independent


def test_binary_scores_get_wilson():
    found = interval(shares(70, 100))
    assert (found.method, found.note) == ("Wilson", "")
    assert (found.low, found.high) == pytest.approx(wilson(70, 100))


def test_near_the_end_the_limit_is_the_exact_one():
    found = interval(shares(98, 100))
    assert found.method == "Wilson, exact near the end"
    assert found.low == pytest.approx(wilson(98, 100)[0])
    assert found.high == pytest.approx(stats.beta.ppf(0.975, 99, 2))  # Clopper-Pearson


def test_no_failure_seen_does_not_mean_none():
    found = interval([1.0] * 30)
    assert found.high == 1.0
    assert found.low == pytest.approx(30 / (30 + 1.959964**2), abs=1e-6)  # Wilson at x = n


def test_binary_scores_on_another_scale():
    low, high = wilson(70, 100)
    found = interval([5] * 70 + [1] * 30, scale=(1, 5))
    assert (found.low, found.high) == pytest.approx((1 + 4 * low, 1 + 4 * high))
    lower_is_better = interval([0] * 70 + [1] * 30, scale=(1, 0))
    assert (lower_is_better.low, lower_is_better.high) == pytest.approx((1 - high, 1 - low))


def exact_coverage(n: int, truths: np.ndarray) -> np.ndarray:
    """Probability that the interval of n scores holds each true share, by summing over all outcomes."""
    found = [interval(shares(ones, n)) for ones in range(n + 1)]
    low, high = np.array([i.low for i in found]), np.array([i.high for i in found])
    probability = stats.binom.pmf(np.arange(n + 1), n, truths[:, None])
    return (probability * ((low <= truths[:, None]) & (truths[:, None] <= high))).sum(axis=1)


@pytest.mark.parametrize("n", [30, 100, 500])
def test_bernoulli_coverage(n):
    assert (exact_coverage(n, np.array([0.5, 0.9, 0.98, 0.995])) >= 0.93).all()


@pytest.mark.parametrize("n", [1, 2, 5, 13, 17, 21, 31, 44, 100])
def test_bernoulli_coverage_at_every_true_share(n):
    assert exact_coverage(n, np.linspace(0.0005, 0.9995, 2000)).min() >= 0.93


# graded and independent


def test_graded_scores_in_the_middle_get_student_t():
    spread = interval([0.2, 0.8] * 10)  # mean 0.5, sum of squares 20 * 0.09, no skewness
    half = 2.093024 * math.sqrt(20 * 0.09 / 19 / 20)  # t with 19 degrees of freedom, printed table
    assert spread.method == "Student t"
    assert (spread.low, spread.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-5)


def test_student_t_leaves_room_for_failures_that_were_not_seen():
    found = interval([0.4, 0.6] * 10)
    # After 20 scores without a failure up to 16.8 % of them are possible: 0.025 ** (1 / 20) = 0.8316.
    assert found.method == "Student t"
    assert (found.low, found.high) == pytest.approx((0.5 * 0.8316, 1 - 0.5 * 0.8316), abs=1e-4)


@pytest.mark.parametrize(
    ("scores", "scale"),
    [
        ([5.0] * 40, (1, 5)),
        ([3.0] * 40, (1, 5)),
        ([4.9] * 39 + [5.0], (1, 5)),
        ([0.7], (0, 1)),
        ([0.7, 0.7], (0, 1)),
        ([1.0], (0, 1)),
        ([0.99] * 3, (1, 0)),
    ],
)
def test_never_zero_width_and_never_outside(scores, scale):
    found = interval(scores, scale)
    assert min(scale) <= found.low <= np.mean(scores) <= found.high <= max(scale)
    assert found.high - found.low > 0.01
    assert isinstance(found.low, float)
    assert type(found.high) is float


def test_equal_scores_leave_room_for_what_was_not_seen():
    # Paired differences that are all 0: after 100 of them up to 3.6 % may be +-1 (0.025 ** 0.01 = 0.9638).
    found = interval([0.0] * 100, scale=(-1, 1))
    assert found.method == "bounded mean"
    assert 0.036 <= found.high <= 0.038
    assert found.low == pytest.approx(-found.high)


def test_one_score_says_little_and_none_says_nothing():
    found = interval([0.5])
    assert found.low < 0.1 < 0.9 < found.high
    assert mean_interval([], scale=(0, 1)) is None


@pytest.mark.parametrize("score", [1.2, -0.1, math.nan, math.inf])
def test_a_score_off_its_scale_is_refused(score):
    with pytest.raises(ValueError, match="not on the scale"):
        mean_interval([0.5, score], scale=(0, 1))


def test_lengths_must_agree_and_a_scale_has_two_ends():
    with pytest.raises(ValueError, match="clusters must have one entry per score"):
        mean_interval([0.5], scale=(0, 1), clusters=["a", "b"])
    with pytest.raises(ValueError, match="strata must have one entry per score"):
        mean_interval([0.5], scale=(0, 1), strata=[])
    with pytest.raises(ValueError, match="two different ends"):
        mean_interval([0.5], scale=(1, 1))


# clusters


def test_clusters_of_one_change_nothing():
    scores = shares(60, 80)
    assert interval(scores, clusters=[f"p{i}" for i in range(80)]) == interval(scores)
    assert interval(scores, clusters=[""] * 80) == interval(scores)  # no known source


def test_copies_do_not_multiply_n():
    clusters = [f"p{i}" for i in range(40) for _ in range(5)]
    scores = [score for score in shares(24, 40) for _ in range(5)]
    found = interval(scores, clusters=clusters)
    # Leaving out one cluster at a time gives the variance 0.6 * 0.4 / 39, independent scores 0.6 * 0.4 / 199,
    # so n is worth 200 * 39 / 199 scores; t with 39 degrees of freedom is 2.022691.
    n = 200 * 39 / 199 * (1.959964 / 2.022691) ** 2
    assert found.low == pytest.approx(stats.beta.ppf(0.025, 0.6 * n, 0.4 * n + 1), abs=1e-6)
    assert found.high == pytest.approx(stats.beta.ppf(0.975, 0.6 * n + 1, 0.4 * n), abs=1e-6)
    assert found.method == "Wilson, exact near the end, 40 clusters"


def test_effective_n_is_never_above_n():
    scores = [1.0, 0.0] * 100  # every cluster has one of each: negative correlation
    clusters = [f"p{i // 2}" for i in range(200)]
    found = interval(scores, clusters=clusters)
    plain = interval(scores)
    assert found.low <= plain.low
    assert found.high >= plain.high


def test_all_equal_clustered_scores_count_as_clusters():
    clusters = [f"p{i // 10}" for i in range(200)]
    n = 20 * (1.959964 / 2.093024) ** 2  # 20 clusters, t with 19 degrees of freedom
    assert interval([1.0] * 200, clusters=clusters).low == pytest.approx(
        min(wilson(n, n)[0], stats.beta.ppf(0.025, n, 1)), abs=1e-6
    )
    one_failure = interval([0.0] + [1.0] * 199, clusters=clusters)
    assert one_failure.low < interval([1.0] * 200, clusters=clusters).low


def test_unequal_clusters_are_worth_fewer_degrees_of_freedom():
    clusters = ["large"] * 20 + [f"p{i}" for i in range(20)]
    worth = 40**2 / (20**2 + 20)  # Kish: 3.81 clusters of equal size
    n = 21 * (1.959964 / stats.t.ppf(0.975, worth - 1)) ** 2  # all equal: as many scores as clusters
    found = interval([1.0] * 40, clusters=clusters)
    assert found.low == pytest.approx(min(wilson(n, n)[0], stats.beta.ppf(0.025, n, 1)), abs=1e-6)


def test_graded_clusters_get_cluster_t():
    scores = [value for value in (0.3, 0.7) for _ in range(15 * 4)]
    clusters = [f"p{i // 4}" for i in range(120)]
    found = interval(scores, clusters=clusters)
    half = 2.045230 * 0.2 * math.sqrt(1 / 29)  # standard error of 30 cluster means, t with 29 degrees
    assert found.method == "cluster t, 30 clusters"
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), rel=0.01)


def test_too_few_clusters_are_noted():
    found = interval(shares(20, 28), clusters=[f"p{i % 7}" for i in range(28)])
    assert found.note == "too few clusters (7 of at least 10)"
    assert found.high - found.low > 0.3
    unequal = interval(shares(20, 100), clusters=["p0"] * 88 + [f"p{i}" for i in range(1, 13)])
    assert unequal.note == "too few clusters (13 of unequal size count as 1.3 of at least 10)"
    assert not interval(shares(20, 40), clusters=[f"p{i % 10}" for i in range(40)]).note


def test_a_single_cluster_tells_almost_nothing():
    found = interval(shares(30, 50), clusters=["p"] * 50)
    assert found.high - found.low > 0.9
    assert found.note == "too few clusters (1 of at least 10)"


# strata


def test_two_unequal_strata_worked_by_hand():
    scores = shares(810, 900) + shares(50, 100)
    found = interval(scores, strata=["a"] * 900 + ["b"] * 100)
    assert found.method == "stratified, 2 strata"
    assert (found.low + found.high) / 2 == pytest.approx(0.70)
    # Standard error sqrt(0.09 / 900 + 0.25 / 100) / 2 = 0.0255; Student's quantile adds 1 %.
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.0255, abs=0.0005)


def test_one_stratum_is_no_strata():
    assert interval(shares(7, 12), strata=["a"] * 12) == interval(shares(7, 12))


def test_strata_at_the_ceiling_keep_a_width():
    found = interval([1.0] * 60, strata=["a", "b", "c"] * 20)
    assert found.high == 1.0
    assert found.low < 0.97


def test_clusters_across_strata_widen_the_interval():
    rng = np.random.default_rng(3)
    scores = np.tile(rng.random(30).round(), 4).tolist()  # four conditions, the same answer in each
    strata = [f"c{i // 30}" for i in range(120)]
    clusters = [f"p{i % 30}" for i in range(120)]
    together, apart = interval(scores, strata=strata, clusters=clusters), interval(scores, strata=strata)
    assert together.high - together.low > 1.8 * (apart.high - apart.low)  # truly a factor of 2


def test_constant_strata_with_clusters_keep_a_width():
    found = interval(
        [1.0] * 40 + [0.0] * 40,
        strata=["a"] * 40 + ["b"] * 40,
        clusters=[f"p{i // 2}" for i in range(80)],
    )
    assert found.low < 0.45
    assert found.high > 0.55


def test_a_stratum_with_one_cluster_is_noted():
    found = interval(
        shares(50, 100) + shares(5, 10),
        strata=["a"] * 100 + ["b"] * 10,
        clusters=[f"p{i // 2}" for i in range(100)] + ["q"] * 10,
    )
    assert found.note == "too few clusters (1 of at least 10)"


# properties


@settings(max_examples=60, deadline=None)
@given(
    scores=st.lists(st.sampled_from([1.0, 1.5, 2.0, 3.3, 4.9, 5.0]), min_size=1, max_size=40),
    seed=st.integers(0, 1000),
    clustered=st.booleans(),
    stratified=st.booleans(),
)
def test_interval_holds_the_mean_whatever_the_order_and_direction(scores, seed, clustered, stratified):
    rng = np.random.default_rng(seed)
    clusters = [f"p{i}" for i in rng.integers(0, 9, len(scores))] if clustered else None
    strata = [f"s{i}" for i in rng.integers(0, 3, len(scores))] if stratified else None
    found = interval(scores, (1, 5), clusters=clusters, strata=strata)
    groups = [
        [score for score, label in zip(scores, strata or [""] * len(scores), strict=True) if label == name]
        for name in set(strata or [""])
    ]
    mean = float(np.mean([np.mean(group) for group in groups]))
    assert 1 <= found.low <= mean + 1e-12
    assert mean - 1e-12 <= found.high <= 5
    assert found.high - found.low > 1e-3
    order = rng.permutation(len(scores))
    shuffled = interval(
        [scores[i] for i in order],
        (5, 1),
        clusters=clusters and [clusters[i] for i in order],
        strata=strata and [strata[i] for i in order],
    )
    assert (shuffled.low, shuffled.high) == pytest.approx((found.low, found.high), abs=1e-9)


# coverage by simulation


RUNS = replications(1000)
ENOUGH = covered_enough(RUNS)


def coverage(draw: Callable[[np.random.Generator], Sample], truth: float, scale=(0, 1)) -> float:
    rng = np.random.default_rng(20240607)
    held = 0
    for _ in range(RUNS):
        scores, clusters, strata = draw(rng)
        found = interval(scores, scale, clusters=clusters, strata=strata)
        held += found.low <= truth <= found.high
    return held / RUNS


def jury(quality: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mean of nine ratings 1..5 of answers of the given quality 0..1."""
    return 1 + rng.binomial(4, quality[:, None], (quality.size, 9)).mean(axis=1)


@pytest.mark.parametrize("n", [30, 100, 500])
@pytest.mark.parametrize("mean", [0.9, 0.97])
def test_jury_coverage(n, mean):
    def draw(rng):
        return jury(rng.beta(8 * mean, 8 * (1 - mean), n), rng), None, None

    assert coverage(draw, 1 + 4 * mean, (1, 5)) >= ENOUGH


@pytest.mark.parametrize("n", [30, 100, 500])
@pytest.mark.parametrize("failing", [0.01, 0.03])
def test_coverage_with_rare_failed_answers(n, failing):
    """Good jury scores, and a few answers at the worst grade that a small sample may not hold at all."""

    def draw(rng):
        scores = jury(rng.beta(36, 4, n), rng)
        return np.where(rng.random(n) < failing, 1.0, scores), None, None

    assert coverage(draw, 4.6 * (1 - failing) + failing, (1, 5)) >= ENOUGH


@pytest.mark.parametrize("n", [30, 100, 500])
@pytest.mark.parametrize("other", [0.03, 0.10])
def test_ceiling_coverage(n, other):
    """Exactly 1 but for a share that is uniform."""

    def draw(rng):
        return np.where(rng.random(n) < other, rng.random(n), 1.0), None, None

    assert coverage(draw, 1 - other / 2) >= ENOUGH


@pytest.mark.parametrize("n", [30, 100, 500])
def test_overlap_coverage(n):
    assert coverage(lambda rng: (rng.beta(2, 8, n), None, None), 0.2) >= ENOUGH


def test_the_lower_limit_that_gates_use_is_right_for_skewed_scores():
    """One answer in five fails outright: 2.5 % of the lower limits may be too high, plain t has 3.6 %."""
    rng, runs = np.random.default_rng(7), replications(2000)
    samples = (np.where(rng.random(200) < 0.2, 0.0, 0.8 + 0.1 * rng.random(200)) for _ in range(runs))
    too_high = sum(interval(sample).low > 0.8 * 0.85 for sample in samples) / runs
    assert too_high <= 0.025 + 2 * math.sqrt(0.025 * 0.975 / runs)


@pytest.mark.parametrize("n", [30, 100, 500])
@pytest.mark.parametrize("worse", [0.0, 0.02])
def test_paired_difference_coverage(n, worse):
    def draw(rng):
        return rng.choice([-1.0, 0.0, 1.0], n, p=[worse, 0.9 - worse, 0.1]), None, None

    assert coverage(draw, 0.1 - worse, (-1, 1)) >= ENOUGH


def clusters_of(rng: np.random.Generator, number: int) -> tuple[np.ndarray, list[str]]:
    """Unequal sizes, six on average, and the name of each member's cluster."""
    sizes = 1 + rng.poisson(rng.gamma(1.5, 10 / 3, number))
    return sizes, np.repeat(np.arange(number), sizes).astype(str).tolist()


@pytest.mark.parametrize("number", [20, 50])
@pytest.mark.parametrize("mean", [0.5, 0.9, 0.98])
def test_clustered_binary_coverage(number, mean):
    """Intra-cluster correlation 0.3: beta with a + b = 0.7 / 0.3."""

    def draw(rng):
        sizes, names = clusters_of(rng, number)
        share = np.repeat(rng.beta(mean * 7 / 3, (1 - mean) * 7 / 3, number), sizes)
        return (rng.random(share.size) < share).astype(float), names, None

    assert coverage(draw, mean) >= ENOUGH


@pytest.mark.parametrize("number", [20, 50])
@pytest.mark.parametrize("mean", [0.3, 0.9])
def test_clustered_graded_coverage(number, mean):
    """Each score is beta(c q, c (1 - q)) about its cluster's q; with c = 3 and q as below, correlation 0.3.

    Var(q) = m (1 - m) / (k + 1) and E Var(score | q) = m (1 - m) k / ((k + 1) (c + 1)), so the correlation is
    (c + 1) / (c + 1 + k): k = 28 / 3 gives 0.3.
    """

    def draw(rng):
        sizes, names = clusters_of(rng, number)
        quality = np.repeat(rng.beta(mean * 28 / 3, (1 - mean) * 28 / 3, number), sizes).clip(1e-6, 1 - 1e-6)
        return rng.beta(3 * quality, 3 * (1 - quality)), names, None

    assert coverage(draw, mean) >= ENOUGH


@pytest.mark.parametrize(
    ("sizes", "means"),
    [
        ((900, 100), (0.9, 0.5)),
        ((500, 10), (0.9, 0.5)),
        ((5, 5), (0.5, 0.5)),
        ((30, 30), (0.995, 0.995)),
        ((200, 50, 20), (0.995, 0.9, 1.0)),
        ((20, 20, 20), (0.98, 0.98, 0.3)),
        (tuple(range(10, 38)), tuple(np.linspace(0.5, 0.99, 28))),
    ],
)
def test_stratified_coverage(sizes, means):
    truths, strata = np.repeat(means, sizes), np.repeat(np.arange(len(sizes)), sizes).astype(str).tolist()

    def draw(rng):
        return (rng.random(truths.size) < truths).astype(float), None, strata

    assert coverage(draw, float(np.mean(means))) >= ENOUGH


@pytest.mark.parametrize("sizes", [(30, 100), (12, 12, 12)])
def test_stratified_graded_coverage(sizes):
    strata = np.repeat(np.arange(len(sizes)), sizes).astype(str).tolist()

    def draw(rng):
        return np.concatenate([rng.beta(2 + h, 8, n) for h, n in enumerate(sizes)]), None, strata

    assert coverage(draw, float(np.mean([(2 + h) / (10 + h) for h in range(len(sizes))]))) >= ENOUGH


def test_coverage_of_clusters_that_cross_strata():
    """Twenty notes, each asked under six conditions, correlation 0.5."""
    strata, names = [f"c{i // 20}" for i in range(120)], [f"p{i % 20}" for i in range(120)]

    def draw(rng):
        return (rng.random(120) < np.tile(rng.beta(0.8, 0.2, 20), 6)).astype(float), names, strata

    assert coverage(draw, 0.8) >= ENOUGH
