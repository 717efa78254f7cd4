"""How much a compressed file may unpack to: a small one that unpacks to gigabytes is refused by name, not by memory.

A file may unpack to LIMIT, and beyond SMALL to RATIO times its size. Tables of text are packed five- to thirtyfold;
what is packed a thousandfold was made to fill a memory. --medhelm-data-limit takes the place of both.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from typing import Protocol
from zipfile import BadZipFile, ZipInfo

from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.settings import DataLimit

LIMIT = 1 << 30
SMALL = 64 << 20
"""Bytes."""
RATIO = 200
DAMAGED = (BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, ValueError)
"""What zipfile raises where an archive is damaged, has a password or is packed in an unknown way."""
_BLOCK = 1 << 20
_given: ContextVar[DataLimit | None] = ContextVar("data_limit", default=None)


class Readable(Protocol):
    """A file that is open to be read."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes, none at its end."""


@contextmanager
def data_limit(given: DataLimit | None) -> Iterator[None]:
    """Within it files may unpack to so many bytes; None: to what this module allows."""
    before = _given.set(given)
    try:
        yield
    finally:
        _given.reset(before)


def allowed(packed: int) -> int | None:
    """The bytes to which a file of so many packed bytes may unpack; None: any number."""
    given = _given.get()
    if given == "none":
        return None
    return min(LIMIT, max(SMALL, RATIO * packed)) if given is None else given


def require_size(name: str, size: int, packed: int) -> None:
    """Raise DataError naming the file and the limit when it unpacks to ``size`` bytes or more."""
    limit = allowed(packed)
    if limit is not None and size > limit:
        why = f", or {RATIO} times its size" if _given.get() is None and limit < LIMIT else ""
        raise DataError(
            f"{name} unpacks to more than {_readable(limit)}{why}: look whether it is the "
            "right file, and type e.g. --medhelm-data-limit=8GB (or none) if it is"
        )


def require_members(name: str, members: Iterable[ZipInfo], packed: int) -> None:
    """Raise DataError when what a zip file says of its members is more than it may unpack to.

    ``zipfile`` reads no more of a member than the file says.
    """
    require_size(name, sum(member.file_size for member in members), packed)


def unpack_gzip(name: str, content: bytes) -> bytes:
    """The unpacked content. Raises DataError when it is damaged or more than it may be."""
    try:
        with gzip.GzipFile(fileobj=BytesIO(content)) as file:
            return b"".join(bounded(name, file, len(content)))
    except (OSError, EOFError, zlib.error):
        raise DataError(f"{name} cannot be unpacked: it is no gzip file, or cut short") from None


def bounded(name: str, file: Readable, packed: int) -> Iterator[bytes]:
    """The unpacked blocks of a file. Raises DataError as soon as they are more than they may be."""
    size = 0
    while block := file.read(_BLOCK):
        size += len(block)
        require_size(name, size, packed)
        yield block


def _readable(size: int) -> str:
    return f"{size / (1 << 30):.3g} GB" if size >= 1 << 30 else f"{size / (1 << 20):.3g} MB"
