"""Benchmarks that -m, -k or --deselect leave nothing of are not read: what is decided before their data are opened.

The same items run as if all data had been read. Whether an identifier of an expression holds of an item is known where
it stands in a name or a mark of its file, class or function; it is unknown where it may stand in what only the data
say, the instance's id. A test function is left out when the expression fails whatever the unknown ones are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.mark import MarkMatcher
from _pytest.mark.expression import Expression
from _pytest.mark.structures import get_unpacked_marks

from pytest_medhelm.models.roster import ROSTER
from pytest_medhelm.plugin.marks import mark_module
from pytest_medhelm.tasks.benchmark import PACKAGED
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.tasks.taxonomy import CATEGORIES, slug

if TYPE_CHECKING:
    from pytest_medhelm.util.settings import Settings

Answer = Callable[..., "bool | None"]
"""Whether an identifier (with the arguments of a mark) holds of an item; None: not known before the data are read."""

UNKNOWN_AT_MOST = 8
"""Unknown identifiers whose combinations are tried; with more, the data are read."""
IN_IDS_TOO = {"clear"}
"""Names of benchmarks that are part of ids as well (nuclear)."""
GIVE_MARKS = ("pytest_collection_modifyitems", "pytest_itemcollected", "pytest_generate_tests")
"""Hooks by which a plugin may give items marks and names of its own."""
GIVE_NONE = ("_pytest.", "xdist.", "pytest_medhelm.", "pytest_html.", "_hypothesis", "anyio.", "pytest_timeout")
"""Modules whose hooks of these names do no such thing to a benchmark's tests."""


class LeftOut:
    """Decides at each test function of a benchmark, and counts; a plugin of the process that collects."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._keywords = _compiled(config.getoption("keyword"))
        self._marks = _compiled(config.getoption("markexpr"))
        self._deselected = tuple(config.getoption("deselect") or ())
        # A node id that is named must be found, also where an expression deselects it.
        is_named = any("::" in argument for argument in config.args)
        self._decides = not is_named and bool(self._keywords or self._marks or self._deselected)
        self._read: set[str] = set()
        self._left: set[str] = set()

    @property
    def names(self) -> set[str]:
        """The benchmarks of which nothing was collected."""
        return self._left - self._read

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(
        self, collector: pytest.Module | pytest.Class, name: str, obj: object
    ) -> list[pytest.Item] | None:
        """No item for a test function of which none would run."""
        if not self._decides:
            return None
        module = collector.getparent(pytest.Module)
        task = getattr(module and module.obj, "TASK", None)
        if module is None or not isinstance(task, Task) or not collector.istestfunction(obj, name):
            return None
        mark_module(module, task)
        if self._may_run(collector, name, obj, task):
            self._read.add(task.name)
            return None
        self._left.add(task.name)
        return []

    def pytest_report_collectionfinish(self) -> str | None:
        """How many there are."""
        if not self.names:
            return None
        benchmarks = "1 benchmark is" if len(self.names) == 1 else f"{len(self.names)} benchmarks are"
        return f"medhelm: {benchmarks} left out by the selection, and not read"

    def _may_run(self, collector: pytest.Module | pytest.Class, name: str, function: object, task: Task) -> bool:
        if self._deselected and f"{collector.nodeid}::{name}".startswith(self._deselected):
            return False
        marks = [*collector.iter_markers(), *get_unpacked_marks(function)]
        is_closed = not _others_give_marks(self._config)

        def has_mark(name: str, /, **arguments: str | int | bool | None) -> bool | None:
            if MarkMatcher.from_markers(marks)(name, **arguments):
                return True
            # The item that stands for missing data is skipped.
            return False if is_closed and name != "skip" else None

        known = [node.name for node in collector.listchain()[1:] if not _is_root(node)]
        known += [name, *collector.listextrakeywords(), *(mark.name for mark in marks)]
        can_be_elsewhere = self._may_be_in_ids(collector.path, task) if is_closed else lambda word: True

        def has_name(name: str, /, **arguments: object) -> bool | None:
            word = name.lower()
            if not arguments and any(word in text.lower() for text in known):
                return True
            return None if arguments or can_be_elsewhere(word) else False

        return (self._marks is None or _can_hold(self._marks, has_mark)) and (
            self._keywords is None or _can_hold(self._keywords, has_name)
        )

    def _may_be_in_ids(self, path: Path, task: Task) -> Callable[[str], bool]:
        """Whether a word can stand in the square brackets of a benchmark's items, by what is known of them."""
        if path not in _packaged() or self._settings.config.data.get(task.name, {}).get("accept"):
            return lambda word: True
        models = " ".join(model.name.lower() for model in self._config.stash[ROSTER].models)
        return lambda word: word not in _vocabulary() or word in models


def _compiled(text: str | None) -> Expression | None:
    """None where there is none, or one that pytest will refuse."""
    try:
        return Expression.compile(text) if text and text.strip() else None
    except SyntaxError:
        return None


def _can_hold(expression: Expression, answer: Answer, assumed: Mapping[object, bool] | None = None) -> bool:
    """Whether an expression is true for some truth of what ``answer`` does not know."""
    assumed = assumed or {}
    unknown: list[object] = []

    def matches(name: str, /, **arguments: str | int | bool | None) -> bool:
        key = (name, *sorted(arguments.items()))
        known = assumed[key] if key in assumed else answer(name, **arguments)
        if known is None:
            unknown.append(key)
        return bool(known)

    if expression.evaluate(matches):
        return True
    if not unknown:
        return False
    if len(assumed) == UNKNOWN_AT_MOST:
        return True
    return any(_can_hold(expression, answer, {**assumed, unknown[0]: value}) for value in (True, False))


def _is_root(node: object) -> bool:
    return isinstance(node, pytest.Directory) and isinstance(node.parent, pytest.Session)


def _others_give_marks(config: pytest.Config) -> bool:
    """Whether a plugin or a conftest.py has hooks that may change what an expression finds."""
    hooks = (implementation for name in GIVE_MARKS for implementation in getattr(config.hook, name).get_hookimpls())
    return any(not f"{hook.function.__module__}.".startswith(GIVE_NONE) for hook in hooks)


@cache
def _packaged() -> frozenset[Path]:
    """The modules of the package's own benchmarks."""
    return frozenset(path for home in PACKAGED for path in home.glob("*/test_*.py"))


@cache
def _vocabulary() -> frozenset[str]:
    """Words that no id of the package's benchmarks holds: their names, and those of files, functions, categories.

    Words alone, like sql or jury, are parts of other words; only those of benchmarks are coined.
    """
    names = {slug(text) for category, parts in CATEGORIES.items() for text in (category, *parts)}
    for path in _packaged():
        names |= {path.name, path.stem, path.stem.removeprefix("test_")}
    return frozenset(names - IN_IDS_TOO)
