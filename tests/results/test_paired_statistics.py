"""Paired differences: published limits, an independent formula, hand-worked tests, coverage."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from pytest_medhelm.results.stats.paired import holm, mcnemar, paired_interval, paired_mean, paired_p, tango_limits
from tests.support.nightly import NIGHTLY, covered_enough, replications

Z = NormalDist().inv_cdf(0.975)


def signs(better: int, worse: int, n: int) -> list[float]:
    return [1.0] * better + [-1.0] * worse + [0.0] * (n - better - worse)


def test_tango_published() -> None:
    """Airway reactivity before and after transplantation, Fagerland, Lydersen and Laake (Stat. Med. 33, 2014)."""
    assert tango_limits(1, 7, 21, Z) == pytest.approx((-0.517, -0.026), abs=0.0005)


@pytest.mark.parametrize(("better", "worse", "n"), [(12, 2, 50), (6, 16, 161), (40, 20, 160), (3, 1, 44), (9, 0, 10)])
def test_tango_is_a_root_of_the_published_quartic(better: int, worse: int, n: int) -> None:
    """Squared, the equation is a polynomial (Yang, Sun and Hardin, Stat. Med. 32, 2013)."""
    g, gap, changes = Z * Z, better - worse, better + worse
    polynomial = [
        n**2 * (n / g + 1) ** 2,
        -n * gap * (n / g + 1) * (4 * n / g + 1),
        2 * n * gap**2 * (3 * n / g + 2) / g - n**2 * (changes / g + 1),
        n * gap * (2 * changes / g + 1) - gap**3 * (4 * n / g + 1) / g,
        gap**2 * (gap**2 / g - changes) / g,
    ]
    roots = [float(root.real) for root in np.roots(polynomial) if abs(root.imag) < 1e-9]
    for limit in tango_limits(better, worse, n, Z):
        assert min(abs(limit - root) for root in roots) < 1e-7


def test_tango_of_identical_answers_and_at_the_ends() -> None:
    low, high = tango_limits(0, 0, 100, NormalDist().inv_cdf(0.95))
    assert (low, high) == pytest.approx((-0.0263, 0.0263), abs=0.00005)
    assert tango_limits(5, 0, 5, Z)[1] == 1.0
    assert tango_limits(0, 5, 5, Z)[0] == -1.0
    with pytest.raises(ValueError, match="not 3 and 3 of 5"):
        tango_limits(3, 3, 5, Z)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 100))
def test_tango_holds_the_difference_and_mirrors(better: int, worse: int, more: int) -> None:
    n = better + worse + more
    low, high = tango_limits(better, worse, n, Z)
    assert -1 <= low <= (better - worse) / n <= high <= 1
    assert low < high
    assert tango_limits(worse, better, n, Z) == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (1, 0), (5, 0), (6, 0), (2, 9), (30, 12)])
def test_mcnemar_is_the_binomial_test_of_the_changes(better: int, worse: int) -> None:
    expected = binomtest(better, better + worse).pvalue if better + worse else 1.0
    assert mcnemar(better, worse) == pytest.approx(expected)


def test_holm_by_hand() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1; none may fall below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.9]) == [1.0, 1.0]


def test_sub_runs_count_alike_whatever_their_size() -> None:
    differences, strata = [1.0] * 9 + [0.0] * 91 + [-1.0, 0.0] * 5, [0] * 100 + [1] * 10
    assert paired_mean(differences) == pytest.approx(4 / 110)
    assert paired_mean(differences, strata) == pytest.approx((0.09 - 0.5) / 2)
    found = paired_interval(differences, None, span=1.0, strata=strata)
    assert found is not None
    # half the root of the squared distances of Tango's limits in each
    parts = [(0.09, tango_limits(9, 0, 100, Z)), (-0.5, tango_limits(0, 5, 10, Z))]
    low = -0.205 - math.hypot(*(mean - limits[0] for mean, limits in parts)) / 2
    high = -0.205 + math.hypot(*(limits[1] - mean for mean, limits in parts)) / 2
    assert (found.low, found.high) == pytest.approx((low, high))


def test_one_sub_run_is_none() -> None:
    differences = signs(7, 2, 60)
    assert paired_interval(differences, None, span=1.0, strata=[3] * 60) == paired_interval(differences, None, span=1.0)


def test_clusters_widen_and_graded_scores_have_their_own_interval() -> None:
    rng = np.random.default_rng(1)
    effects = np.repeat(rng.normal(0.03, 0.1, 40), 5)
    graded = np.clip(effects + rng.normal(0, 0.02, 200), -1, 1).tolist()
    clusters = [number // 5 for number in range(200)]
    alone, together = (paired_interval(graded, groups, span=1.0) for groups in (None, clusters))
    assert alone is not None
    assert together is not None
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    assert "40 clusters" in together.method
    same = paired_interval([0.0] * 50, clusters[:50], span=1.0)
    assert same is not None
    assert same.low < -0.05 < 0 < 0.05 < same.high, "ten clusters of equal answers show little"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1, 1).map(lambda value: round(value, 2)), min_size=2, max_size=40))
def test_p_is_below_what_the_interval_leaves_out(differences: list[float]) -> None:
    """Graded scores: p < 0.05 exactly where the 95 % interval leaves 0 out."""
    interval = paired_interval(differences, None, span=2.0)
    p = paired_p(differences, None, span=2.0)
    assert interval is not None
    assert p is not None
    assert 0 < p <= 1
    if abs(p - 0.05) > 0.001:
        assert (p < 0.05) == (not interval.low <= 0 <= interval.high)


@pytest.mark.parametrize("strata", [None, 3])
@pytest.mark.parametrize("share", [0.02, 0.2])
def test_the_interval_covers(strata: int | None, share: float) -> None:
    """The first is worse by a third of the share of instances on which the two differ."""
    rng = np.random.default_rng(5)
    covered, runs = 0, replications(600)
    groups = None if strata is None else [number % strata for number in range(150)]
    for _ in range(runs):
        drawn = rng.choice([1.0, -1.0, 0.0], 150, p=[share / 3, 2 * share / 3, 1 - share])
        found = paired_interval(drawn.tolist(), None, span=1.0, strata=groups)
        assert found is not None
        covered += found.low <= -share / 3 <= found.high
    assert covered / runs >= covered_enough(runs)


def test_equal_models_seldom_differ() -> None:
    """McNemar and the graded p both keep 5 %, and Holm keeps it over 20 benchmarks."""
    rng = np.random.default_rng(8)
    false, runs = 0, 150 if NIGHTLY else 60
    for _ in range(runs):
        found = []
        for number in range(20):
            if number % 2:
                differences = rng.choice([1.0, -1.0, 0.0], 60, p=[0.1, 0.1, 0.8]).tolist()
            else:
                differences = np.clip(rng.normal(0, 0.1, 60), -1, 1).tolist()
            found.append(paired_p(differences, None, span=1.0))
        false += min(holm([p for p in found if p is not None])) < 0.05
    assert false / runs <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)
