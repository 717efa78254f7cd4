"""Which of two answers is better: the strength of each model from many such choices (Bradley and Terry 1952).

The odds that model i is preferred to model j are exp(b_i - b_j); a tie counts half for each. Strengths are fitted by
maximum likelihood, as far as there is one: every model must have been preferred, by way of others if need be, to every
other (Ford 1957). Choices about one instance are not independent: an interval takes the larger of the error that the
model implies and the one that is robust against clusters (Liang and Zeger 1986), with the factor G / (G - 1) of G
instances and Student's t on G - 1 degrees of freedom. Under ten instances there is none.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pytest_medhelm.results.stats.quantiles import student_t_quantile

ROUNDS = 100
CLOSE = 1e-10
LEAST_INSTANCES = 10
"""Under these there is no interval."""


class Choice(NamedTuple):
    """One comparison."""

    cluster: str
    """What comparisons share that are not independent: the instance."""
    first: str
    second: str
    share: float
    """1 where the first is preferred, 0 where the second is, 0.5 for a tie."""


class Strengths(NamedTuple):
    """What the choices say of each model."""

    models: tuple[str, ...]
    values: NDArray[np.float64]
    """Log strengths; their mean is 0."""
    covariances: tuple[NDArray[np.float64], NDArray[np.float64]]
    """As the model implies it, and robust against clusters."""
    quantile: float | None
    """How many standard errors an interval reaches to each side; None: too few instances."""

    def chance_over(self, model: str, other: str = "") -> tuple[float, float | None, float | None]:
        """The chance that it is preferred to another, or to a model of mean strength, with its interval."""
        contrast = np.zeros(len(self.models)) if other else np.full(len(self.models), -1 / len(self.models))
        contrast[self.models.index(model)] += 1
        if other:
            contrast[self.models.index(other)] -= 1
        middle = float(contrast @ self.values)
        if self.quantile is None:
            return _logistic(middle), None, None
        reach = self.quantile * math.sqrt(max(float(contrast @ each @ contrast) for each in self.covariances))
        return _logistic(middle), _logistic(middle - reach), _logistic(middle + reach)


def bradley_terry(choices: Sequence[Choice], confidence: float = 0.95) -> Strengths | None:
    """The strengths; None where the choices leave one without limit, or there are none."""
    models = tuple(sorted({name for choice in choices for name in (choice.first, choice.second)}))
    if not _is_connected(models, choices):
        return None
    design = np.zeros((len(choices), len(models)))
    for row, choice in enumerate(choices):
        design[row, models.index(choice.first)] += 1
        design[row, models.index(choice.second)] -= 1
    shares = np.array([choice.share for choice in choices])
    values = np.zeros(len(models))
    for _ in range(ROUNDS):
        expected = 1 / (1 + np.exp(-(design @ values)))
        inverse = np.linalg.pinv((design * (expected * (1 - expected))[:, None]).T @ design)
        step = inverse @ (design.T @ (shares - expected))
        # Newton's step, shortened where it would leave the region in which it holds.
        values = values + step / max(1.0, float(np.abs(step).max()) / 2)
        if np.abs(step).max() < CLOSE:
            break
    clusters: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(len(models)))
    for row, choice in enumerate(choices):
        clusters[choice.cluster] = clusters[choice.cluster] + design[row] * (shares[row] - expected[row])
    count = len(clusters)
    scores = np.array(list(clusters.values()))
    robust: NDArray[np.float64] = count / max(1, count - 1) * inverse @ scores.T @ scores @ inverse
    quantile = student_t_quantile((1 + confidence) / 2, count - 1) if count >= LEAST_INSTANCES else None
    return Strengths(models, values - values.mean(), (np.asarray(inverse, dtype=np.float64), robust), quantile)


def _is_connected(models: Sequence[str], choices: Sequence[Choice]) -> bool:
    """Whether from each model a way of preferences leads to every other."""
    if len(models) < 2:
        return False
    over: dict[str, set[str]] = defaultdict(set)
    under: dict[str, set[str]] = defaultdict(set)
    for choice in choices:
        for better, worse, share in (
            (choice.first, choice.second, choice.share),
            (choice.second, choice.first, 1 - choice.share),
        ):
            if share > 0:
                over[better].add(worse)
                under[worse].add(better)
    return all(len(_reached(models[0], ways)) == len(models) for ways in (over, under))


def _reached(start: str, ways: dict[str, set[str]]) -> set[str]:
    reached, left = {start}, [start]
    while left:
        for name in ways[left.pop()] - reached:
            reached.add(name)
            left.append(name)
    return reached


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > 0 else math.exp(value) / (1 + math.exp(value))
