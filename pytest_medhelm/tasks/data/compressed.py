"""Instances at rest: thousands of patient records are held compressed until their test is near."""

from __future__ import annotations

import pickle
import sys
import zlib

from pytest_medhelm.tasks.task import Instance, Task


class CompressedInstance:
    """An instance of which only the id and its groups are at hand."""

    __slots__ = ("_content", "criteria", "group", "id", "length", "stratum")

    def __init__(self, instance: Instance, task: Task) -> None:
        self.id = instance.id
        self.length = max(instance.characters, len(instance.question) + len(instance.context))
        """Characters that are asked."""
        self.criteria = len(instance.criteria)
        """Criteria with points that it brings."""
        self.stratum = sys.intern(instance.slices.get(task.sub_tasks_by, "") if task.sub_tasks_by else "")
        """The sub-run that it belongs to; empty where the benchmark has none."""
        self.group = sys.intern(instance.slices.get(task.limit_by, "") if task.limit_by else self.stratum)
        """The group of which the limit holds."""
        self._content = zlib.compress(pickle.dumps(instance, pickle.HIGHEST_PROTOCOL))

    def __repr__(self) -> str:
        # pytest shows it under --setup-show, and a record number is patient data too.
        return "an instance"

    def unpack(self) -> Instance:
        """The whole instance."""
        instance: Instance = pickle.loads(zlib.decompress(self._content))
        return instance
