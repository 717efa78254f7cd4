"""leaderboard.html and instances.html: the pages that open from disk.

Everything is escaped by the template engine or put in as text by our script: hostile model output stays text, and no
request leaves the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest

from pytest_medhelm.engine.store import ResponseStore
from pytest_medhelm.reports.browser_files import address, write_browser
from pytest_medhelm.reports.files import write_private
from pytest_medhelm.reports.pages import template
from pytest_medhelm.results.suite import Suite


@pytest.hookimpl
def pytest_medhelm_report(leaderboard: Mapping[str, Any], suite: Suite) -> list[str]:
    """Write the pages; the line says where the first one is."""
    with closing(ResponseStore(suite.folder / "responses.sqlite")) as store:
        write_browser(suite, store, leaderboard)
    page = suite.folder / "leaderboard.html"
    write_private(page, leaderboard_page(leaderboard, links(leaderboard)))
    return [f"page: {page}"]


def links(leaderboard: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """By (benchmark, model) where its instances are shown."""
    return {
        (cell["benchmark"], cell["model"]): address(cell["benchmark"], cell["model"])
        for cell in leaderboard["results"]["cells"]
    }


def leaderboard_page(
    leaderboard: Mapping[str, Any], links: Mapping[tuple[str, str], str], served: Mapping[str, Any] | None = None
) -> str:
    """leaderboard.html; ``links``: where the instances of each (benchmark, model) are.

    ``served``: how far the run is, on a page that ``medhelm serve`` shows and keeps up to date.
    """
    return template("leaderboard.html").render(**leaderboard_values(leaderboard, links), served=served)


def leaderboard_values(leaderboard: Mapping[str, Any], links: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """What the template of the leaderboard, and one that extends it, is filled with."""
    cells = leaderboard["results"]["cells"]
    return {
        "board": leaderboard,
        "results": leaderboard["results"],
        "facts": {facts["name"]: facts for facts in leaderboard["results"]["benchmarks"]},
        "table": {(cell["benchmark"], cell["model"]): cell for cell in cells},
        "links": links,
    }
