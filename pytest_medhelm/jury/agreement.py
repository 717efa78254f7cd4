"""How far raters agree: intraclass correlations for every design, limits of agreement, comparisons in pairs.

A table holds one row per rated answer and one column per rater; NaN stands where a rater did not rate. What cannot
be computed is an ``Estimate`` without a value and with a sentence that says why: never a NaN, never a warning.
Weighted kappa, alpha and rank correlations are in ``coefficients``, the model for incomplete tables in ``components``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from pytest_medhelm.leaderboard.quantiles import beta_quantile, student_t_quantile

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Form = Literal["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]

COMPLETE = "every rater rated every answer"
NESTED = "each answer has its own raters"
INCOMPLETE = "incomplete: not every rater rated every answer"

MIN_ANSWERS = 3
"""Fewer answers, rated at least twice each, say nothing of agreement."""

_TINY = 1e-12
"""Sums of squares below this share of the total are rounding."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One statistic. ``value`` is None where it cannot be computed, ``low`` and ``high`` where the interval cannot."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    """Answers that enter it."""
    raters: int
    method: str
    """Where the number and its interval come from, in plain words."""
    note: str = ""
    """Why something is missing, or what to keep in mind."""


def absent(name: str, n: int, raters: int, note: str) -> Estimate:
    """An estimate that cannot be computed, and why."""
    return Estimate(name, None, None, None, n, raters, "", note)


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """Scores by answer (rows) and rater (columns); NaN where a rater did not rate."""

    scores: Floats
    answers: tuple[str, ...]
    raters: tuple[str, ...]

    def rated(self) -> Booleans:
        """Where there is a score."""
        return ~np.isnan(self.scores)

    def whole(self) -> Booleans:
        """The rows that every rater rated."""
        return np.asarray(self.rated().all(axis=1))

    def columns(self, *raters: str) -> Table:
        """The columns of some raters, with the rows that all of them rated."""
        chosen = self.scores[:, [self.raters.index(rater) for rater in raters]]
        whole = np.asarray(~np.isnan(chosen).any(axis=1))
        names = tuple(name for name, keep in zip(self.answers, whole, strict=True) if keep)
        return Table(chosen[whole], names, raters)


def table_of(entries: Iterable[tuple[str, str, float]], raters: Collection[str] = ()) -> Table:
    """The table of (answer, rater, score); rows and columns are sorted, so that the order of a file changes nothing.

    ``raters`` get a column also when they rated nothing.
    Raises ValueError when a score is not a finite number or a rater rated an answer twice.
    """
    scores: dict[tuple[str, str], float] = {}
    for answer, rater, score in entries:
        if not math.isfinite(score):
            raise ValueError(f"rater {rater} gave an answer a score that is no number")
        if (answer, rater) in scores:
            raise ValueError(f"rater {rater} rated an answer twice")
        scores[answer, rater] = score
    answers = tuple(sorted({answer for answer, _ in scores}))
    names = tuple(sorted({rater for _, rater in scores} | set(raters)))
    row = {name: position for position, name in enumerate(answers)}
    column = {name: position for position, name in enumerate(names)}
    filled = np.full((len(answers), len(names)), np.nan)
    for (answer, rater), score in scores.items():
        filled[row[answer], column[rater]] = score
    return Table(filled, answers, names)


def standardised(table: Table) -> Table:
    """Each rater's scores as z-scores: minus the rater's mean, over the rater's standard deviation (n - 1).

    A rater with one score, or the same one everywhere, gets 0 everywhere.
    """
    scores = table.scores.copy()
    for column in scores.T:
        given = ~np.isnan(column)
        spread = column[given].std(ddof=1) if given.sum() > 1 else 0.0
        column[given] = (column[given] - column[given].mean()) / spread if spread > _TINY else 0.0
    return replace(table, scores=scores)


def design(table: Table) -> str:
    """Which design a table has: COMPLETE, NESTED or INCOMPLETE."""
    rated = table.rated()
    if rated.all():
        return COMPLETE
    return NESTED if (rated.sum(axis=0) == 1).all() else INCOMPLETE


