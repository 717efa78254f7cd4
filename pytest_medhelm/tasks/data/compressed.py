"""Instances at rest: thousands of patient records are held compressed until their test is near."""

from __future__ import annotations

import json
import pickle
import re
import sys
import zlib
from array import array
from collections.abc import Iterable
from dataclasses import fields
from functools import lru_cache
from itertools import accumulate
from operator import attrgetter

from pytest_medhelm.tasks.task import Instance, Task

FAST = 1
"""zlib's level: a third of the time of its default, for a tenth more memory."""
TOGETHER = 32_000
"""Bytes that are compressed together, in half the time and three quarters of the memory of 2,000 at a time."""
SURROGATE = re.compile(rb"\xed[\xa0-\xbf]")
"""Half a character as pickle writes it; a number may look the same. Seen before it is compressed."""
_values = attrgetter(*(field.name for field in fields(Instance)))


class CompressedInstance:
    """An instance of which only the id and its groups are at hand."""

    __slots__ = ("_content", "_place", "criteria", "group", "id", "length", "sub_task")

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
        self._content: bytes | _Block = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
        self._place = 0
        """Within a block."""

    @property
    def has_whole_characters(self) -> bool:
        """False for half a character (a lone surrogate, which JSON can write): it can be neither sent nor stored."""
        return SURROGATE.search(self._bytes) is None or _is_whole(self.unpack())

    @property
    def size(self) -> int:
        """Bytes that are not yet compressed."""
        return len(self._content) if isinstance(self._content, bytes) else 0

    def drop(self) -> None:
        """Forget the content: no sample can hold this instance."""
        self._content = b""

    @property
    def is_dropped(self) -> bool:
        """Only the id and its groups are left."""
        return not self._content

    def unpack(self) -> Instance:
        """The whole instance."""
        content = pickle.loads(self._bytes)
        return content if isinstance(content, Instance) else Instance(*content)

    @property
    def _bytes(self) -> bytes | memoryview:
        content = self._content
        return content if isinstance(content, bytes) else _opened(content)[content.starts[self._place] :]

    def _move(self, block: _Block, place: int) -> None:
        self._content, self._place = block, place


class _Block:
    """Contents of several instances."""

    __slots__ = ("compressed", "starts")

    def __init__(self, contents: list[bytes]) -> None:
        self.compressed = zlib.compress(b"".join(contents), FAST)
        self.starts = array("L", accumulate(map(len, contents[:-1]), initial=0))


@lru_cache(maxsize=4)  # Tests follow one another in the order of the instances.
def _opened(block: _Block) -> memoryview:
    return memoryview(zlib.decompress(block.compressed))


def compress(instances: Iterable[CompressedInstance]) -> None:
    """Make them small: they are of the evaluation set, and wait for their tests."""
    together: list[CompressedInstance] = []
    size = 0
    for instance in instances:
        if instance.size:
            together.append(instance)
            size += instance.size
        if size >= TOGETHER:
            _compress(together)
            together, size = [], 0
    if together:
        _compress(together)


def _compress(together: list[CompressedInstance]) -> None:
    block = _Block([bytes(instance._bytes) for instance in together])
    for place, instance in enumerate(together):
        instance._move(block, place)


def _is_whole(instance: Instance) -> bool:
    rest = [dict(instance.slices), instance.cluster, dict(instance.fields)]
    try:
        for text in (instance.id, instance.question, instance.answer, instance.context, *instance.choices):
            text.encode()
        json.dumps(rest, default=repr, ensure_ascii=False, skipkeys=True).encode()
    except UnicodeEncodeError:
        return False
    return True
