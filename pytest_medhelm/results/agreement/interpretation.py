"""An intraclass correlation in words: cautious ones, that say what the interval allows."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pytest_medhelm.results.agreement.estimate import Estimate

_BANDS = ((0.5, "poor"), (0.75, "moderate"), (0.9, "good"), (math.inf, "excellent"))


def meaning(estimate: Estimate, one: str, another: str) -> str:
    """A word for the value, the words of the interval, and whether ``one`` may stand for ``another``."""
    if estimate.value is None:
        return f"not known: {estimate.note}"
    word = verbal(estimate.value)
    if estimate.low is None or estimate.high is None:
        return f"{word} by convention, without an interval: {estimate.note}"
    words = [*words_between(estimate.low, estimate.high)]
    said = f"{word}, and so is the whole interval" if len(words) == 1 else f"{word}; could be {words[0]} to {words[-1]}"
    if estimate.low >= 0.75:
        return f"{said}: {one} may stand for {another} on answers like these"
    if estimate.high < 0.5:
        return f"{said}: {one} says little about {another}"
    if estimate.low >= 0.5:
        return f"{said}: {one} tells something of {another}, and cannot stand for it"
    return f"{said}: too little to let {one} stand for {another}"


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
