"""Agreement in incomplete tables: the variance of answers, of raters and of what is left, by restricted likelihood.

The model is score = mean + answer + rater + rest, the three being independent and normal. ICC(2,1) is the answers'
share of the variance. All scores enter as they are; nothing is dropped and nothing is filled in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pytest_medhelm.results.agreement.estimate import IDENTICAL, NO_INTERVAL, Estimate, absent, counted, join
from pytest_medhelm.results.agreement.table import Floats, Table, constant_note, refusal

_ALMOST = math.pi / 2 - 1e-3
"""Shares are the squared sines of angles; this keeps variance ratios below a million."""
_CHI_SQUARE = 3.841458820694124
"""95 % quantile with one degree of freedom."""


@dataclass(frozen=True, slots=True)
class Components:
    """Variances; ICC(2,1) is ``answers`` over their sum."""

    answers: float
    raters: float
    rest: float


class _Likelihood:
    """Minus twice the restricted log likelihood, as a function of two shares, with all constants left out.

    The answers' part of the covariance matrix is inverted in closed form, so that the matrices which remain have one
    row per rater (Searle, Casella and McCulloch, Variance Components, 1992, chapter 6).
    """

    def __init__(self, scores: Floats) -> None:
        given = ~np.isnan(scores)
        scores, given = scores[given.any(axis=1)], given[given.any(axis=1)]
        scores, given = scores[:, given.any(axis=0)], given[:, given.any(axis=0)]
        self.n = int(given.sum())
        values = np.where(given, scores - scores[given].mean(), 0.0)
        counts = given.sum(axis=1)
        self._sizes = np.unique(counts)
        blocks = [counts == size for size in self._sizes]
        sums = values.sum(axis=1)
        self._answers = np.array([block.sum() for block in blocks], dtype=np.float64)
        self._cross = np.stack([given[block].T.astype(np.float64) @ given[block] for block in blocks])
        self._held = np.stack(
            [given[block].sum(axis=0) * size for block, size in zip(blocks, self._sizes, strict=True)]
        )
        self._scored = np.stack([given[block].T.astype(np.float64) @ sums[block] for block in blocks])
        self._sums = np.array([sums[block].sum() for block in blocks]) * self._sizes
        self._squares = np.array([(sums[block] ** 2).sum() for block in blocks])
        self._raters = given.sum(axis=0).astype(np.float64)
        self._rater_sums = values.sum(axis=0)
        self._total, self._square = float(values.sum()), float((values**2).sum())

    def __call__(self, answer: Floats, rater: Floats) -> Floats:
        """At angles: sin^2(answer) is the answers' share, sin^2(rater) the raters' share of what is left of it."""
        return self._parts(answer, rater)[0]

    def rest(self, answer: float, rater: float) -> float:
        """The variance of what is neither answer nor rater, at these angles."""
        return float(self._parts(np.array([answer]), np.array([rater]))[1][0])

    def _parts(self, answer: Floats, rater: Floats) -> tuple[Floats, Floats]:
        by_rater = np.tan(rater) ** 2
        by_answer = np.tan(answer) ** 2 * (1 + by_rater)
        sizes, width = self._sizes, self._raters.size
        weight = by_answer[:, None] / (1 + by_answer[:, None] * sizes)
        inner = np.eye(width) * self._raters - np.tensordot(weight, self._cross, axes=1)
        ones, scores = self._raters - weight @ self._held, self._rater_sums - weight @ self._scored
        outer = np.eye(width) + by_rater[:, None, None] * inner
        sides = np.stack([ones, scores], axis=2)
        solved = by_rater[:, None, None] * np.linalg.solve(outer, sides)
        products = np.swapaxes(sides, 1, 2) @ solved
        mean = self.n - weight @ (sizes**2 * self._answers) - products[:, 0, 0]
        mixed = self._total - weight @ self._sums - products[:, 0, 1]
        square = self._square - weight @ self._squares - products[:, 1, 1]
        left = np.maximum(square - mixed**2 / mean, 1e-12 * self._square)
        determinant = np.log1p(by_answer[:, None] * sizes) @ self._answers + np.linalg.slogdet(outer)[1]
        return (self.n - 1) * np.log(left / (self.n - 1)) + determinant + np.log(mean), left / (self.n - 1)


def _lowest(likelihood: _Likelihood, answer: float | None = None) -> tuple[float, float, float]:
    """(value, answer angle, rater angle) at the minimum; with ``answer`` given, over the other angle alone.

    A grid that is narrowed around its best point: two angles in a box need no cleverer search.
    """
    low, high = np.zeros(2), np.full(2, _ALMOST)
    points, best = 17, (math.inf, 0.0, 0.0)
    while True:
        first = np.linspace(low[0], high[0], points) if answer is None else np.array([answer])
        second = np.linspace(low[1], high[1], points)
        grid = np.stack(np.meshgrid(first, second, indexing="ij")).reshape(2, -1)
        values = likelihood(grid[0], grid[1])
        at = int(values.argmin())
        if values[at] <= best[0]:
            best = float(values[at]), float(grid[0, at]), float(grid[1, at])
        step = (high - low) / (points - 1)
        if step.max() < 1e-7:
            return best
        centre = np.array(best[1:])
        low, high, points = np.maximum(0, centre - 1.5 * step), np.minimum(_ALMOST, centre + 1.5 * step), 9


def components(table: Table) -> Components:
    """The variance components by restricted maximum likelihood; none is negative.

    In complete tables they are those of the analysis of variance, as long as those are not negative.
    Raises ValueError when the table has no answer with two ratings or nothing varies.
    """
    reason = refusal(table)
    if reason:
        raise ValueError(reason)
    likelihood = _Likelihood(table.scores)
    _, answer, rater = _lowest(likelihood)
    rest = likelihood.rest(answer, rater)
    by_rater = math.tan(rater) ** 2
    return Components(rest * math.tan(answer) ** 2 * (1 + by_rater), rest * by_rater, rest)


def mixed_icc(table: Table) -> Estimate:
    """ICC(2,1) of any table, 0..1: the answers' share of the variance, with a 95 % profile-likelihood interval.

    The interval asks which shares the data do not contradict, the raters' share being free. With fewer than five
    raters their variance is hardly known; the note says so.
    """
    name, raters = "ICC(2,1)", len(table.raters)
    rated = table.rated()
    counts = rated.sum(axis=1)
    n = int((counts > 0).sum())
    reason = refusal(table)
    if reason:
        return absent(name, n, raters, reason)
    method = "mixed model (restricted likelihood), profile interval"
    spreads = np.array([np.ptp(row[given]) for row, given in zip(table.scores, rated, strict=True) if given.any()])
    if spreads.max() == 0:
        return Estimate(name, 1.0, None, None, n, raters, method, join(IDENTICAL, NO_INTERVAL))
    likelihood = _Likelihood(table.scores)
    bottom, answer, _ = _lowest(likelihood)
    limit = bottom + _CHI_SQUARE
    low = _crossing(likelihood, limit, answer, 0.0)
    high = _crossing(likelihood, limit, answer, _ALMOST)
    single = int((counts == 1).sum())
    note = join(
        f"{counted(single, 'answer')} with a single rating" if single else "",
        "the variance between so few raters is hardly known" if raters < 5 else "",
        constant_note(table),
    )
    value, low = (share if share > 1e-9 else 0.0 for share in (math.sin(answer) ** 2, math.sin(low) ** 2))
    high = 1.0 if high >= _ALMOST else math.sin(high) ** 2
    return Estimate(name, value, low, high, n, raters, method, note)


def _crossing(likelihood: _Likelihood, limit: float, inside: float, outside: float) -> float:
    """Where the profile passes the limit between two angles; ``outside`` itself if it does not."""
    if _lowest(likelihood, outside)[0] <= limit:
        return outside
    for _ in range(20):
        middle = (inside + outside) / 2
        if _lowest(likelihood, middle)[0] <= limit:
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2
