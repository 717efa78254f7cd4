"""manifest.json: what a run was made with, so that it can be made again."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from pytest_medhelm.models.roster import Roster, describe
from pytest_medhelm.results.store.run_manifest import RunLocations, StoredManifest
from pytest_medhelm.tasks.metadata import BenchmarkMetadata
from pytest_medhelm.util.network import shown_addresses
from pytest_medhelm.util.settings import Settings, as_mapping

_PACKAGES = ("pytest-medhelm", "pytest", "pytest-xdist", "aiohttp", "numpy", "rouge-score")
_SECRET = re.compile(r"(?i)(key|token|secret|password)[^=\s]*=\S+")
_DATA = "--medhelm-data"


def make_manifest(settings: Settings, roster: Roster, argv: Sequence[str], run: str) -> StoredManifest:
    """Plain values: versions, command line without secrets, models as served, settings."""
    return {
        "run": run,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "packages": {name: version(name) for name in _PACKAGES},
        "argv": [shown_addresses(_SECRET.sub("***", argument)) for argument in argv],
        "settings": dict(as_mapping(settings)),
        "models": [
            {**describe(model), "base_url": model.endpoint.shown_url if model.endpoint else ""}
            for model in roster.models
        ],
        "judges": [describe(judge) for judge in roster.judges],
        "prices": {model.name: dict(model.price.as_json()) for model in roster if model.price},
    }


def locations(config: pytest.Config, settings: Settings, roster: Roster) -> RunLocations:
    """Where on this machine a run found its tests, data and config file: what ``medhelm rescore`` starts from.

    It is in suite.sqlite alone: files that are passed on name no folder.
    """
    return {
        "folder": str(config.invocation_params.dir),
        "paths": list(config.args),
        "pyargs": bool(config.getoption("pyargs")),
        "data": str(settings.data.resolve()) if settings.data else None,
        "config": str(settings.config.path.resolve()) if settings.config.path else None,
        "providers": {model.name: model.provider for model in roster},
    }


def shown(manifest: StoredManifest) -> dict[str, object]:
    """A manifest as manifest.json holds it: without names of files and folders that the user chose."""
    left = {key: value for key, value in manifest.items() if key != "place"}
    argv = manifest["argv"]
    hidden = ["***" if before == _DATA else re.sub(rf"({_DATA}=).*", r"\1***", argument, flags=re.DOTALL)
              for before, argument in zip(("", *argv), argv, strict=False)]  # fmt: skip
    return left | {"argv": hidden}


def with_benchmarks(manifest: Mapping[str, object], benchmarks: Sequence[BenchmarkMetadata]) -> dict[str, object]:
    """The manifest with the data and code hashes of the benchmarks on the leaderboard."""
    return dict(manifest) | {
        "benchmarks": {
            benchmark["name"]: {"data": benchmark["data"], "code": benchmark["code"]} for benchmark in benchmarks
        }
    }
