"""Intervals of what several answers to one question say: the instance is the unit, each with a share of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

import numpy as np

from perf.scenario import Draw, Limits, Scenario, mean_limits
from pytest_medhelm.results.stats.repeats import majority_score, pass_at_k, pass_hat_k, worst_at_k

TIMES = 5
SHARES = {"steady": (0.3, 0.1), "unsteady": (6.0, 2.0), "near the end": (9.8, 0.2)}
"""Beta distributions of the share of right answers of an instance: most all or none, most near the mean, most all."""


def of_repeats(n: int) -> Iterator[Scenario]:
    """Every figure of five answers to each of n instances."""
    yield Scenario(f"n {n}: five repeats, steady instances", 0.75, _shares(n, 0.3, 0.1))
    yield Scenario(f"n {n}: five repeats, unsteady instances", 0.75, _shares(n, 6.0, 2.0))
    yield Scenario(f"n {n}: five repeats, near the end", 0.98, _shares(n, 0.98, 0.02))
    yield Scenario(f"n {n}: flips of two repeats", 2 * 0.75 * 0.25 * 8 / 9, _flips(n))
    for kind, (right, wrong) in SHARES.items():
        for name, (truth, score) in _figures(right, wrong).items():
            yield Scenario(f"n {n}: {name} of five repeats, {kind}", truth, _scored(n, right, wrong, score))


def _figures(right: float, wrong: float) -> dict[str, tuple[float, Callable[[int], float]]]:
    """By name the true value, by moments of the beta distribution, and what an instance of so many right gets."""

    def all_of(k: int, a: float, b: float) -> float:
        return prod((a + i) / (a + b + i) for i in range(k))

    all_right = {k: all_of(k, right, wrong) for k in (2, 3, TIMES)}
    all_wrong = {k: all_of(k, wrong, right) for k in (2, 3, TIMES)}
    # Of five: three, four or five right, as combinations of the moments E p^k.
    moment = {k: all_of(k, right, wrong) for k in (3, 4, 5)}
    most = 10 * moment[3] - 15 * moment[4] + 6 * moment[5]
    return {
        "pass_hat_3": (all_right[3], lambda count: pass_hat_k(TIMES, count, 3)),
        "pass_hat_5": (all_right[TIMES], lambda count: pass_hat_k(TIMES, count, TIMES)),
        "pass_at_3": (1 - all_wrong[3], lambda count: pass_at_k(TIMES, count, 3)),
        "flip_rate": (1 - all_right[TIMES] - all_wrong[TIMES], lambda count: float(0 < count < TIMES)),
        "majority_vote": (most, _majority),
        "worst_at_2, of 1 and 0.5": ((1 + all_right[2]) / 2, _worst),
    }


def _majority(count: int) -> float:
    answers = ["right"] * count + ["wrong"] * (TIMES - count)
    return majority_score(answers, [1.0] * count + [0.0] * (TIMES - count))


def _worst(count: int) -> float:
    return worst_at_k([1.0] * count + [0.5] * (TIMES - count), 2)


def _scored(n: int, right: float, wrong: float, score: Callable[[int], float]) -> Draw:
    scores = np.array([score(count) for count in range(TIMES + 1)])

    def draw(generator: np.random.Generator) -> Limits:
        return mean_limits(scores[generator.binomial(TIMES, generator.beta(right, wrong, n))])

    return draw


def _shares(n: int, right: float, wrong: float) -> Draw:
    """Each instance has a share of its own, from a beta distribution; its score is the mean of its repeats."""

    def draw(generator: np.random.Generator) -> Limits:
        return mean_limits(generator.binomial(TIMES, generator.beta(right, wrong, n)) / TIMES)

    return draw


def _flips(n: int) -> Draw:
    """Two answers to each instance differ; the shares are Beta(6, 2), so that E 2p(1-p) = 2 * 6 * 2 / (8 * 9)."""

    def draw(generator: np.random.Generator) -> Limits:
        shares = generator.beta(6.0, 2.0, n)
        return mean_limits((generator.random(n) < 2 * shares * (1 - shares)).astype(float))

    return draw