def agreement(table: Table) -> Estimate:
    """How far one rater's score may stand for another's, as the design allows.

    ICC(2,1) for complete tables (raters are a sample of those who might rate), ICC(1,1) where each answer has its own
    raters, and ICC(2,1) from the mixed model of ``components`` for incomplete tables.
    """
    from pytest_medhelm.jury.components import mixed_icc

    found = design(table)
    if found == COMPLETE:
        return icc(table, "ICC(2,1)")
    return one_way(table) if found == NESTED else mixed_icc(table)


# Intraclass correlations from the analysis of variance


def icc(table: Table, form: Form, confidence: float = 0.95) -> Estimate:
    """An intraclass correlation of a complete table, with its interval from the F distribution.

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
    # centred and scaled, so that huge scores with small differences lose no digits
    centred = table.scores - table.scores.mean()
    centred /= np.abs(centred).max()
    rows, columns = centred.mean(axis=1), centred.mean(axis=0)
    between = k * float((rows**2).sum())
    raters = n * float((columns**2).sum())
    residual = float(((centred - rows[:, None] - columns) ** 2).sum())
    total = between + raters + residual
    msb = (between if between > _TINY * total else 0.0) / (n - 1)
    msc = (raters if raters > _TINY * total else 0.0) / (k - 1)
    mse = (residual if residual > _TINY * total else 0.0) / ((n - 1) * (k - 1))
    msw = (msc * (k - 1) + mse * (n - 1) * (k - 1)) / (n * (k - 1))
    tail = 0.5 + confidence / 2
    if form[4] == "2":
        value = (msb - mse) / (msb + (k - 1) * mse + k * (msc - mse) / n)
        limits = None if msw == 0 or msb == mse == 0 else _two_way_limits(value, (msb, msc, mse), (n, k), tail)
    else:
        noise, df = (msw, n * (k - 1)) if form[4] == "1" else (mse, (n - 1) * (k - 1))
        if noise == msb == 0:
            return absent(form, n, k, "each rater gave every answer the same score: nothing there could agree")
        value = (msb - noise) / (msb + (k - 1) * noise)
        limits = None if noise == 0 or msb == 0 else _one_way_limits(msb / noise, (n - 1, df), k, tail)
    note = constant_note(table)
    if limits is None:
        apart = "the raters differ by nothing but their level" if msc else IDENTICAL
        note = join(note, apart if msb else "all answers have the same average", _NO_INTERVAL)
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
            low, high, note = None, None, join(note, f"without a lower end, {_NO_INTERVAL}")
    return Estimate(form, value, low, high, n, k, "analysis of variance, F interval", note)


IDENTICAL = "the raters gave the same scores"
_NO_INTERVAL = "no interval can be computed"


def _stepped_up(single: float, k: int) -> float | None:
    """Spearman and Brown's formula: the reliability of the average of k raters; None at and below its pole."""
    below = 1 + (k - 1) * single
    return k * single / below if below > 1e-9 else None


def _one_way_limits(ratio: float, df: tuple[float, float], k: float, tail: float) -> tuple[float, float]:
    """Limits from an F ratio; the same for one-way and for consistency, which differ in what is noise."""
    low, high = ratio / f_quantile(tail, *df), ratio * f_quantile(tail, *reversed(df))
    return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)


def _two_way_limits(
    value: float, squares: tuple[float, float, float], size: tuple[int, int], tail: float
) -> tuple[float, float]:
    """McGraw and Wong's interval for ICC(A,1), with Satterthwaite's degrees of freedom."""
    (msb, msc, mse), (n, k) = squares, size
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


