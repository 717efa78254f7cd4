"""A session that scores stored responses again and asks nothing: pytest's side of ``medhelm rescore``.

The models are those of the suite, as they were served: no endpoint, key or server is needed, and requests get the keys
that they had. Only instances that have a record are run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm.models.price import Price
from pytest_medhelm.models.roster import Roster
from pytest_medhelm.models.spec import Model
from pytest_medhelm.plugin import state
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.tasks.data.compressed import CompressedInstance
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.settings import Settings


def restricted(settings: Settings, plan: Path) -> Settings:
    """The settings without whatever belongs to asking and judging. Raises ConfigError when the plan cannot be read."""
    content = read_plan(plan)
    return replace(
        settings,
        from_store=plan,
        models=tuple(entry["name"] for entry in content["models"]),
        judges=tuple(entry["name"] for entry in content["judges"]),
        gates=(),
        baseline=None,
        base_url=None,
        shard=None,
        max_cost=None,
        prefetch=0,
        cache=True,
        offline=True,
        strict=False,
        html="none",
    )


def read_plan(path: Path) -> dict[str, Any]:
    """What is to be scored again, as ``medhelm rescore`` wrote it. Raises ConfigError."""
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        raise ConfigError("--medhelm-from-store belongs to 'medhelm rescore': type medhelm rescore SUITE") from None
    return content


def stored_lineup(plan: Path) -> Roster:
    """The models and judges of a run, from what its manifest says of them."""
    content = read_plan(plan)
    prices = content["prices"]

    def model(entry: Mapping[str, Any]) -> Model:
        price = prices.get(entry["name"])
        return Model(
            entry["name"],
            content["providers"][entry["name"]],
            entry["served"],
            body=entry["body"],
            system_prompt=entry["system_prompt"],
            structured=entry.get("structured", "auto"),
            price=Price(**price) if price else None,
        )

    return Roster(tuple(map(model, content["models"])), tuple(map(model, content["judges"])))


class StoredItems:
    """Leaves the items that have a record, and those that say why a benchmark of the plan cannot be run."""

    def __init__(self, settings: Settings, plan: Path) -> None:
        self._benchmarks = {benchmark for benchmark, _ in read_plan(plan)["cells"]}
        with closing(open_suite(settings.folder)) as suite:
            self._known = {
                (benchmark, model, record["instance"])
                for benchmark, model in map(tuple, read_plan(plan)["cells"])
                for record in suite.records(benchmark, model)
            }

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        left = [item for item in items if self._is_known(item)]
        gone = [item for item in items if not self._is_known(item)]
        if gone:
            config.hook.pytest_deselected(items=gone)
            items[:] = left

    def _is_known(self, item: pytest.Item) -> bool:
        callspec = getattr(item, "callspec", None)
        instance = callspec and callspec.params.get("instance")
        module = item.getparent(pytest.Module)
        if callspec is None or module is None:
            return False
        if not isinstance(instance, CompressedInstance):
            task = getattr(module.obj, "TASK", None)
            return isinstance(task, Task) and task.name in self._benchmarks
        return (module.stash[state.BENCHMARK].task.name, callspec.params["model"].name, instance.id) in self._known
