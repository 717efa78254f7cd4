"""Checksums of data files; what was hashed once is remembered as long as the file is the same."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from pytest_medhelm.tasks.data.folders import listing
from pytest_medhelm.tasks.data.limits import bounded
from pytest_medhelm.util.cache_dir import cache_dir
from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.files import write_json

SMALL = 100_000
"""Bytes below which hashing costs less than looking it up."""
SETTLED_NS = 2_000_000_000
"""A file that changed less than this ago may change again without its times showing it."""
REMEMBERED = 2000
"""Files, the last ones; a few hundred kilobytes."""


def content_sha256(path: Path) -> str:
    """SHA-256 of a file's content, unpacked if it ends in .gz. Raises DataError when it cannot be read."""
    try:
        if path.suffix != ".gz":
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        sha256 = hashlib.sha256()
        with gzip.open(path) as unpacked:
            for block in bounded(path.name, unpacked, path.stat().st_size):
                sha256.update(block)
        return sha256.hexdigest()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def known_sha256(path: Path) -> str:
    """As ``content_sha256``, from memory where size, times of change, device and inode are those of last time.

    The time of the inode's change is among them, which no program can set back. The memory is in the cache folder and
    names no file: who names one may name it after a patient.
    """
    return _known(os.fsencode(path.resolve()), partial(_state, path), partial(content_sha256, path))


def known_listing(folder: Path, pattern: str) -> str:
    """As ``listing`` of a folder or its zip file, from memory where this holds of all of its files."""
    # A folder's name is part of its listing.
    name = b"\0".join(os.fsencode(part) for part in (folder.resolve(), folder.name, pattern))
    return _known(name, partial(_folder_state, folder, pattern), partial(listing, folder, pattern))


def _known(name: bytes, state: Callable[[], list[int] | None], compute: Callable[[], str]) -> str:
    before = state()
    if before is None or before[0] < SMALL:
        return compute()
    memory = cache_dir() / "checksums.json"
    key = hashlib.sha256(name).hexdigest()
    entries = _read(memory)
    if entries.get(key, [])[:-1] == before:
        return str(entries[key][-1])
    digest = compute()
    if before == state() and time.time_ns() - max(before[1:3]) > SETTLED_NS:
        entries.pop(key, None)
        entries[key] = [*before, digest]
        # A cache folder that cannot be written to costs time and nothing else.
        with suppress(OSError):
            write_json(memory, dict([*entries.items()][-REMEMBERED:]))
    return digest


def _folder_state(folder: Path, pattern: str) -> list[int] | None:
    """As ``_state`` of all that may belong to the data: its size, its latest times, and a digest of the rest."""
    if folder.is_file():
        return _state(folder)
    try:
        with os.scandir(folder) as entries:
            states = {entry.name: _facts(entry.stat()) for entry in entries if fnmatchcase(entry.name, pattern)}
    except OSError:
        return None
    if not states:
        return None
    sizes, changes, inode_changes, *_ = zip(*states.values(), strict=True)
    digest = hashlib.sha256(json.dumps(states, sort_keys=True).encode()).hexdigest()
    return [sum(sizes), max(changes), max(inode_changes), int(digest, 16)]


def _state(path: Path) -> list[int] | None:
    """What changes with a file's content; None where it cannot be looked at."""
    try:
        return _facts(path.stat())
    except OSError:
        return None


def _facts(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev, status.st_ino]


def _read(memory: Path) -> dict[str, list[int | str]]:
    """What is remembered; nothing where the file is not there or is none of ours."""
    try:
        entries = json.loads(memory.read_bytes())
    except (OSError, ValueError):
        return {}
    is_ours = isinstance(entries, dict) and all(isinstance(entry, list) for entry in entries.values())
    return entries if is_ours else {}
