"""Agreement and association beyond intraclass correlations: weighted kappa, Krippendorff's alpha, rank correlations.

Bootstrap intervals draw whole answers with replacement, from a fixed seed and in the order of the table, so that they
are the same everywhere. They take the raters as fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from pytest_medhelm.results.agreement.estimate import (
    IDENTICAL,
    MIN_ANSWERS,
    NO_INTERVAL,
    TINY,
    Estimate,
    absent,
    counted,
    join,
)
from pytest_medhelm.results.agreement.table import Floats, Table, refusal

Level = Literal["nominal", "ordinal", "interval"]
Codes = npt.NDArray[np.intp]

_SEED = 0
_RESAMPLES = 1000


def weighted_kappa(table: Table, *, rounded: bool = False, resamples: int = _RESAMPLES) -> Estimate:
    """Cohen's kappa of two raters with quadratic weights, -1..1 (Cohen, Psychol. Bull. 70, 1968); percentile bootstrap.

    For whole numbers. With these weights it is 2 cov / (var + var + squared difference of the means), divided by n,
    whatever the categories; ``rounded`` first rounds averages, halves to the even number.
    Raises ValueError unless there are two columns without gaps.
    """
    name = "weighted kappa"
    if table.scores.shape[1] != 2 or not table.rated().all():
        raise ValueError("weighted_kappa needs two raters who rated every answer")
    scores = np.rint(table.scores) if rounded else table.scores
    n = len(scores)
    reason = refusal(Table(scores, table.answers, table.raters))
    if reason:
        return absent(name, n, 2, reason)
    if (scores != np.rint(scores)).any():
        return absent(name, n, 2, "kappa needs whole numbers, and there are averages or fractions")
    centred = scores - scores.mean()
    value = float(_concordance(centred, np.ones((1, n)))[0])
    note = "averages rounded to whole numbers" if rounded and (scores != table.scores).any() else ""
    if (scores[:, 0] == scores[:, 1]).all():
        return Estimate(name, value, None, None, n, 2, "", join(IDENTICAL, NO_INTERVAL, note))
    low, high = _percentiles([_concordance(centred, drawn) for drawn in _draws(n, resamples)], value)
    return Estimate(name, value, low, high, n, 2, f"bootstrap over answers, {resamples} draws", note)


def _concordance(scores: Floats, drawn: Floats) -> Floats:
    """Of each draw, ``drawn`` being how often an answer is in it; NaN where nothing varies."""
    n = scores.shape[0]
    first, second = scores.T
    means, squares = drawn @ scores / n, drawn @ scores**2 / n
    shared = drawn @ (first * second) / n - means[:, 0] * means[:, 1]
    spread = (squares - means**2).sum(axis=1) + (means[:, 0] - means[:, 1]) ** 2
    ratio: Floats = np.divide(2 * shared, spread, out=np.full_like(spread, np.nan), where=spread > TINY)
    return ratio


_BATCH = 2_000_000
"""Cells of drawn weights that are in memory at a time."""


def _draws(n: int, resamples: int) -> Iterator[Floats]:
    """How often each of n answers is drawn in each resample, some resamples at a time."""
    generator = np.random.default_rng(_SEED)
    rows = max(1, _BATCH // n)
    for start in range(0, resamples, rows):
        chosen = generator.integers(0, n, (min(rows, resamples - start), n))
        yield np.stack([np.bincount(row, minlength=n) for row in chosen]).astype(np.float64)


def _percentiles(parts: Sequence[Floats], value: float) -> tuple[float, float]:
    """The 95 % percentile interval, without draws in which nothing varied; it holds the value."""
    values = np.concatenate(parts)
    low, high = np.percentile(values[~np.isnan(values)], (2.5, 97.5))
    return min(float(low), value), max(float(high), value)


def alpha(table: Table, level: Level, *, resamples: int = _RESAMPLES) -> Estimate:
    """Krippendorff's alpha, up to 1, for any number of raters and missing ratings (Computing alpha, 2011).

    1 minus observed over expected disagreement. Answers with a single rating cannot disagree and do not enter, as
    the definition says; the note counts them. Ordinal alpha is interval alpha on the middle ranks.
    The interval is a percentile bootstrap over answers.
    """
    name = f"alpha ({level})"
    counts = table.rated().sum(axis=1)
    raters, n = len(table.raters), int((counts >= 2).sum())
    single = int((counts == 1).sum())
    note = f"{counted(single, 'answer')} with a single rating: nothing to compare" if single else ""
    if raters < 2 or n < MIN_ANSWERS:
        return absent(name, n, raters, refusal(table))
    scores = table.scores[counts >= 2]
    values, codes = np.unique(scores[~np.isnan(scores)], return_inverse=True)
    if values.size < 2:
        return absent(name, n, raters, f"every score is {values[0]:g}: where nothing varies, alpha is undefined")
    of_draw = _by_score(scores) if level == "interval" else _by_count(scores, values, codes, level)
    value = float(of_draw(np.ones((1, n)))[0])
    method = f"bootstrap over answers, {resamples} draws"
    if (np.nanmin(scores, axis=1) == np.nanmax(scores, axis=1)).all():
        return Estimate(name, value, None, None, n, raters, "", join(IDENTICAL, NO_INTERVAL, note))
    low, high = _percentiles([of_draw(drawn) for drawn in _draws(n, resamples)], value)
    return Estimate(name, value, low, high, n, raters, method, note)


def _by_score(scores: Floats) -> Callable[[Floats], Floats]:
    """Interval alpha of draws. Disagreement of all pairs follows from sums and squares; pairs are never formed."""
    given = ~np.isnan(scores)
    scaled = np.where(given, scores - scores[given].mean(), 0.0) / np.ptp(scores[given])
    sizes, sums, squares = given.sum(axis=1), scaled.sum(axis=1), (scaled**2).sum(axis=1)
    apart = 2 * (sizes * squares - sums**2) / (sizes - 1)

    def of_draw(drawn: Floats) -> Floats:
        n, first, second = drawn @ sizes, drawn @ sums, drawn @ squares
        return _share(drawn @ apart, 2 * (n * second - first**2) / (n - 1))

    return of_draw


def _by_count(scores: Floats, values: Floats, codes: Codes, level: Level) -> Callable[[Floats], Floats]:
    """Nominal or ordinal alpha of draws, from how many ratings of each value an answer has."""
    held = np.zeros((len(scores), values.size))
    np.add.at(held, (np.nonzero(~np.isnan(scores))[0], codes), 1.0)
    sizes = held.sum(axis=1)

    def of_draw(drawn: Floats) -> Floats:
        totals = drawn @ held
        n = totals.sum(axis=1)
        if level == "nominal":
            observed = drawn @ ((sizes**2 - (held**2).sum(axis=1)) / (sizes - 1))
            return _share(observed, (n**2 - (totals**2).sum(axis=1)) / (n - 1))
        ranks = (np.cumsum(totals, axis=1) - totals / 2) / n[:, None]
        sums, squares = ranks @ held.T, ranks**2 @ held.T
        observed = (drawn * (2 * (sizes * squares - sums**2) / (sizes - 1))).sum(axis=1)
        first, second = (totals * ranks).sum(axis=1), (totals * ranks**2).sum(axis=1)
        return _share(observed, 2 * (n * second - first**2) / (n - 1))

    return of_draw


def _share(observed: Floats, expected: Floats) -> Floats:
    """1 minus observed over expected disagreement; NaN where nothing varies."""
    share: Floats = np.divide(observed, expected, out=np.full_like(expected, np.nan), where=expected > TINY)
    return 1 - share


def spearman(table: Table) -> Estimate:
    """Spearman's rank correlation of two raters, -1..1; tied scores share their middle rank.

    Interval by Fisher's transformation with the standard error of Bonett and Wright (Psychometrika 65, 2000).
    Raises ValueError unless there are two columns without gaps.
    """
    scores, n, missing = _ranked("Spearman", table)
    if missing:
        return missing
    first, second = (_ranks(column) for column in scores.T)
    value = float(np.corrcoef(first, second)[0, 1])
    return _fisher("Spearman", value, (1 + value**2 / 2) / (n - 3) if n > 3 else None, n)


def kendall(table: Table) -> Estimate:
    """Kendall's tau-b of two raters, -1..1, which allows for ties (Kendall, Biometrika 33, 1945).

    Interval by Fisher's transformation with the standard error of Fieller, Hartley and Pearson (Biometrika 44, 1957).
    Raises ValueError unless there are two columns without gaps.
    """
    scores, n, missing = _ranked("Kendall", table)
    if missing:
        return missing
    agree, untied = 0.0, np.zeros(2)
    for row in range(n - 1):
        signs = np.sign(scores[row + 1 :] - scores[row])
        agree += float(signs[:, 0] @ signs[:, 1])
        untied += np.abs(signs).sum(axis=0)
    value = agree / math.sqrt(untied[0] * untied[1])
    return _fisher("Kendall", value, 0.437 / (n - 4) if n > 4 else None, n)


def _ranked(name: str, table: Table) -> tuple[Floats, int, Estimate | None]:
    """The scores, their number, and the estimate to return when there can be no correlation."""
    if table.scores.shape[1] != 2 or not table.rated().all():
        raise ValueError(f"{name} needs two raters who rated every answer")
    n = len(table.scores)
    reason = refusal(table)
    return table.scores, n, absent(name, n, 2, reason) if reason else None


def _ranks(values: Floats) -> Floats:
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle: npt.NDArray[np.float64] = np.cumsum(counts) - (counts - 1) / 2
    return middle[codes]


def _fisher(name: str, value: float, variance: float | None, n: int) -> Estimate:
    value = max(-1.0, min(1.0, value))
    method = "Fisher's transformation"
    if variance is None:
        return Estimate(name, value, None, None, n, 2, "", "too few answers for an interval")
    if abs(value) > 1 - TINY:
        return Estimate(name, value, None, None, n, 2, "", f"the same order throughout: {NO_INTERVAL}")
    half = NormalDist().inv_cdf(0.975) * math.sqrt(variance)
    centre = math.atanh(value)
    return Estimate(name, value, math.tanh(centre - half), math.tanh(centre + half), n, 2, method)
