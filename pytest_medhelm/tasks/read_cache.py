"""What was read of public data before: the same code makes the same of the same files, so it is not made again.

Reading the package's own benchmarks takes several times as long as taking what was read from a copy in the cache
folder. There are copies only of files with the checksums that the package pins, and of the invented data that it brings
along: never of gated or private data, nor of a file that a user put in the place of a public one. A copy is taken by
the code that made it alone: any change of the package, of a library that reads files or of Python makes it worthless.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pytest_medhelm.tasks.benchmark import PACKAGED
from pytest_medhelm.tasks.data.compressed import CompressedInstance, compress
from pytest_medhelm.tasks.data.sources import Source
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.util.cache_dir import folder_of_ours
from pytest_medhelm.util.files import replacing

READERS = ("openpyxl", "pyarrow", "PyYAML")
"""Packages that read files."""
SETTLED_NS = 60_000_000_000
"""Code that changed less than this before it was imported, or later, may be another one: what it reads is not kept."""
_IMPORTED_NS = time.time_ns()
_DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class ReadData:
    """What the data of a benchmark hold."""

    instances: Sequence[CompressedInstance]
    """Those that a sample may hold."""
    total: int
    """All instances."""
    majority: str
    """The most frequent reference."""
    labels: tuple[str, ...]
    """All references where they are few; else empty."""
    known_sub_tasks: tuple[str, ...]
    left_out: Mapping[str, int]
    """By rule, records that are no instances."""
    never_events: int


class Copy:
    """The copy of a benchmark's data, which need not be there."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key

    def take(self) -> ReadData | None:
        """What was read; None where it was not read in the same way, or the copy is damaged."""
        if not self._path.is_file():
            return None
        try:
            content = memoryview(self._path.read_bytes())
        except OSError:
            return None
        if content[:_DIGEST] != self._digest(content[_DIGEST:]):
            return None
        read: ReadData = pickle.loads(content[_DIGEST:])
        return read

    def keep(self, read: ReadData) -> None:
        """Write it in place of an earlier one; a full disk costs time and nothing else."""
        if _IMPORTED_NS - _code()[1] < SETTLED_NS:
            return
        compress(read.instances)
        content = pickle.dumps(read, pickle.HIGHEST_PROTOCOL)
        with suppress(OSError), replacing(self._path) as file:
            file.write(self._digest(content))
            file.write(content)

    def _digest(self, content: bytes | memoryview) -> bytes:
        digest = hashlib.sha256(self._key.encode())
        digest.update(content)
        return digest.digest()


def copy_of(task: Task, module: Path, source: Source, manner: Sequence[object]) -> Copy | None:
    """Where a copy is, or would be; None where there must be none. ``manner``: the settings that it depends on."""
    if not _is_public(task, module, source):
        return None
    folder = folder_of_ours("read")
    try:
        code, _ = _code()
    except OSError:
        return None
    if folder is None:
        return None
    files = [sorted(source.sha256.items()), [path.name for path in source.paths]]
    return Copy(folder / f"{task.name}.pickle", json.dumps([code, task.name, files, list(map(repr, manner))]))


def _is_public(task: Task, module: Path, source: Source) -> bool:
    """Whether these are the very bytes that everybody can have, read by the package's own code."""
    if task.access != "public" or source.accepted or not any(map(module.is_relative_to, PACKAGED)):
        return False
    if source.origin == "own":
        return any(map(source.folder.is_relative_to, PACKAGED))
    return source.origin != "sample" and all(file.sha256 for file in task.files)


@cache
def _code() -> tuple[str, int]:
    """What changes with the code that reads data, and when that changed last. Raises OSError where it is hidden."""
    roots = {root for root in (Path(__file__).parents[1], *PACKAGED) if root.is_dir()}
    files = sorted(file for root in roots for file in _python_files(str(root)))
    packages = [_version(package) for package in READERS]
    digest = hashlib.sha256(json.dumps([sys.version, packages, files]).encode()).hexdigest()
    return digest, max((max(mtime, ctime) for _, _, mtime, ctime, _ in files), default=_IMPORTED_NS)


def _python_files(folder: str) -> Iterator[tuple[str, int, int, int, int]]:
    """Path, size, time of change, of the inode's change, and inode."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.name != "__pycache__":
                yield from _python_files(entry.path)
            elif entry.name.endswith(".py"):
                # A link that leads nowhere, such as an editor leaves beside a file, is no code.
                with suppress(FileNotFoundError):
                    state = entry.stat()
                    yield entry.path, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
