"""Intraclass correlations from the analysis of variance, and the one that fits the design of a table.

The model for incomplete tables is in ``components``; weighted kappa, alpha and rank correlations in ``coefficients``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pytest_medhelm.results.agreement.components import mixed_icc
from pytest_medhelm.results.agreement.estimate import IDENTICAL, NO_INTERVAL, TINY, Estimate, absent, counted, join
from pytest_medhelm.results.agreement.table import COMPLETE, NESTED, Floats, Table, constant_note, design, refusal
from pytest_medhelm.results.stats.quantiles import f_quantile

Form = Literal["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]

_TAIL = 0.975
"""Of 95 % intervals."""


def agreement(table: Table) -> Estimate:
    """How far one rater's score may stand for another's, as the design allows.

    ICC(2,1) for complete tables (raters are a sample of those who might rate), ICC(1,1) where each answer has its own
    raters, and ICC(2,1) from the mixed model of ``components`` for incomplete tables.
    """
    kind = design(table)
    if kind == COMPLETE:
        return icc(table, "ICC(2,1)")
    return one_way(table) if kind == NESTED else mixed_icc(table)


def icc(table: Table, form: Form, alpha: float = 0.025) -> Estimate:
    """An intraclass correlation of a complete table, with its interval from the F distribution.

    Each end of the interval is at the one-sided level ``alpha``: 0.025 makes it one of 95 %.

    The names are those of Shrout and Fleiss (Psychol. Bull. 86, 1979): (1,.) one-way, (2,.) raters are a sample and
    their differences in level count as disagreement, (3,.) these raters alone and differences in level do not count;
    (.,1) one rater's score, (.,k) the average of all raters. The formulas of the intervals are those of McGraw and
    Wong (Psychol. Methods 1, 1996). (1,1) and (3,1) lie between -1 / (k - 1) and 1, (2,1) reaches down to
    -1 / (k - 1 - k / n), (.,k) anywhere up to 1.

    Raises ValueError for a table with gaps: use ``agreement``.
    """
    if not table.rated().all():
        raise ValueError(f"{form} needs a complete table: use agreement() for one with gaps")
    n, k = table.scores.shape
    reason = refusal(table)
    if reason:
        return absent(form, n, k, reason)
    squares = _squares(table.scores)
    tail = 1 - alpha
    single = _two_way(squares, tail) if form[4] == "2" else _one_noise(squares, consistency=form[4] == "3", tail=tail)
    if single is None:
        return absent(form, n, k, "each rater gave every answer the same score: nothing there could agree")
    value, limits = single
    note = constant_note(table)
    if limits is None:
        apart = "the raters differ by nothing but their level" if squares.raters else IDENTICAL
        note = join(note, apart if squares.answers else "all answers have the same average", NO_INTERVAL)
    low, high = limits or (None, None)
    if form[6] == "k":
        average = _stepped_up(value, k)
        if average is None:
            return absent(
                form, n, k, "answers differ less than chance alone makes them: an average tells nothing apart"
            )
        value, low, high = average, low and _stepped_up(low, k), high and _stepped_up(high, k)
        note = join("reliability of the average of the raters, not the agreement of single ones", note)
        if limits and low is None:
            low, high, note = None, None, join(note, f"without a lower end, {NO_INTERVAL}")
    return Estimate(form, value, low, high, n, k, "analysis of variance, F interval", note)


@dataclass(frozen=True, slots=True)
class _Squares:
    """Mean squares of a complete table."""

    n: int
    k: int
    answers: float
    raters: float
    rest: float

    @property
    def within(self) -> float:
        """Raters and rest together: all that differs within an answer."""
        return (self.raters * (self.k - 1) + self.rest * (self.n - 1) * (self.k - 1)) / (self.n * (self.k - 1))


def _squares(scores: Floats) -> _Squares:
    n, k = scores.shape
    # centred and scaled, so that huge scores with small differences lose no digits
    centred = scores - scores.mean()
    centred /= np.abs(centred).max()
    rows, columns = centred.mean(axis=1), centred.mean(axis=0)
    answers = k * float((rows**2).sum())
    raters = n * float((columns**2).sum())
    rest = float(((centred - rows[:, None] - columns) ** 2).sum())
    least = TINY * (answers + raters + rest)
    return _Squares(
        n,
        k,
        (answers if answers > least else 0.0) / (n - 1),
        (raters if raters > least else 0.0) / (k - 1),
        (rest if rest > least else 0.0) / ((n - 1) * (k - 1)),
    )


_Single = tuple[float, tuple[float, float] | None]
"""The ICC of one rater's score, and its limits where there are any."""


