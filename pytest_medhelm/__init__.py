"""pytest-medhelm: clinical language-model benchmarks as pytest test suites.

The names below are what a benchmark module or a conftest.py imports. They are resolved on first use, so that
a project that merely has the plugin installed pays nothing for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_medhelm.scoring.metrics import Metric
    from pytest_medhelm.scoring.response import Response
    from pytest_medhelm.tasks.task import DataFile, DataFolder, Examples, Excluded, Instance, Task

__all__ = ["DataFile", "DataFolder", "Examples", "Excluded", "Instance", "Metric", "Response", "Task", "__version__"]

_HOME = {
    "DataFile": "tasks.task",
    "DataFolder": "tasks.task",
    "Examples": "tasks.task",
    "Instance": "tasks.task",
    "Excluded": "tasks.task",
    "Metric": "scoring.metrics",
    "Response": "scoring.response",
    "Task": "tasks.task",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-medhelm")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
