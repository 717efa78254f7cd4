"""What a test item stands for: an instance of a benchmark, asked of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_medhelm.plugin import state
from pytest_medhelm.tasks.data.compressed import CompressedInstance

if TYPE_CHECKING:
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.tasks.benchmark import Benchmark


class ItemParams(NamedTuple):
    """What is measured."""

    benchmark: Benchmark
    packed: CompressedInstance
    model: Model


def item_params(item: pytest.Item) -> ItemParams | None:
    """What an item measures; None where it stands for no single instance of a benchmark."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    packed = params.get("instance")
    if not isinstance(packed, CompressedInstance):
        return None
    module = item.getparent(pytest.Module)
    assert module is not None
    return ItemParams(module.stash[state.BENCHMARK], packed, params["model"])


def params_to_ask(item: pytest.Item) -> ItemParams | None:
    """What an item will ask a model about when it runs; None where it asks nothing."""
    found = item_params(item) if "response" in getattr(item, "fixturenames", ()) else None
    if found is None or found.model.answer is not None or skips(item):
        return None
    return found


def skips(item: pytest.Item) -> bool:
    """Whether a mark keeps it from running."""
    from _pytest.skipping import evaluate_skip_marks

    return evaluate_skip_marks(item) is not None


def benchmarks(items: Iterable[pytest.Item]) -> list[Benchmark]:
    """The benchmarks of some items, each once, in no order."""
    modules = {module for item in items if (module := item.getparent(pytest.Module))}
    return [module.stash[state.BENCHMARK] for module in modules if state.BENCHMARK in module.stash]
