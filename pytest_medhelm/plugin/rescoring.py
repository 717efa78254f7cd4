"""A session that scores stored responses again and asks nothing: pytest's side of ``medhelm rescore``.

The models are those of the suite, as they were served: no endpoint, key or server is needed, and requests get the keys
that they had. Only instances that have a record are run.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_medhelm.models.metadata import ModelMetadata
from pytest_medhelm.models.price import Price
from pytest_medhelm.models.roster import ROSTER, Roster
from pytest_medhelm.models.spec import Model
from pytest_medhelm.plugin.item_params import item_params
from pytest_medhelm.plugin.not_run import not_run_of
from pytest_medhelm.plugin.options import REPLAY
from pytest_medhelm.plugin.suite_writer import SuiteWriter
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.results.store.rescore import Replay
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.util.settings import Settings


class Rescoring:
    """The plugin with which ``medhelm rescore`` runs pytest: it takes the records that the tests come to."""

    def __init__(self, replay: Replay, folder: Path) -> None:
        """``replay``: which cells, of which models (``results.store.rescore.plan``); ``folder``: for the records."""
        self._replay = replay
        self._folder = folder
        self._writer: SuiteWriter | None = None
        self.not_run: set[str] = set()
        """Why benchmarks could not be run."""
        self.problems: list[str] = []
        """What went wrong while tests were collected."""
        self.interrupted = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[REPLAY] = self._replay
        config.stash[ROSTER] = stored_roster(self._replay)
        self._writer = SuiteWriter(config, self._replay["run"], self._folder)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        assert self._writer is not None
        if not_run := not_run_of(report):
            self.not_run.add(not_run.reason)
        self._writer.take(report, None)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            text = str(crash.message if crash else report.longrepr or report.nodeid).strip()
            self.problems.append(text.splitlines()[-1].removeprefix("E ").strip())

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.problems.append(excinfo.exconly())

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.interrupted = excinfo.type is KeyboardInterrupt

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        assert self._writer is not None
        self._writer.close()


def restricted(settings: Settings, replay: Replay) -> Settings:
    """The settings without whatever belongs to asking and judging."""
    return replace(
        settings,
        models=tuple(model["name"] for model in replay["models"]),
        judges=tuple(judge["name"] for judge in replay["judges"]),
        gates=(),
        baseline=None,
        base_url=None,
        batch=None,
        shard=None,
        max_cost=None,
        prefetch=0,
        no_cache=False,
        offline=True,
        strict=False,
        html="none",
    )


def stored_roster(replay: Replay) -> Roster:
    """The models and judges of a run, from what its manifest says of them."""

    def model(metadata: ModelMetadata) -> Model:
        price = replay["prices"].get(metadata["name"])
        return Model(
            metadata["name"],
            replay["providers"][metadata["name"]],
            metadata["served"],
            body=metadata["body"],
            system_prompt=metadata["system_prompt"],
            structured=metadata.get("structured", "auto"),
            protocol=metadata.get("protocol", "auto"),
            price=Price(**price) if price else None,
        )

    return Roster(tuple(map(model, replay["models"])), tuple(map(model, replay["judges"])))


class StoredItems:
    """Leaves the items that have a record, and those that say why a benchmark cannot be run."""

    def __init__(self, folder: Path, cells: Collection[tuple[str, str]]) -> None:
        self._benchmarks = {benchmark for benchmark, _ in cells}
        with closing(open_suite(folder)) as suite:
            self._known = {
                (benchmark, model, record["instance"], record["perturbation"], record["repeat"])
                for benchmark, model in cells
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
        params = item_params(item)
        if params is not None:
            cell = params.benchmark.task.name, params.model.name
            return (*cell, params.packed.id, *params.variant) in self._known
        module = item.getparent(pytest.Module)
        task = getattr(module.obj, "TASK", None) if module is not None and hasattr(item, "callspec") else None
        return isinstance(task, Task) and task.name in self._benchmarks
