"""pytest-medhelm: clinical language-model benchmarks as pytest test suites.

The names below are what a benchmark module or a conftest.py imports. They are resolved on first use, so that
a project that merely has the plugin installed pays nothing for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_medhelm.plugin.fixtures import Score
    from pytest_medhelm.scoring import answers
    from pytest_medhelm.scoring.jury.jury import Jury
    from pytest_medhelm.scoring.metrics import Metric
    from pytest_medhelm.scoring.response import Response
    from pytest_medhelm.tasks.data.folders import files_in
    from pytest_medhelm.tasks.data.readers import Row, content_id, digest, read_json, read_jsonl
    from pytest_medhelm.tasks.points import PointsCriterion, PointsRubric
    from pytest_medhelm.tasks.prompts import Message
    from pytest_medhelm.tasks.task import DataFile, DataFolder, Examples, Excluded, Instance, Task
    from pytest_medhelm.util.errors import DataError

__all__ = [
    "DataError",
    "DataFile",
    "DataFolder",
    "Examples",
    "Excluded",
    "Instance",
    "Jury",
    "Message",
    "Metric",
    "PointsCriterion",
    "PointsRubric",
    "Response",
    "Row",
    "Score",
    "Task",
    "__version__",
    "answers",
    "content_id",
    "digest",
    "files_in",
    "read_json",
    "read_jsonl",
]

_HOME = {
    "DataFile": "tasks.task",
    "DataFolder": "tasks.task",
    "Examples": "tasks.task",
    "Instance": "tasks.task",
    "Excluded": "tasks.task",
    "Metric": "scoring.metrics",
    "Response": "scoring.response",
    "Task": "tasks.task",
    "Score": "plugin.fixtures",
    "Jury": "scoring.jury.jury",
    "files_in": "tasks.data.folders",
    "Row": "tasks.data.readers",
    "content_id": "tasks.data.readers",
    "digest": "tasks.data.readers",
    "read_json": "tasks.data.readers",
    "read_jsonl": "tasks.data.readers",
    "PointsCriterion": "tasks.points",
    "PointsRubric": "tasks.points",
    "Message": "tasks.prompts",
    "DataError": "util.errors",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-medhelm")
    if name == "answers":
        return import_module(f"{__name__}.scoring.answers")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
