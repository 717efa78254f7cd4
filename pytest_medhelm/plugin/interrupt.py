"""Ctrl-C ends a run soon."""

from __future__ import annotations

from pathlib import Path

import pytest


def keep_one_frame(config: pytest.Config, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave one frame of an interrupt's traceback, that of the shortest file.

    pytest shows one line of it, and --full-trace the rest. But it parses the file of every frame first, in each worker
    too: that takes seconds on a busy machine, while somebody waits for the run to end.
    """
    if not config.getoption("fulltrace", False):
        frames = excinfo.traceback
        shortest = min(range(len(frames)), key=lambda number: _size(frames[number].path))
        excinfo.traceback = frames[shortest : shortest + 1]


def _size(path: Path | str) -> int:
    return path.stat().st_size if isinstance(path, Path) and path.is_file() else 1 << 30
