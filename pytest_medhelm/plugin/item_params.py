"""What a test item stands for: an instance of a benchmark, asked of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_medhelm.plugin import state
from pytest_medhelm.tasks.data.compressed import Packed

if TYPE_CHECKING:
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.tasks.benchmark import Benchmark


class Subject(NamedTuple):
    """What is measured."""

    benchmark: Benchmark
    packed: Packed
    model: Model


def subject(item: pytest.Item) -> Subject | None:
    """What an item measures; None where it stands for no single instance of a benchmark."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    packed = params.get("instance")
    if not isinstance(packed, Packed):
        return None
    module = item.getparent(pytest.Module)
    assert module is not None
    return Subject(module.stash[state.BENCHMARK], packed, params["model"])


def subject_to_ask(item: pytest.Item) -> Subject | None:
    """What an item will ask a model about when it runs; None where it asks nothing."""
    found = subject(item) if "response" in getattr(item, "fixturenames", ()) else None
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
