"""The mock server's addresses, and waiting for what it was asked."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from perf.mock_server import MockServer

WAIT = 60.0
"""Seconds after which what has not come about will not; a busy machine may need some of them."""

QUICK = """
[endpoints.quick]
base_url = "{url}"
retries = {retries}
timeout = {timeout}
"""


def quick(pytester: pytest.Pytester, url: str, retries: int = 5, timeout: float = 20) -> str:
    """A named endpoint with short limits; returns the option that names its model."""
    (pytester.path / "medhelm.toml").write_text(QUICK.format(url=url, retries=retries, timeout=timeout))
    return "--medhelm-model=quick/mock"


def vllm(server: MockServer) -> tuple[str, str]:
    return "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}"


def answered_on_disk(folder: Path) -> set[str]:
    """Keys of the stored answers; none while the file is not there or only begun."""
    address = (folder / "medhelm-results/default/responses.sqlite").as_uri()
    try:
        with closing(sqlite3.connect(f"{address}?mode=ro", uri=True)) as connection:
            return {row[0] for row in connection.execute("SELECT key FROM responses")}
    except sqlite3.OperationalError:
        return set()


def until(found: Callable[[], object]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + WAIT
    while not found():
        assert time.monotonic() < end
        time.sleep(0.02)
