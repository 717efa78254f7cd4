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
from functools import cache
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

_PROC = Path("/proc")
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


def process_name() -> str:
    """What names this process for good: its number, and when it started, since numbers are given again."""
    return _name_of(os.getpid())


@cache
def _name_of(pid: int) -> str:
    return f"{pid}:{_start_of(pid)}"


def is_alive(name: str) -> bool:
    """Whether the process of that name still runs; one that has ended but was not fetched by its parent does not."""
    number, _, start = str(name).partition(":")
    if not number.isdecimal():
        return False
    if (_PROC / "self" / "stat").exists():
        return bool(start) and _start_of(int(number)) == start
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _start_of(pid: int) -> str:
    """When a process started, in ticks since the machine did; empty where that is not known, or it has ended."""
    try:
        state, *fields = (_PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state in "ZXx" else fields[18]
