"""Hostile input at random: how many examples a property is tried with, and how they are made.

Hypothesis draws a seed, from which plain Python makes a batch of examples: its own draws, one for each part of a JSON
value, took nine tenths of the time. A failure is found again and shows its batch; it is not made smaller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.support.nightly import NIGHTLY

EXAMPLES = 100_000 if NIGHTLY else 2000
BATCH = 20
hostile = settings(max_examples=EXAMPLES // BATCH, deadline=None, suppress_health_check=list(HealthCheck))
SEEDS = 1 << 24
"""Above this, hypothesis draws small numbers by preference, and so the same seeds again."""
NAMES = ["content", "text", "type", "message", "token", "logprob", "prompt_tokens", "code", "error", "reasoning", "x"]
FLOATS = [0.0, -0.0, 0.5, -1.5, 1e308, 5e-324, 1e15, math.inf, -math.inf, math.nan]
WHOLE_NUMBERS = [0, 1, -1, 2**31, 2**53 + 1, 2**63, -(2**63), 10**40, -(10**40)]
ALPHABETS: Sequence[Sequence[int]] = [
    range(32, 127),
    range(0x110000),
    range(32),
    range(0xD800, 0xE000),
    range(0x4E00, 0x9FFF),
]

Made = TypeVar("Made")


def drawn(make: Callable[[Random], Made]) -> st.SearchStrategy[list[Made]]:
    """A batch of what a function makes."""
    return st.integers(0, SEEDS - 1).map(Random).map(lambda random: [make(random) for _ in range(BATCH)])


def any_text(random: Random, longest: int = 20) -> str:
    """A text of any characters, lone surrogates too."""
    alphabet = random.choice(ALPHABETS)
    return "".join(map(chr, random.choices(alphabet, k=random.randrange(longest + 1))))


def any_bytes(random: Random, longest: int) -> bytes:
    """Bytes."""
    return random.randbytes(random.randrange(longest + 1))


def any_json(random: Random, texts: Sequence[str] = (), depth: int = 3) -> Any:
    """A JSON value, or what Python writes as one (NaN, Infinity, surrogates); ``texts``: some that mean something."""
    kind = random.randrange(9 if depth else 7)
    if kind == 0:
        return random.choice([None, True, False])
    if kind == 1:
        return random.choice([*WHOLE_NUMBERS, random.randrange(-1000, 1000)])
    if kind == 2:
        return random.choice([*FLOATS, random.uniform(-10, 10)])
    if kind < 5:
        return any_text(random)
    if kind < 7:
        return random.choice(["", *texts])
    size = random.randrange(5)
    if kind == 7:
        return [any_json(random, texts, depth - 1) for _ in range(size)]
    return {random.choice(NAMES): any_json(random, texts, depth - 1) for _ in range(size)}
