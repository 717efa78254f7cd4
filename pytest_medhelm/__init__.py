"""pytest-medhelm: clinical language-model benchmarks as pytest test suites.

The names below are what a benchmark module or a conftest.py imports. They are resolved on first use, so that
a project that merely has the plugin installed pays nothing for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_medhelm.metrics import Metric
    from pytest_medhelm.response import Response
    from pytest_medhelm.task import DataFile, DataFolder, Examples, Instance, LeftOut, Task

__all__ = ["DataFile", "DataFolder", "Examples", "Instance", "LeftOut", "Metric", "Response", "Task", "__version__"]

_HOME = {
    "DataFile": "task",
    "DataFolder": "task",
    "Examples": "task",
    "Instance": "task",
    "LeftOut": "task",
    "Metric": "metrics",
    "Response": "response",
    "Task": "task",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-medhelm")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
