"""Marks that select benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from pytest_medhelm.tasks.taxonomy import CATEGORIES, Access, Kind, slug

if TYPE_CHECKING:
    from pytest_medhelm.tasks.task import Task

_MARKED: pytest.StashKey[bool] = pytest.StashKey()
"""On a module node: its marks are set."""
COLLECTED: pytest.StashKey[dict[str, Task]] = pytest.StashKey()
"""On config: the benchmarks whose modules were collected, by name, whatever was selected of them."""
_NAMES: pytest.StashKey[dict[str, Path]] = pytest.StashKey()
"""On config: the module of each benchmark, by its name."""


def register_marks(config: pytest.Config) -> None:
    """Register categories, subcategories, access tiers and kinds, so that --strict-markers is content.

    A benchmark's own name is registered when its module is collected.
    """
    for category, subcategories in CATEGORIES.items():
        config.addinivalue_line("markers", f"{slug(category)}: benchmarks of the category {category}")
        for subcategory in subcategories:
            config.addinivalue_line("markers", f"{slug(subcategory)}: benchmarks of the subcategory {subcategory}")
    for access in get_args(Access):
        config.addinivalue_line("markers", f"{access}: benchmarks whose data is {access}")
    for kind in get_args(Kind):
        config.addinivalue_line("markers", f"{kind}: benchmarks of the kind {kind}")
    config.addinivalue_line("markers", "quick: a dozen benchmarks for a first look, at least one a category")


def mark_module(module: pytest.Module, task: Task) -> None:
    """Give a benchmark its marks, once. Raises NameTaken where another one of this session has its name.

    Marks sit on the module node: one per item would double the cost of collection.
    """
    if _MARKED in module.stash:
        return
    taken = module.config.stash.setdefault(_NAMES, {}).setdefault(task.name, module.path)
    if taken != module.path:
        from pytest_medhelm.plugin.outcomes import NameTaken

        # Their records could not be told apart.
        raise NameTaken(f"{module.path.name}: the name {task.name!r} is taken by {taken}; choose another, or run one")
    module.stash[_MARKED] = True
    module.config.stash.setdefault(COLLECTED, {})[task.name] = task
    module.config.addinivalue_line("markers", f"{task.name}: the benchmark {task.title}")
    for name in (task.name, slug(task.category), slug(task.subcategory), task.access, task.kind):
        module.add_marker(name)
    if task.quick:
        module.add_marker("quick")
