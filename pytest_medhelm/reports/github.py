"""What GitHub Actions shows without further setup: a summary below the job, an annotation for each rule not passed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_medhelm.reports.markdown import document
from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.util.escaping import visible

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Names the file that GitHub shows below a job."""
STEP_LIMIT = 1024 * 1024
"""Bytes that GitHub takes for a step."""


@pytest.hookimpl
def pytest_medhelm_report(leaderboard: Leaderboard) -> Iterator[str]:
    """Add to the summary of the step; annotate. Nothing happens elsewhere than on GitHub."""
    step = os.environ.get(STEP_SUMMARY)
    if step:
        try:
            _append(Path(step), document(leaderboard))
        except OSError as error:
            yield f"the summary of the GitHub step could not be written: {error.strerror}"
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for gate in leaderboard["results"]["gates"]:
            if gate["verdict"] != "pass":
                yield f"::error title=medhelm gate::{_data(visible(gate['sentence']))}"


def _append(path: Path, text: str) -> None:
    room = STEP_LIMIT - (path.stat().st_size if path.exists() else 0)
    if len(text.encode()) > room:
        text = "The leaderboard is too long for a summary: see summary.md among the files of the suite.\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _data(text: str) -> str:
    """The message of a workflow command (GitHub, Workflow commands): on one line, so that it cannot hold another."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
