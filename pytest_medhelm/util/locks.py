"""One process at a time, by a lock file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_medhelm.util.files import open_to_append


@contextmanager
def locked(path: Path, waiting: Callable[[], object]) -> Iterator[None]:
    """Hold the lock file ``path``; ``waiting`` is called once when another process (or thread) holds it.

    The kernel keeps the lock, so that it ends with the process however that ends; the file itself stays. On Windows
    nothing is locked: what is done under the lock must end in an atomic rename all the same. Raises OSError when the
    file cannot be made.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with os.fdopen(open_to_append(path), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
