"""What a test item stands for: an instance of a benchmark, or a variant of it, asked of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_medhelm.models.agent_baselines import AGENTS
from pytest_medhelm.tasks.data.compressed import CompressedInstance
from pytest_medhelm.tasks.variants import ONCE, Asked, Variant

if TYPE_CHECKING:
    from _pytest.nodes import Node

    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.tasks.benchmark import Benchmark


BENCHMARK: pytest.StashKey[Benchmark] = pytest.StashKey()
"""On a module node."""


INHERITS_SKIP: pytest.StashKey[bool] = pytest.StashKey()
"""On the node above items."""


class ItemParams(NamedTuple):
    """What is measured."""

    benchmark: Benchmark
    packed: CompressedInstance
    model: Model
    variant: Variant
    refused: Mapping[str, str]
    """Of the first asking: by perturbation why it cannot be applied, empty where it is."""


def item_params(item: pytest.Item) -> ItemParams | None:
    """What an item measures; None where it stands for no single instance of a benchmark."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    instance = params.get("instance")
    if not isinstance(instance, CompressedInstance | Asked):
        return None
    packed, variant, refused = instance if isinstance(instance, Asked) else Asked(instance, ONCE)
    module = item.getparent(pytest.Module)
    assert module is not None
    return ItemParams(module.stash[BENCHMARK], packed, params["model"], variant, refused)


def asks(item: pytest.Item, params: ItemParams) -> bool:
    """Whether an item with these parameters will ask a model when it runs."""
    uses_response = "response" in getattr(item, "fixturenames", ())
    return uses_response and (params.model.answer is None or params.model.is_outside) and not skips(item)


def skips(item: pytest.Item) -> bool:
    """Whether a mark keeps it from running."""
    if not (_skips(item) or (item.parent is not None and _inherits_skip(item.parent))):
        return False
    from _pytest.skipping import evaluate_skip_marks

    return evaluate_skip_marks(item) is not None


def _skips(node: Node) -> bool:
    return any(mark.name in ("skip", "skipif") for mark in node.own_markers)


def _inherits_skip(parent: Node) -> bool:
    """Whether a node, or one above it, has such a mark; looked up once for all items of a module."""
    inherits = parent.stash.get(INHERITS_SKIP, None)
    if inherits is None:
        inherits = parent.stash[INHERITS_SKIP] = any(map(_skips, parent.listchain()))
    return inherits


def benchmarks(items: Iterable[pytest.Item]) -> list[Benchmark]:
    """The benchmarks of some items, each once, in no order."""
    parents = {item.parent for item in items if item.parent}
    modules = {module for parent in parents if (module := parent.getparent(pytest.Module))}
    return [module.stash[BENCHMARK] for module in modules if BENCHMARK in module.stash]


def suits(model: Model, benchmark: Benchmark) -> bool:
    """Whether a benchmark means anything to a model: agents that know no medicine work, other baselines answer.

    Agents that are programs work in the hospital, and so have no part where a benchmark asks for a protocol of its own.
    """
    acts = model.is_outside or (model.provider == "baseline" and model.served in AGENTS)
    if not acts:
        return model.provider != "baseline" or benchmark.environment is None
    if benchmark.environment is None:
        return False
    environment = benchmark.first_environment
    if environment is None:
        return True
    knows_way = model.served != "oracle-agent" or environment.oracle is not None
    return environment.dialogue is None and (model.is_outside or knows_way)
