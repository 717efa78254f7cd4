"""What several test files share."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from perf.mock_server import MockServer

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