def one_way(table: Table, confidence: float = 0.95) -> Estimate:
    """ICC(1,1) for any numbers of ratings per answer: raters' levels are part of the noise.

    The estimate by analysis of variance with k0, the number of ratings that the unequal ones are worth (Searle,
    Linear Models, 1971); the F interval with k0 in place of k is exact for equal numbers only. Range as ``icc``.
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
    if msw <= _TINY * msb:
        return Estimate(name, 1.0, None, None, n, len(table.raters), method, join(IDENTICAL, _NO_INTERVAL))
    value = (msb - msw) / (msb + (k0 - 1) * msw)
    low, high = _one_way_limits(msb / msw, (n - 1, total - n), k0, 0.5 + confidence / 2)
    single = int((counts == 1).sum())
    note = join(f"{counted(single, 'answer')} with a single rating" if single else "", constant_note(table))
    return Estimate(name, value, low, high, n, len(table.raters), method, note)


def refusal(table: Table) -> str:
    """Why agreement cannot be computed from a table at all; empty when it can."""
    rated = table.rated()
    if table.scores.shape[1] < 2:
        return "agreement needs at least two raters"
    twice = int((rated.sum(axis=1) >= 2).sum())
    if twice < MIN_ANSWERS:
        return f"only {counted(twice, 'answer')} with two ratings or more: at least {MIN_ANSWERS} are needed"
    given = table.scores[rated]
    if np.ptp(given) <= _TINY * max(1.0, float(np.abs(given).max())):
        return f"every score is {given[0]:g}: where nothing varies, agreement cannot be told from habit"
    if table.scores.shape[1] == 2:
        same = _constant(table)
        if same:
            return f"{same[0]}: without variation there is nothing that could agree"
    return ""


def _constant(table: Table) -> list[str]:
    """A sentence for each rater who rated enough and gave the same score everywhere."""
    said = []
    for name, column in zip(table.raters, table.scores.T, strict=True):
        own = column[~np.isnan(column)]
        if own.size >= MIN_ANSWERS and np.ptp(own) <= _TINY * max(1.0, float(np.abs(own).max())):
            said.append(f"{name} gave {own[0]:.4g} to every answer")
    return said


def constant_note(table: Table) -> str:
    """A sentence about raters who gave the same score everywhere; empty without any."""
    return "; ".join(_constant(table))


def f_quantile(probability: float, df1: float, df2: float) -> float:
    """The quantile of the F distribution, 0 < probability < 1; degrees of freedom above 0, not necessarily whole."""
    share = beta_quantile(probability, df1 / 2, df2 / 2)
    if share > 0.5:  # the other tail is held with more digits
        other = beta_quantile(1 - probability, df2 / 2, df1 / 2)
        return df2 * (1 - other) / (df1 * max(other, 1e-300))
    return df2 * share / (df1 * (1 - share))


# Pairs of raters


@dataclass(frozen=True, slots=True)
class Pair:
    """Two raters on the answers that both rated."""

    raters: tuple[str, str]
    n: int
    estimate: Estimate


def over_pairs(table: Table, statistic: Callable[[Table], Estimate]) -> tuple[Estimate, list[Pair]]:
    """A statistic of every pair of raters with answers in common, and its mean weighted by their number.

    The mean has no interval: pairs share raters and answers. Pairs whose statistic cannot be computed are in the list
    with the reason, and counted in the note. The order of raters changes nothing.
    """
    pairs = []
    for first, second in combinations(sorted(table.raters), 2):
        common = table.columns(first, second)
        if len(common.answers):
            pairs.append(Pair((first, second), len(common.answers), statistic(common)))
    return mean_of_pairs(pairs, len(table.raters)), pairs


def mean_of_pairs(pairs: Sequence[Pair], raters: int) -> Estimate:
    """The mean over pairs, weighted by the answers in common."""
    usable = [(pair.n, pair.estimate.value) for pair in pairs if pair.estimate.value is not None]
    n = sum(weight for weight, _ in usable)
    name = f"{pairs[0].estimate.name}, mean of pairs" if pairs else "mean of pairs"
    left = len(pairs) - len(usable)
    note = f"{counted(left, 'pair')} without a value (too few answers in common, or nothing varies)" if left else ""
    if not usable:
        return absent(name, 0, raters, note or "no two raters have an answer in common")
    values = [value for _, value in usable]
    spread = f", from {min(values):.2f} to {max(values):.2f}" if len(values) > 1 else ""
    note = join(f"{counted(len(usable), 'pair')}{spread}", note)
    mean = math.fsum(weight * value for weight, value in usable) / n
    return Estimate(name, mean, None, None, n, raters, "mean over pairs weighted by answers in common", note)


# Differences


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean difference of two raters, and the limits between which 95 % of the single differences lie."""

    mean: Estimate
    lower: Estimate
    upper: Estimate
    sd: float | None
    """Standard deviation of the differences."""


