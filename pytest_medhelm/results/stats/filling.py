"""Ways of filling in what is missing, between all at worst and all at best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

STEPS = 16
"""How many shares of the gaps are tried, beyond none of them."""


def mixtures(gaps: Sequence[int]) -> Iterator[frozenset[int]]:
    """The gaps that are filled in with the best: none, then ever more of the first, ever more of the last, every other.

    With at most ``STEPS`` gaps every number of them is tried.
    """
    steps = min(len(gaps), STEPS)
    yield frozenset()
    for step in range(1, steps + 1):
        count = round(step * len(gaps) / steps)
        yield frozenset(gaps[:count])
        if count < len(gaps):
            yield frozenset(gaps[len(gaps) - count :])
    if len(gaps) > 2:
        yield frozenset(gaps[::2])
        yield frozenset(gaps[1::2])
