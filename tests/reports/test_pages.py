"""The pages in a real browser: they open from disk, and hostile answers run nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from tests.support.browser import CHROMIUM, needs_browser
from tests.support.servers import vllm
from tests.support.texts import HOSTILE


def browse(address: str, profile: Path) -> str:
    """The page's document after the browser has loaded it and run whatever would run."""
    assert CHROMIUM is not None
    result = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}",
            "--dump-dom", "--virtual-time-budget=2000", address,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return result.stdout


@needs_browser
def test_hostile_answers_run_nothing_in_a_browser(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    def reply(body: dict[str, Any]) -> str:
        return texts[int(body["messages"][-1]["content"].split()[1].rstrip("."))]

    with MockServer(reply) as server, MockServer() as elsewhere:
        texts = [text.replace("127.0.0.1:9/", f"127.0.0.1:{elsewhere.port}/") for text in HOSTILE]
        run(*vllm(server), f"--medhelm-data={letters(len(texts))}")
        folder = pytester.path / "medhelm-results/default"
        addresses = [(folder / "leaderboard.html").as_uri()]
        addresses += [f"{(folder / 'instances.html').as_uri()}#benchmark=letters&instance=q00{at}" for at in (0, 2)]
        board, script, markup = (browse(address, pytester.path / "profile") for address in addresses)
        assert elsewhere.connections == 0
    for document in (board, script, markup):
        assert "<title>run</title>" not in document
        assert "<title>" in document
    assert "Leaderboard of suite" in board
    assert "&lt;script&gt;document.title='run'&lt;/script&gt;" in script
    assert "&lt;/pre&gt;&lt;/details&gt;&lt;script" in markup
