"""Gates keep their promise: a part of the simulation ``python -m perf.gates``, and power as promised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, t

from perf.gates import ALPHAS, Scenario, binary, clustered, error_rate, power_gap, scenarios, share_of, ties, tolerated
from pytest_medhelm.gates.power import needed, power_of
from pytest_medhelm.results.stats.exact_limits import mean_limits, share_limits
from pytest_medhelm.results.stats.paired import paired_interval
from pytest_medhelm.results.stats.paired_limits import difference_limits
from tests.support.nightly import replications

RUNS = replications(2_000)
CHECKED = [(n, scenario) for n in (100, 500) for scenario in scenarios(n) if scenario.name.startswith("binary")]


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(("n", "scenario"), CHECKED, ids=[f"{n}-{scenario.name}" for n, scenario in CHECKED])
def test_a_truly_worse_model_passes_no_more_often_than_alpha(n: int, scenario: Scenario, alpha: float) -> None:
    assert error_rate(scenario, alpha, RUNS) <= tolerated(alpha, RUNS)


def test_few_losses_in_clusters_do_not_pass_as_unclustered() -> None:
    scenario = Scenario("few", -0.05, clustered(500, 0.5, 0.05, 0.05))
    assert error_rate(scenario, 0.05, RUNS) <= tolerated(0.05, RUNS)


def test_graded_scores_that_nearly_all_tie() -> None:
    scenario = Scenario("ties", -0.05, ties(100, 0.2, 0.05))
    assert error_rate(scenario, 0.025, RUNS) <= tolerated(0.025, RUNS)


def test_a_lower_bound_of_a_share() -> None:
    scenario = Scenario("share", 0.9, share_of(100, 0.9), against=False)
    assert error_rate(scenario, 0.025, RUNS) <= tolerated(0.025, RUNS)


def test_a_lower_bound_of_a_share_is_exact() -> None:
    """Clopper and Pearson: P(X >= 90 | n = 100, low) = P(X <= 90 | n = 100, high) = alpha."""
    low, high = share_limits([1.0] * 90 + [0.0] * 10, None, 0.05)
    assert binom.sf(89, 100, low) == pytest.approx(0.05)
    assert binom.cdf(90, 100, high) == pytest.approx(0.05)


def test_the_limit_of_a_share_passes_no_more_often_than_alpha_by_exact_sums() -> None:
    for true in (0.5, 0.8, 0.9, 0.95, 0.99):
        passing = [k for k in range(101) if share_limits([1.0] * k + [0.0] * (100 - k), None, 0.05)[0] >= true]
        assert sum(binom.pmf(k, 100, true) for k in passing) <= 0.05


def test_sub_runs_pass_no_more_often_than_alpha_by_exact_sums() -> None:
    n, true = 250, 0.98
    likely = [right for right in range(n + 1) if binom.pmf(right, n, true) > 1e-9]
    limits = {
        (one, two): mean_limits(
            [1.0] * one + [0.0] * (n - one) + [1.0] * two + [0.0] * (n - two),
            list(map(str, range(2 * n))), [0] * n + [1] * n, 0.05,
        )[0]
        for one in likely for two in likely if one <= two
    }  # fmt: skip
    chance = {right: binom.pmf(right, n, true) for right in likely}
    passed = sum(
        chance[one] * chance[two] for one in likely for two in likely if limits[min(one, two), max(one, two)] >= true
    )
    assert 0.02 < passed <= 0.05


def test_the_limits_of_one_sub_run_are_those_of_the_share() -> None:
    right = [1.0] * 90 + [0.0] * 10
    names = list(map(str, range(100)))
    assert mean_limits(right, names, [3] * 100, 0.025) == pytest.approx(share_limits(right, names, 0.025))


def test_ties_widen_the_limit_of_a_gate_only() -> None:
    differences = [0.0] * 440 + [-0.4, 0.4, -0.2, 0.2] * 15
    ordinary = paired_interval(differences, None, span=1.0)
    assert ordinary is not None
    assert ordinary.method == "Student t"
    limits = difference_limits(differences, None, None, span=1.0, alpha=0.025)
    low, high = limits.low, limits.high
    assert low / ordinary.low == pytest.approx(t.ppf(0.975, 59) / t.ppf(0.975, 499))
    assert high == pytest.approx(-low)


def test_sub_runs_weigh_the_same_and_do_not_add_their_distance() -> None:
    """One sub-task all better, one all worse: no spread within either, so the limits are as for no difference."""
    differences, strata = [0.5] * 90 + [-0.5] * 10, [0] * 90 + [1] * 10
    limits = difference_limits(differences, None, strata, span=1.0, alpha=0.025)
    low, high = limits.low, limits.high
    assert low < 0 < high
    assert low + high == pytest.approx(0, abs=0.3)
    plain = difference_limits(differences, None, None, span=1.0, alpha=0.025)
    assert plain.low > 0, "without sub-tasks the larger one decides"


def test_the_simulation_notices_a_rule_that_passes_too_much() -> None:
    harmless = Scenario("equal models, judged as if worse", -0.05, binary(500, 0.2, 0.0))
    assert error_rate(harmless, 0.05, RUNS) > tolerated(0.05, RUNS)


@pytest.mark.parametrize(
    ("n", "margin", "discordance"),
    # Where few instances differ normal theory promises 94 %, 52 %, 89 % for the last three.
    [(500, 0.05, 0.2), (40, 0.1, 0.2), (100, 0.05, 0.02), (100, 0.02, 0.01), (500, 0.02, 0.02)],
)
def test_power_is_as_promised(n: int, margin: float, discordance: float) -> None:
    promised, found = power_gap(n, margin, discordance, 0.025, RUNS)
    assert found == pytest.approx(promised, abs=max(0.03, 1.5 / RUNS**0.5))


def test_the_power_of_identical_models_is_whether_the_limit_reaches_the_margin() -> None:
    # 0.05^(1/100) - 1 = -0.0295 on 100 instances at alpha 0.05.
    assert power_of(0.02, 100, discordance=0, alpha=0.05) == 0
    assert power_of(0.03, 100, discordance=0, alpha=0.05) == 1
    # Tango at alpha 0.025 (1 - 12 / n): z^2 / (n + z^2) is 0.02 on 194; the exact limit alone would take 183.
    assert needed(0.02, discordance=0, alpha=0.025) == 194


@given(st.integers(1, 400), st.floats(0.005, 0.5), st.floats(0, 1), st.sampled_from([0.01, 0.025, 0.05]))
def test_power_is_a_chance_and_grows_with_the_margin(n: int, margin: float, discordance: float, alpha: float) -> None:
    little, much = (power_of(size, n, discordance=discordance, alpha=alpha) for size in (margin, 2 * margin))
    assert 0 <= little <= much + 1e-9
    assert much <= 1 + 1e-9


@pytest.mark.parametrize(("margin", "discordance"), [(0.02, 0.01), (0.05, 0.05), (0.1, 0.2), (0.3, 0.4), (0.02, 0.2)])
def test_the_instances_that_are_named_are_enough(margin: float, discordance: float) -> None:
    n = needed(margin, discordance=discordance, alpha=0.025)
    promised, found = power_gap(n, margin, discordance, 0.025, RUNS)
    assert min(promised, found) > 0.8 - max(0.03, 1.2 / RUNS**0.5)
    assert power_of(margin, n // 2, discordance=discordance, alpha=0.025) < 0.7


def test_the_published_numbers_of_instances() -> None:
    assert needed(0.02, discordance=0.2, alpha=0.05) == pytest.approx(3_092, rel=0.01)
    assert needed(0.02, discordance=0.2, alpha=0.025) == pytest.approx(3_925, rel=0.01)
