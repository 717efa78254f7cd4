"""Which requests are under way in some process on this suite, so that no other asks them too.

A claim is a lock of the operating system on one byte of a file beside responses.sqlite, whose place is the request's
short key. It ends with the process that holds it, however that ends, and whatever process gets its number afterwards;
nothing is left behind in a file. SQLite needs the same locks of the file system; where there are none, nothing is
shared.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

_OF_DESCRIPTION = sys.platform == "linux" and sys.maxsize > 2**32
"""Locks belong to the open file and not to the process: two engines in one process do not take each other's."""


class Claims:
    """The claims of one engine; belongs to one thread."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)

    def take(self, key: int) -> bool:
        """Claim a request; False while another one has it. One's own is taken again."""
        try:
            self._lock(key, taken=True)
        except BlockingIOError:
            return False
        except OSError as error:
            # EACCES is what some systems say for a lock that is held; all else: no locks on this file system.
            return not isinstance(error, PermissionError)
        return True

    def release(self, key: int) -> None:
        """Give a claim back."""
        with contextlib.suppress(OSError):
            self._lock(key, taken=False)

    def close(self) -> None:
        """Give all claims back."""
        os.close(self._file)

    def _lock(self, key: int, *, taken: bool) -> None:
        if fcntl is None:  # pragma: no cover - Windows
            import msvcrt

            os.lseek(self._file, key, os.SEEK_SET)
            msvcrt.locking(self._file, msvcrt.LK_NBLCK if taken else msvcrt.LK_UNLCK, 1)
        elif _OF_DESCRIPTION:
            kind = fcntl.F_WRLCK if taken else fcntl.F_UNLCK
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, struct.pack("@hhqqi4x", kind, os.SEEK_SET, key, 1, 0))
        else:
            fcntl.lockf(self._file, (fcntl.LOCK_EX | fcntl.LOCK_NB) if taken else fcntl.LOCK_UN, 1, key)
