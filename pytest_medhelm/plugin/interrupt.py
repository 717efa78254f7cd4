"""Ctrl-C ends a run soon."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest


def end_soon(config: pytest.Config, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Spare what takes seconds on a busy machine, in each worker too, while somebody waits for the run to end.

    Of an interrupt pytest shows one line, and --full-trace the rest; but it parses the file of each frame first. One is
    left, that of the shortest file. And it collects garbage among all items several times before the process ends.
    """
    gc.freeze()
    if not config.getoption("fulltrace", False):
        frames = excinfo.traceback
        shown = [number for number, frame in enumerate(frames) if not frame.ishidden(excinfo)]
        shortest = min(shown, key=lambda number: _size(frames[number].path), default=len(frames) - 1)
        excinfo.traceback = frames[shortest : shortest + 1]


def _size(path: Path | str) -> int:
    return path.stat().st_size if isinstance(path, Path) and path.is_file() else 1 << 30
