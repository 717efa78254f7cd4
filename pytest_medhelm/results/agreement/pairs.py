"""A statistic of two raters, taken over every pair of more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from pytest_medhelm.results.agreement.estimate import Estimate, absent, counted, join
from pytest_medhelm.results.agreement.table import Table


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
    return _mean(pairs, len(table.raters)), pairs


def _mean(pairs: Sequence[Pair], raters: int) -> Estimate:
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
