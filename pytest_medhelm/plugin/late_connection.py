"""Hosts that data may not go to are not even asked what they serve, before it is known what would be sent there.

Who answers on this machine, or at a host that --medhelm-allow-host names, is looked at when the session starts. Any
other host is looked at after collection, and only if a test is left that asks it: benchmarks whose data may not go
there are refused by then. Workers of xdist read what was found from a file, before their first test.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path

import pytest

from pytest_medhelm.models.roster import Resolved, Roster
from pytest_medhelm.models.spec import Model, foreign_host
from pytest_medhelm.util.files import write_json
from pytest_medhelm.util.settings import Settings


def is_foreign(model: Model, settings: Settings) -> bool:
    """Whether it answers at a host that no agreement is known to cover."""
    return foreign_host(model, settings) is not None


def asked_by(items: Iterable[pytest.Item]) -> set[str]:
    """The names of the models that tests are left for."""
    return {model.name for item in items if isinstance(model := _params(item).get("model"), Model)}


def asked_by_ids(roster: Roster, ids: Collection[str]) -> set[str]:
    """As ``asked_by`` where only the node ids are known: a model is the outermost parameter."""
    return {
        model.name
        for model in roster.models
        if any(f"[{model.name}-" in name or f"[{model.name}]" in name for name in ids)
    }


def put_into(items: Iterable[pytest.Item], roster: Roster) -> None:
    """Give the items the models as they were found."""
    models = {model.name: model for model in roster.models}
    for item in items:
        model = _params(item).get("model")
        if isinstance(model, Model):
            _params(item)["model"] = models[model.name]


def tell(folder: Path, run: str, roster: Roster) -> None:
    """Write what was found, for the workers of a run."""
    write_json(_file(folder, run), dict(roster.resolved()))


def announced(folder: Path, run: str) -> Resolved | None:
    """What the controller found; None when it looked at nothing after collection."""
    try:
        resolved: Resolved = json.loads(_file(folder, run).read_text("utf-8"))
    except OSError:
        return None
    return resolved


def forget(folder: Path, run: str) -> None:
    """Remove the file."""
    _file(folder, run).unlink(missing_ok=True)


def _file(folder: Path, run: str) -> Path:
    return folder / f".resolved-{run}.json"


def _params(item: pytest.Item) -> dict[str, object]:
    params: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return params
