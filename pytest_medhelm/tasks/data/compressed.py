"""Instances at rest: thousands of patient records are held compressed until their test is near."""

from __future__ import annotations

import json
import pickle
import re
import sys
import zlib
from dataclasses import fields
from operator import attrgetter

from pytest_medhelm.tasks.task import Instance, Task

FAST = 1
"""zlib's level: a third of the time of its default, for a tenth more memory."""
SURROGATE = re.compile(rb"\xed[\xa0-\xbf]")
"""Half a character as pickle writes it; a number may look the same. Seen before it is compressed."""
_values = attrgetter(*(field.name for field in fields(Instance)))


class CompressedInstance:
    """An instance of which only the id and its groups are at hand."""

    __slots__ = ("_content", "_is_compressed", "criteria", "group", "id", "length", "sub_task")

    def __init__(self, instance: Instance, task: Task) -> None:
        """Not yet compressed: most of a large file may be left out by a limit."""
        self.id = instance.id
        self.length = max(instance.characters, len(instance.question) + len(instance.context))
        """Characters that are asked."""
        self.criteria = len(instance.criteria)
        """Criteria with points that it brings."""
        self.sub_task = sys.intern(instance.slices.get(task.sub_tasks_by, "") if task.sub_tasks_by else "")
        """The sub-task that it belongs to; empty where the benchmark has none."""
        self.group = sys.intern(instance.slices.get(task.limit_by, "") if task.limit_by else self.sub_task)
        """The group of which the limit holds."""
        self.replace(instance)

    def __repr__(self) -> str:
        # pytest shows it under --setup-show, and a record number is patient data too.
        return "an instance"

    def replace(self, instance: Instance) -> None:
        """Hold another content under the same id."""
        # Its values alone: a frozen dataclass is slow to take apart.
        content = _values(instance) if type(instance) is Instance else instance
        self._content = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
        self._is_compressed = False

    @property
    def has_whole_characters(self) -> bool:
        """False for half a character (a lone surrogate, which JSON can write): it can be neither sent nor stored."""
        return SURROGATE.search(self._content) is None or _is_whole(self.unpack())

    def compress(self) -> None:
        """Make it small: it is one of the evaluation set."""
        if not self._is_compressed:
            self._content = zlib.compress(self._content, FAST)
            self._is_compressed = True

    def drop(self) -> None:
        """Forget the content: no sample can hold this instance."""
        self._content = b""

    @property
    def is_dropped(self) -> bool:
        """Only the id and its groups are left."""
        return not self._content

    def unpack(self) -> Instance:
        """The whole instance."""
        content = pickle.loads(zlib.decompress(self._content) if self._is_compressed else self._content)
        return content if isinstance(content, Instance) else Instance(*content)


def _is_whole(instance: Instance) -> bool:
    rest = [dict(instance.slices), instance.cluster, dict(instance.fields)]
    try:
        for text in (instance.id, instance.question, instance.answer, instance.context, *instance.choices):
            text.encode()
        json.dumps(rest, default=repr, ensure_ascii=False, skipkeys=True).encode()
    except UnicodeEncodeError:
        return False
    return True
