"""Checksums of data files; what was hashed once is remembered as long as the file is the same."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
import zlib
from contextlib import suppress
from pathlib import Path

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
    before = _state(path)
    if before is None or before[0] < SMALL:
        return content_sha256(path)
    memory = cache_dir() / "checksums.json"
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    entries = _read(memory)
    if entries.get(name, [])[:-1] == before:
        return str(entries[name][-1])
    digest = content_sha256(path)
    if before == _state(path) and time.time_ns() - max(before[1:3]) > SETTLED_NS:
        entries.pop(name, None)
        entries[name] = [*before, digest]
        # A cache folder that cannot be written to costs time and nothing else.
        with suppress(OSError):
            write_json(memory, dict([*entries.items()][-REMEMBERED:]))
    return digest


def _state(path: Path) -> list[int] | None:
    """What changes with a file's content; None where it cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev, status.st_ino]


def _read(memory: Path) -> dict[str, list[int | str]]:
    """What is remembered; nothing where the file is not there or is none of ours."""
    try:
        entries = json.loads(memory.read_bytes())
    except (OSError, ValueError):
        return {}
    is_ours = isinstance(entries, dict) and all(isinstance(entry, list) for entry in entries.values())
    return entries if is_ours else {}
