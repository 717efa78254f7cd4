"""Gates keep their promise: a part of the simulation ``python -m perf.gates``, and power as promised."""

from __future__ import annotations

import pytest

from perf.gates import ALPHAS, Scenario, binary, clustered, error_rate, power_gap, scenarios, share_of, ties, tolerated
from pytest_medhelm.gates.power import needed

CHECKED = [(n, scenario) for n in (100, 500) for scenario in scenarios(n) if scenario.name.startswith("binary")]


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(("n", "scenario"), CHECKED, ids=[f"{n}-{scenario.name}" for n, scenario in CHECKED])
def test_a_truly_worse_model_passes_no_more_often_than_alpha(n: int, scenario: Scenario, alpha: float) -> None:
    assert error_rate(scenario, alpha, 2_000) <= tolerated(alpha, 2_000)


def test_few_losses_in_clusters_do_not_pass_as_unclustered() -> None:
    scenario = Scenario("few", -0.05, clustered(500, 0.5, 0.05, 0.05))
    assert error_rate(scenario, 0.05, 1_000) <= tolerated(0.05, 1_000)


def test_graded_scores_that_nearly_all_tie() -> None:
    scenario = Scenario("ties", -0.05, ties(100, 0.2, 0.05))
    assert error_rate(scenario, 0.025, 2_000) <= tolerated(0.025, 2_000)


def test_a_lower_bound_of_a_share() -> None:
    scenario = Scenario("share", 0.9, share_of(100, 0.9), against=False)
    assert error_rate(scenario, 0.025, 1_000) <= tolerated(0.025, 1_000)


def test_the_simulation_notices_a_rule_that_passes_too_much() -> None:
    harmless = Scenario("equal models, judged as if worse", -0.05, binary(500, 0.2, 0.0))
    assert error_rate(harmless, 0.05, 500) > tolerated(0.05, 500)


def test_power_is_as_promised() -> None:
    promised, found = power_gap(500, 0.05, 0.2, 0.025, 2_000)
    assert found == pytest.approx(promised, abs=0.03)


def test_the_published_numbers_of_instances() -> None:
    assert needed(0.02, discordance=0.2, alpha=0.05) == pytest.approx(3_092, rel=0.01)
    assert needed(0.02, discordance=0.2, alpha=0.025) == pytest.approx(3_925, rel=0.01)
