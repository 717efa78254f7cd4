"""Intervals hold the truth: a part of the simulation ``python -m perf.coverage``, all of it by night."""

from __future__ import annotations

import pytest

from perf.coverage import PROMISED, SIZES, Scenario, coverage, judged, scenarios
from tests.support.nightly import covered_enough

RUNS = 100
BY_DAY = [
    entry
    for entry in scenarios((30,))
    if entry.name.endswith(("calibrated", "too sure", "ceiling", "0.02", "both ways", "end", "auroc"))
]


@pytest.mark.parametrize("scenario", BY_DAY, ids=lambda scenario: scenario.name)
def test_intervals_hold_the_truth(scenario: Scenario) -> None:
    found, shown = coverage(scenario, RUNS)
    assert shown > 0
    assert found >= covered_enough(RUNS)


@pytest.mark.nightly
def test_all_intervals_hold_the_truth_at_every_size() -> None:
    found = {entry.name: judged(entry, 1000) for entry in scenarios(SIZES)}
    assert {name: share for name, (share, is_short, _) in found.items() if is_short} == {}


def test_the_simulation_sees_an_interval_that_is_too_narrow() -> None:
    narrow = Scenario("narrow", 0.5, lambda generator: (0.0, float(generator.random())))
    assert coverage(narrow, RUNS)[0] < PROMISED
    assert judged(narrow, RUNS)[1]
