"""Pairwise preferences of clinicians, as leaderboard.json has them."""

from __future__ import annotations

from typing import TypedDict

from pytest_medhelm.util.json_types import Count


class PreferredModel(TypedDict):
    """One model among those that were compared."""

    model: str
    """Its name."""
    preferred: Count
    """How often its answer was the better one."""
    tied: Count
    """How often neither was."""
    other: Count
    """How often the other one was."""
    value: float | None
    """The chance that it is preferred to a model of mean strength (Bradley and Terry); null where there is none."""
    low: float | None
    """Lower end of its 95 % interval."""
    high: float | None
    """Upper end of its 95 % interval."""


class PreferredPair(TypedDict):
    """Two models."""

    models: list[str]
    """Their names."""
    compared: Count
    """How often they were compared."""
    value: float | None
    """The chance that the first is preferred; null where there is none."""
    low: float | None
    """Lower end of its 95 % interval."""
    high: float | None
    """Upper end of its 95 % interval."""


class PreferenceSection(TypedDict):
    """Pairwise preferences of clinicians. Aggregates only."""

    raters: Count
    """Who chose."""
    choices: Count
    """How often."""
    instances: Count
    """On how many instances."""
    both: Count
    """Pairs of answers that two raters saw, counted for each two of them."""
    same: float | None
    """The share of those in which both chose alike."""
    models: list[PreferredModel]
    """Each model, the most preferred first."""
    pairs: list[PreferredPair]
    """Each two models that were compared."""
    note: str
    """Why something is missing; may be empty."""
