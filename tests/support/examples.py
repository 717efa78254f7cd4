"""How many examples a property of hostile input is tried with."""

from __future__ import annotations

from tests.support.nightly import NIGHTLY

EXAMPLES = 100_000 if NIGHTLY else 2000


def examples(full: int) -> int:
    """How many examples a slow property is tried with: a quarter by day."""
    return full if NIGHTLY else full // 4
