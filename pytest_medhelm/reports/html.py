"""leaderboard.html and, beside it, one page per benchmark x model with every instance.

Everything is escaped by the template engine: hostile model output stays text, and no request leaves the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm import answers
from pytest_medhelm.engine.store import ResponseStore
from pytest_medhelm.jury.harm import rank
from pytest_medhelm.reports.files import write_private
from pytest_medhelm.reports.pages import template
from pytest_medhelm.results.suite import Suite

PER_PAGE = 200
FOLDER = "instances"


@pytest.hookimpl
def pytest_medhelm_report(leaderboard: Mapping[str, Any], suite: Suite) -> list[str]:
    """Write the pages; the line says where the first one is."""
    return [f"page: {write_pages(suite, leaderboard)}"]


def write_pages(suite: Suite, leaderboard: Mapping[str, Any]) -> Path:
    """Write all pages; returns the path of leaderboard.html."""
    page = suite.folder / "leaderboard.html"
    cells = {(cell["benchmark"], cell["model"]): cell for cell in leaderboard["results"]["cells"]}
    store = ResponseStore(suite.folder / "responses.sqlite")
    try:
        links = {key: _write_instances(suite, store, cell) for key, cell in cells.items()}
    finally:
        store.close()
    text = leaderboard_page(leaderboard, links)
    write_private(page, text)
    return page


def leaderboard_page(
    leaderboard: Mapping[str, Any], links: Mapping[tuple[str, str], str], served: Mapping[str, Any] | None = None
) -> str:
    """leaderboard.html; ``links``: where the instances of each (benchmark, model) are.

    ``served``: how far the run is, on a page that ``medhelm serve`` shows and keeps up to date.
    """
    cells = leaderboard["results"]["cells"]
    return template("leaderboard.html").render(
        board=leaderboard,
        results=leaderboard["results"],
        facts={facts["name"]: facts for facts in leaderboard["results"]["benchmarks"]},
        table={(cell["benchmark"], cell["model"]): cell for cell in cells},
        links=links,
        served=served,
    )


def _write_instances(suite: Suite, store: ResponseStore, cell: Mapping[str, Any]) -> str:
    """The pages of one cell; returns the first one's address relative to leaderboard.html."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{cell['benchmark']}--{cell['model']}")
    names = [f"{stem}-{number}.html" for number in range(1, -(-len(cell["instances"]) // PER_PAGE) + 1)]
    records = suite.records(cell["benchmark"], cell["model"])
    if cell["harm"]:
        # The worst first: what a clinician should see before all else.
        records = iter(sorted(records, key=lambda record: -rank(record.get("harm"))))
    for number, name in enumerate(names):
        instances = list(_views(store, islice(records, PER_PAGE)))
        text = template("instances.html").render(cell=cell, pages=names, number=number, instances=instances)
        write_private(suite.folder / FOLDER / name, text)
    return f"{FOLDER}/{names[0]}"


def _views(store: ResponseStore, records: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for record in records:
        payload, content, reasoning = store.exchange(record["request"])
        thinking = answers.split_thinking(content, reasoning or None)
        yield {
            "record": record,
            "harm": record.get("harm"),
            "flags": record.get("flags", ()),
            "messages": json.loads(payload)["messages"] if payload else [],
            "answer": thinking.answer,
            "thinking": thinking.reasoning,
            "reference": store.text(record["reference"]),
            "verdicts": [
                {"harm": None, "repaired": 0} | verdict | {"reply": store.exchange(verdict["request"]).content}
                for verdict in record["verdicts"]
            ],
        }
