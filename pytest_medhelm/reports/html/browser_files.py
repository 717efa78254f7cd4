"""instances.html and the folder of data beside it, from which the page loads what it shows."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.reports.html.browser import Slice, chunk_of, index
from pytest_medhelm.reports.html.embedding import as_script
from pytest_medhelm.reports.html.templating import template
from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.record_types import Record
from pytest_medhelm.util.files import write_private

PAGE = "instances.html"
FOLDER = "browser"
_EARLIER = "instances"
"""Where version 0.1 wrote a page per cell."""


def write_browser(suite: Suite, store: ResponseStore, leaderboard: Leaderboard) -> None:
    """Write the page and its data, one chunk after the other; what an earlier run left there is removed."""
    folder = suite.folder / FOLDER

    def write(key: str, part: Slice, instances: Sequence[list[Record]]) -> None:
        write_private(folder / f"{key}.js", as_script(key, chunk_of(suite, store, part, instances)))

    content = index(suite, store, leaderboard, write)
    # Last, so that an index never names a chunk that is not there.
    write_private(folder / "index.js", as_script("index", content.data))
    write_private(suite.folder / PAGE, instances_page(suite.folder.name))
    _remove_others(folder, "*.js", {"index", *content.slices})
    _remove_others(suite.folder / _EARLIER, "*--*.html", set())


def instances_page(suite: str, served: Mapping[str, object] | None = None) -> str:
    """instances.html; ``served`` as in ``leaderboard_page``."""
    return template(PAGE).render(suite=suite, served=served)


def address(benchmark: str, model: str, page: str = PAGE) -> str:
    """Where the instances of a cell are shown."""
    return f"{page}#benchmark={quote(benchmark, safe='')}&model={quote(model, safe='')}"


def remove_browser(folder: Path) -> None:
    """Remove the page and its data from the folder of a suite."""
    (folder / PAGE).unlink(missing_ok=True)
    _remove_others(folder / FOLDER, "*.js", set())
    _remove_others(folder / _EARLIER, "*--*.html", set())


def _remove_others(folder: Path, pattern: str, kept: set[str]) -> None:
    """Remove files of ours from a folder, and the folder when nothing is left in it."""
    for file in folder.glob(pattern):
        if file.stem not in kept:
            file.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