def differences(table: Table, clusters: Sequence[str] | None = None, confidence: float = 0.95) -> Difference:
    """First column minus second: mean and 95 % limits of agreement, each with its interval.

    Bland and Altman, Lancet 327 (1986); the variance of a limit as in Stat. Methods Med. Res. 8 (1999), section 2.2.
    ``clusters`` names what answers share (several models on one instance): the interval of the mean then takes
    clusters as the independent units. Raises ValueError unless there are two columns without gaps.
    """
    if table.scores.shape[1] != 2 or not table.rated().all():
        raise ValueError("differences needs two raters who rated every answer")
    values = table.scores[:, 0] - table.scores[:, 1]
    n = int(values.size)
    names = ("mean difference", "lower limit", "upper limit")
    if n < MIN_ANSWERS:
        reason = f"only {counted(n, 'answer')} rated by both: at least {MIN_ANSWERS} are needed"
        mean, lower, upper = (absent(name, n, 2, reason) for name in names)
        return Difference(mean, lower, upper, None)
    average, sd = float(values.mean()), float(values.std(ddof=1))
    centre = clustered_mean(names[0], values, clusters, raters=2, confidence=confidence)
    z = NormalDist().inv_cdf(0.975)
    half = student_t_quantile(0.5 + confidence / 2, n - 1) * sd * math.sqrt(1 / n + z * z / (2 * (n - 1)))
    method = "mean and 1.96 standard deviations (Bland and Altman)"
    note = "" if sd else centre.note
    lower, upper = (
        Estimate(name, limit, limit - half if sd else None, limit + half if sd else None, n, 2, method, note)
        for name, limit in zip(names[1:], (average - z * sd, average + z * sd), strict=True)
    )
    return Difference(centre, lower, upper, sd)


def clustered_mean(
    name: str, values: Floats, clusters: Sequence[str] | None, *, raters: int, confidence: float = 0.95
) -> Estimate:
    """A mean with Student's t interval; ``clusters`` are then the independent units (linearised variance)."""
    n = int(values.size)
    if n == 0:
        return absent(name, 0, raters, "there is nothing to average")
    mean = float(values.mean())
    totals = cluster_totals((values - mean) / n, clusters)
    units = totals.size
    method = f"Student t, {units} clusters" if units < n else "Student t"
    if units < MIN_ANSWERS:
        return Estimate(name, mean, None, None, n, raters, method, f"too few independent answers: {_NO_INTERVAL}")
    error = math.sqrt(units / (units - 1) * float((totals**2).sum()))
    if error <= _TINY * max(1.0, abs(mean)):
        same = "it is the same on every instance" if units < n else "all differences are equal"
        return Estimate(name, mean, None, None, n, raters, method, f"{same}: {_NO_INTERVAL}")
    half = student_t_quantile(0.5 + confidence / 2, units - 1) * error
    return Estimate(name, mean, mean - half, mean + half, n, raters, method)


def cluster_totals(parts: Floats, clusters: Sequence[str] | None) -> Floats:
    """Sums over the parts that share a cluster."""
    if clusters is None:
        return parts
    _, codes = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    return np.bincount(codes, parts).astype(np.float64)


# Words


def join(*parts: str) -> str:
    """Notes as one."""
    return "; ".join(part for part in parts if part)


def counted(number: int, thing: str) -> str:
    """E.g. "1 answer", "3 answers"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


_BANDS = ((0.5, "poor"), (0.75, "moderate"), (0.9, "good"), (math.inf, "excellent"))


def verbal(value: float) -> str:
    """A word for an intraclass correlation: poor < 0.5 <= moderate < 0.75 <= good < 0.9 <= excellent.

    The bands of Koo and Li (J. Chiropr. Med. 15, 2016), a convention and no law.
    """
    return next(word for limit, word in _BANDS if value < limit)


def words_between(low: float, high: float) -> Iterator[str]:
    """The words that an interval touches, from the lowest."""
    started = False
    for _, word in _BANDS:
        started = started or word == verbal(low)
        if started:
            yield word
        if word == verbal(high):
            return
