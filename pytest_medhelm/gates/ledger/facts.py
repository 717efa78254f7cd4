"""What an entry of the ledger says, by its kind: no value of a score, no instance and no text is in it."""

from __future__ import annotations

from collections.abc import Collection
from typing import NotRequired, TypedDict


class Promotion(TypedDict):
    """A promotion that was approved."""

    model: str
    served: str
    fingerprint: str
    """Hash of the model's settings."""
    suite: str
    gates: dict[str, str]
    requested_by: str
    approved_by: str
    intended_use: str
    expires: str
    rollback: str
    override: bool
    overridden: list[str]
    """What was not as it should be, in sentences."""
    reason: str
    attempt: int
    baseline: str
    evidence: dict[str, str]
    """Hash by file, and of the results."""


class LockedGate(TypedDict):
    """A gate file that is fixed from now on, and what it states."""

    gates: dict[str, str]
    evaluation: dict[str, object]
    benchmarks: dict[str, dict[str, object]]


class Facts(TypedDict):
    """What is read of every entry; all but ``gates`` stands with attempts alone."""

    gates: dict[str, str]
    """Digest by gate file."""
    run: NotRequired[str]
    suite: NotRequired[str]
    models: NotRequired[Collection[str]]
    """Of a finished attempt by name, each with the hash of its settings."""
    cache: NotRequired[bool]
    evaluation: NotRequired[dict[str, str]]
    """By benchmark the hash of its evaluation set."""
    data: NotRequired[dict[str, str]]
    """By benchmark the hash of its data."""
    sample: NotRequired[bool]
    version: NotRequired[str]
    source: NotRequired[str]
    """run, apply or merge."""
    parts: NotRequired[list[str]]
    runs: NotRequired[list[str]]
    verdicts: NotRequired[dict[str, int]]
    ended: NotRequired[str]
    asked: NotRequired[int]
    """Answers that were asked for."""