def _two_way(squares: _Squares, tail: float) -> _Single:
    over = squares.answers + (squares.k - 1) * squares.rest + squares.k * (squares.raters - squares.rest) / squares.n
    value = (squares.answers - squares.rest) / over
    if squares.within == 0 or squares.rest == squares.answers == 0:
        return value, None
    return value, _two_way_limits(value, squares, tail)


def _one_noise(squares: _Squares, *, consistency: bool, tail: float) -> _Single | None:
    """One-way or, under ``consistency``, without the raters' levels; None where nothing differs at all."""
    n, k = squares.n, squares.k
    noise, df = (squares.rest, (n - 1) * (k - 1)) if consistency else (squares.within, n * (k - 1))
    if noise == squares.answers == 0:
        return None
    value = (squares.answers - noise) / (squares.answers + (k - 1) * noise)
    return value, None if noise == 0 or squares.answers == 0 else _limits(squares.answers / noise, (n - 1, df), k, tail)


def _limits(ratio: float, df: tuple[float, float], k: float, tail: float = _TAIL) -> tuple[float, float]:
    """From an F ratio; the same for one-way and for consistency, which differ in what is noise."""
    low, high = ratio / f_quantile(tail, *df), ratio * f_quantile(tail, *reversed(df))
    return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)


def _two_way_limits(value: float, squares: _Squares, tail: float) -> tuple[float, float]:
    """McGraw and Wong's interval for ICC(A,1), with Satterthwaite's degrees of freedom."""
    n, k, msb, msc, mse = squares.n, squares.k, squares.answers, squares.raters, squares.rest
    if value >= 1:
        return 1.0, 1.0
    first = k * value / (n * (1 - value))
    second = 1 + k * value * (n - 1) / (n * (1 - value))
    over = (first * msc) ** 2 / (k - 1) + (second * mse) ** 2 / ((n - 1) * (k - 1))
    df = max((first * msc + second * mse) ** 2 / over, 1e-3) if over > 0 else 1e-3
    upper, lower = f_quantile(tail, n - 1, df), f_quantile(tail, df, n - 1)
    rest = k * msc + (k * n - k - n) * mse
    low = n * (msb - upper * mse) / (upper * rest + n * msb)
    high = n * (lower * msb - mse) / (rest + n * lower * msb)
    # the degrees of freedom are an approximation, which with very few answers may put the value outside
    return min(low, value), max(value, min(high, 1.0))


def _stepped_up(single: float, k: int) -> float | None:
    """Spearman and Brown's formula: the reliability of the average of k raters; None at and below its pole."""
    below = 1 + (k - 1) * single
    return k * single / below if below > 1e-9 else None


def one_way(table: Table) -> Estimate:
    """ICC(1,1) for any numbers of ratings per answer: raters' levels are part of the noise.

    The estimate by analysis of variance with k0, the number of ratings that the unequal ones are worth (Searle,
    Linear Models, 1971); the 95 % F interval with k0 in place of k is exact for equal numbers only. Range as ``icc``.
    """
    name = "ICC(1,1)"
    given = table.rated()
    counts = given.sum(axis=1)
    n, total = int((counts > 0).sum()), int(counts.sum())
    reason = refusal(table)
    if reason:
        return absent(name, n, len(table.raters), reason)
    scores = np.where(given, table.scores, 0.0)
    scores -= np.where(given, scores.sum() / total, 0.0)
    held = counts > 0
    scores, given, counts = scores[held], given[held], counts[held]
    means = scores.sum(axis=1) / counts
    between = float((counts * means**2).sum())
    within = float((np.where(given, scores - means[:, None], 0.0) ** 2).sum())
    k0 = (total - float((counts**2).sum()) / total) / (n - 1)
    msb, msw = between / (n - 1), within / (total - n)
    method = "one-way analysis of variance, F interval"
    method += f", {k0:.2f} ratings an answer" if counts.min() < counts.max() else ""
    if msw <= TINY * msb:
        return Estimate(name, 1.0, None, None, n, len(table.raters), method, join(IDENTICAL, NO_INTERVAL))
    value = (msb - msw) / (msb + (k0 - 1) * msw)
    low, high = _limits(msb / msw, (n - 1, total - n), k0)
    single = int((counts == 1).sum())
    note = join(f"{counted(single, 'answer')} with a single rating" if single else "", constant_note(table))
    return Estimate(name, value, low, high, n, len(table.raters), method, note)
