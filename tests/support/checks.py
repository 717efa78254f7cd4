"""Checks that several tests make."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def some(found: Iterable[T]) -> list[T]:
    """What was found, to be looked at one by one; fails where nothing was, since a loop over nothing checks nothing."""
    kept = list(found)
    assert kept
    return kept
