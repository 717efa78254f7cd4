"""The package's own modules are imported as Python does it, not rewritten for the sake of their assertions.

pytest rewrites the assertions of all modules of an installed plugin and keeps the result beside them. Where it may
not write (a read-only site-packages, PYTHONDONTWRITEBYTECODE, as in most containers) it compiles each of them again in
every session, although Python's own compiled files lie there. Benchmarks are test modules and stay pytest's.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

import pytest


class PlainImports(MetaPathFinder):
    """Finds the package's modules before pytest does."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None for any other module."""
        if not name.startswith("pytest_medhelm.") or name.startswith("pytest_medhelm.benchmarks"):
            return None
        return PathFinder.find_spec(name, path, target)


def import_plainly(config: pytest.Config) -> None:
    """From here to the end of the session."""
    finder = PlainImports()
    sys.meta_path.insert(0, finder)
    config.add_cleanup(lambda: sys.meta_path.remove(finder))
