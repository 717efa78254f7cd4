"""The manifest of a run, as manifest.json and leaderboard.json have it."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from pytest_medhelm.models.metadata import AskedModelMetadata, ModelMetadata
from pytest_medhelm.util.json_types import Count


class Rescored(TypedDict):
    """When scores were computed again."""

    started: str
    """When, ISO 8601 with time zone."""
    packages: dict[str, str]
    """Versions of the packages that matter."""


class RunManifest(TypedDict):
    """The manifest of one run."""

    run: str
    """Its id."""
    started: str
    """When, ISO 8601 with time zone."""
    tests: NotRequired[Count]
    """Tests that pytest collected for it."""
    python: str
    """Version of Python."""
    platform: str
    """Operating system and machine."""
    packages: dict[str, str]
    """Versions of the packages that matter."""
    argv: list[str]
    """The command line, secrets removed."""
    settings: dict[str, Any]
    """The options that shaped the run, by name."""
    models: list[AskedModelMetadata]
    """The models, as in results, with the address that was asked."""
    judges: list[ModelMetadata]
    """The judges, as models."""
    prices: NotRequired[dict[str, dict[str, float]]]
    """Prices by model, per million tokens."""
    rescored: NotRequired[list[Rescored]]
    """When 'medhelm rescore' computed scores of this run again, and the versions that had computed them before;
    'packages' are those that did it last."""


class RunLocations(TypedDict):
    """Where, on this machine, a run found what it needs to be scored again."""

    folder: str
    paths: list[str]
    pyargs: bool
    data: str | None
    config: str | None
    providers: dict[str, str]


class StoredManifest(RunManifest):
    """The manifest of a run as its suite keeps it; leaderboard.json, which is passed on, names no folder."""

    place: NotRequired[RunLocations]
