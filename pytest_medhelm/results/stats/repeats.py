"""What several answers to one question say of it: expectations over the k of n that a user might have seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import comb
from statistics import fmean


def pass_at_k(n: int, right: int, k: int) -> float:
    """The chance that at least one of k answers drawn from n is right (Chen et al. 2021, arXiv:2107.03374).

    Raises ValueError unless 1 <= k <= n and 0 <= right <= n.
    """
    _check(n, right, k)
    return 1.0 - comb(n - right, k) / comb(n, k)


def pass_hat_k(n: int, right: int, k: int) -> float:
    """The chance that all of k answers drawn from n are right (Yao et al. 2024, arXiv:2406.12045).

    Raises ValueError unless 1 <= k <= n and 0 <= right <= n.
    """
    _check(n, right, k)
    return comb(right, k) / comb(n, k)


def worst_at_k(scores: Sequence[float], k: int, *, lower_is_better: bool = False) -> float:
    """The mean, over all k of the scores, of the worst of them. Raises ValueError unless 1 <= k <= their number."""
    n = len(scores)
    _check(n, 0, k)
    ordered = sorted(scores, reverse=lower_is_better)
    # The i-th worst is the worst of k where the other k - 1 are among those after it.
    ways = comb(n, k)  # Divided as whole numbers: those of a thousand answers are no floats.
    return sum(score * (comb(n - 1 - rank, k - 1) / ways) for rank, score in enumerate(ordered))


def majority_score(answers: Sequence[str], scores: Sequence[float]) -> float:
    """The score of the answer that is ``most_said``. Raises ValueError for none."""
    chosen = most_said(answers)
    return fmean(score for answer, score in zip(answers, scores, strict=True) if answer == chosen)


def most_said(answers: Sequence[str]) -> str:
    """The most frequent answer; of several the one that was said first, which no answer makes more likely to be right.

    Raises ValueError for none.
    """
    return max(answers, key=Counter(answers).__getitem__)


def _check(n: int, right: int, k: int) -> None:
    if not (1 <= k <= n and 0 <= right <= n):
        raise ValueError(f"k = {k} answers cannot be drawn from {n} of which {right} are right")
