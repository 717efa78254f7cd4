"""A table of ratings: one row per rated answer, one column per rater, NaN where a rater did not rate.

What its gaps make of it (``design``), and whether it can say anything of agreement at all (``refusal``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pytest_medhelm.results.agreement.estimate import MIN_ANSWERS, TINY, counted

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

COMPLETE = "every rater rated every answer"
NESTED = "each answer has its own raters"
INCOMPLETE = "incomplete: not every rater rated every answer"


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
        column[given] = (column[given] - column[given].mean()) / spread if spread > TINY else 0.0
    return replace(table, scores=scores)


def design(table: Table) -> str:
    """Which design a table has: COMPLETE, NESTED or INCOMPLETE."""
    rated = table.rated()
    if rated.all():
        return COMPLETE
    return NESTED if (rated.sum(axis=0) == 1).all() else INCOMPLETE


def refusal(table: Table) -> str:
    """Why agreement cannot be computed from a table at all; empty when it can."""
    rated = table.rated()
    if table.scores.shape[1] < 2:
        return "agreement needs at least two raters"
    twice = int((rated.sum(axis=1) >= 2).sum())
    if twice < MIN_ANSWERS:
        return f"only {counted(twice, 'answer')} with two ratings or more: at least {MIN_ANSWERS} are needed"
    given = table.scores[rated]
    if _is_constant(given):
        return f"every score is {given[0]:g}: where nothing varies, agreement cannot be told from habit"
    if table.scores.shape[1] == 2:
        same = _constant(table)
        if same:
            return f"{same[0]}: without variation there is nothing that could agree"
    return ""


def constant_note(table: Table) -> str:
    """A sentence about raters who gave the same score everywhere; empty without any."""
    return "; ".join(_constant(table))


def _constant(table: Table) -> list[str]:
    """A sentence for each rater who rated enough and gave the same score everywhere."""
    said = []
    for name, column in zip(table.raters, table.scores.T, strict=True):
        given = column[~np.isnan(column)]
        if given.size >= MIN_ANSWERS and _is_constant(given):
            said.append(f"{name} gave {given[0]:.4g} to every answer")
    return said


def _is_constant(scores: Floats) -> bool:
    return bool(np.ptp(scores) <= TINY * max(1.0, float(np.abs(scores).max())))
