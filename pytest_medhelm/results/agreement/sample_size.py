"""How many answers must be rated, so that an intraclass correlation is known well enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from pytest_medhelm.results.agreement.estimate import Estimate


@dataclass(frozen=True, slots=True)
class SampleSize:
    """How many answers an interval of a wanted precision takes."""

    half_width: float
    expected: float
    """The intraclass correlation that was found, at least 0."""
    raters: int
    """Ratings of each answer."""
    answers: int
    now: int


def needed(estimate: Estimate, precision: float | None, *, raters: int) -> SampleSize | None:
    """The answers that it takes to know an intraclass correlation to +- ``precision``; None where nobody asks."""
    if precision is None or estimate.value is None:
        return None
    expected = min(max(estimate.value, 0.0), 0.999)
    return SampleSize(precision, expected, raters, answers_needed(expected, precision, raters=raters), estimate.n)


def answers_needed(
    expected: float,
    half_width: float,
    *,
    raters: int = 2,
    assurance: float = 0.8,
    population: int | None = None,
) -> int:
    """Answers to be rated by ``raters`` each, for a 95 % interval of ICC(1,1) no wider than +- ``half_width``.

    ``assurance`` is the probability that the interval, whose width varies with the data, is that narrow; 0.5 asks for
    it on average. Zou, Stat. Med. 31 (2012): with f = (1 - r)(1 + (k - 1) r), its slope f' = k - 2 - 2 (k - 1) r, a and
    b the normal quantiles of 0.975 and of assurance, and w the half-width,

        n = 1 + (a f + sqrt(a^2 f^2 + 4 w a b f |f'|))^2 / (2 k (k - 1) w^2).

    A large-sample formula: below about 30 answers it is too hopeful. For ICC(2,1) it takes the raters' differences in
    level as known. With a finite ``population`` the correction N n / (N + n - 1) is applied.

    Raises ValueError unless 0 <= expected < 1, 0 < half_width < 1, 0.5 <= assurance < 1 and raters >= 2.
    """
    if not (0 <= expected < 1 and 0 < half_width < 1 and 0.5 <= assurance < 1 and raters >= 2):
        raise ValueError(
            f"answers_needed takes 0 <= expected < 1, 0 < half_width < 1, 0.5 <= assurance < 1 and raters >= 2, "
            f"not {expected}, {half_width}, {assurance} and {raters}"
        )
    if population is not None and population < 1:
        raise ValueError(f"population must be at least 1, not {population}")
    certain, assured = NormalDist().inv_cdf(0.975), NormalDist().inv_cdf(assurance)
    spread = (1 - expected) * (1 + (raters - 1) * expected)
    slope = abs(raters - 2 - 2 * (raters - 1) * expected)
    root = math.sqrt((certain * spread) ** 2 + 4 * half_width * certain * assured * spread * slope)
    answers = 1 + (certain * spread + root) ** 2 / (2 * raters * (raters - 1) * half_width**2)
    if population is not None:
        answers = population * answers / (population + answers - 1)
    return math.ceil(answers - 1e-9)
