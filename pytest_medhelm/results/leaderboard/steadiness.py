"""How steady answers to the same request are: more columns of scores, so that all that is done with scores is done.

Each instance has one score in each, whatever the number of its answers: the instance is the unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from statistics import variance

from pytest_medhelm.results.leaderboard.answers import LOSS, LOST, Answer
from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.stats.repeats import majority_score, pass_at_k, pass_hat_k, worst_at_k

OF_REPEATS = ("flip_rate", "within_variance", "majority_vote")
"""Metrics that need at least two answers."""
OF_K = re.compile(r"(pass_at|pass_hat|worst_at)_([1-9][0-9]*)")
"""Metrics that need at least k answers."""


def needed_repeats(metric: str) -> int:
    """How many answers to each request a metric needs; 1 for one that is no matter of repeats."""
    matched = OF_K.fullmatch(metric)
    return int(matched[2]) if matched else 2 if metric in OF_REPEATS else 1


def add_repeat_scores(columns: Columns) -> Columns:
    """Add what the repeats of each instance say, where there are any; returns the same columns.

    An instance of which an answer is missing has no score in these, and bounds as every missing score has.
    """
    repeats = [answers.repeats if answers is not None else () for answers in columns.answers]
    wanted = max(map(len, repeats), default=0)
    if wanted < 2:
        return columns
    table = [row if len(row) == wanted else (*row, *[LOST] * (wanted - len(row))) for row in repeats]
    worst, best = scale = columns.main_scale
    span = columns.spans.get(columns.main_metric, scale)
    lower = best < worst
    known = [answer.score for row in table for answer in row if answer.score is not None]
    right_or_wrong = bool(known) and span == scale and set(known) <= set(scale)
    if right_or_wrong or _are_named(table):
        _add(columns, table, "flip_rate", _flips, (1.0, 0.0))
    most = (max(span) - min(span)) ** 2 / 2
    _add(columns, table, "within_variance", _scored(variance), (most, 0.0))
    ks = range(2, wanted + 1)
    for k in ks:
        name = f"worst_at_{k}"
        _add(columns, table, name, _scored(lambda scores, k=k: worst_at_k(scores, k, lower_is_better=lower)), scale)  # type: ignore[misc]
        if span != scale:
            columns.spans[name] = span
    if right_or_wrong:
        _add(columns, table, "majority_vote", _majority, scale)
        for k in ks:
            for name, chance in ((f"pass_at_{k}", pass_at_k), (f"pass_hat_{k}", pass_hat_k)):
                _add(columns, table, name, _scored(lambda scores, k=k, chance=chance: chance(  # type: ignore[misc]
                    len(scores), sum(score == best for score in scores), k)), (0.0, 1.0))  # fmt: skip
    return columns


def _are_named(table: Sequence[Sequence[Answer]]) -> bool:
    """Answers are labels, letters or numbers: two that differ have another meaning."""
    said = (answer.said for row in table for answer in row)
    return any(text and not text.startswith("=") for text in said)


def _add(
    columns: Columns,
    table: Sequence[Sequence[Answer]],
    name: str,
    of: Callable[[Sequence[Answer]], float | None],
    scale: tuple[float, float],
) -> None:
    columns.scores[name] = [of(row) for row in table]
    columns.scales[name] = list(scale)
    columns.derived.add(name)
    columns.lost[name] = LOSS
    main = columns.main_metric
    if main in columns.not_applicable:
        columns.not_applicable[name] = set(columns.not_applicable[main])
    if columns.is_judged(main):
        columns.judged.add(name)


def _flips(repeats: Sequence[Answer]) -> float | None:
    """1 where not all say the same.

    None where one is missing, also where the others differ already: only such instances would be known, and all flips.
    """
    said = {answer.said for answer in repeats}
    return None if None in said else float(len(said) > 1)


def _scored(of: Callable[[list[float]], float]) -> Callable[[Sequence[Answer]], float | None]:
    def score(repeats: Sequence[Answer]) -> float | None:
        known = [answer.score for answer in repeats if answer.score is not None]
        return of(known) if len(known) == len(repeats) else None

    return score


def _majority(repeats: Sequence[Answer]) -> float | None:
    known = [(answer.said, answer.score) for answer in repeats]
    if any(said is None or score is None for said, score in known):
        return None
    return majority_score([said or "" for said, _ in known], [score or 0.0 for _, score in known])
