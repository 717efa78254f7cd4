"""Ctrl-C ends a run soon."""

from __future__ import annotations

import pytest


def keep_last_frame(config: pytest.Config, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave of an interrupt's traceback what pytest shows of it.

    For the rest, which only --full-trace shows, pytest parses the source of every frame, in each worker too: that takes
    seconds on a busy machine, while somebody waits for the run to end.
    """
    if not config.getoption("fulltrace", False):
        excinfo.traceback = excinfo.traceback[-1:]
