"""leaderboard.html and instances.html: the pages that open from disk.

Everything is escaped by the template engine or put in as text by our script: hostile model output stays text, and no
request leaves the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

import pytest

from pytest_medhelm.reports.html.browser_files import address, write_browser
from pytest_medhelm.reports.html.first_prompts import FirstPrompt, first_prompts
from pytest_medhelm.reports.html.first_screen import cards
from pytest_medhelm.reports.html.heat_map import clearly_best
from pytest_medhelm.reports.html.overview import clouds, facts_of_run, in_order, model_rows
from pytest_medhelm.reports.html.slice_map import slice_map
from pytest_medhelm.reports.html.steadiness import steadiness_parts
from pytest_medhelm.reports.html.templating import template
from pytest_medhelm.reports.rule_matrix import reasons, squares
from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.results.store.opening import open_responses
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.files import write_private


@pytest.hookimpl
def pytest_medhelm_report(leaderboard: Leaderboard, suite: Suite) -> list[str]:
    """Write the pages; the line says where the first one is."""
    with closing(open_responses(suite.folder)) as store:
        write_browser(suite, store, leaderboard)
        prompts = first_prompts(suite, store, leaderboard)
    page = suite.folder / "leaderboard.html"
    write_private(page, leaderboard_page(leaderboard, links(leaderboard), prompts))
    return [f"page: {page}"]


def links(leaderboard: Leaderboard) -> dict[tuple[str, str], str]:
    """By (benchmark, model) where its instances are shown."""
    return {
        (cell["benchmark"], cell["model"]): address(cell["benchmark"], cell["model"])
        for cell in leaderboard["results"]["cells"]
    }


def leaderboard_page(
    leaderboard: Leaderboard,
    links: Mapping[tuple[str, str], str],
    prompts: Mapping[str, FirstPrompt],
    served: Mapping[str, object] | None = None,
) -> str:
    """leaderboard.html; ``links``: where the instances of each (benchmark, model) are; ``prompts``: ``first_prompts``.

    ``served``: how far the run is, on a page that ``medhelm serve`` shows and keeps up to date.
    """
    return template("leaderboard.html").render(**leaderboard_values(leaderboard, links, prompts), served=served)


def leaderboard_values(
    leaderboard: Leaderboard,
    links: Mapping[tuple[str, str], str],
    prompts: Mapping[str, FirstPrompt],
) -> dict[str, object]:
    """What the template of the leaderboard, and one that extends it, is filled with."""
    results = leaderboard["results"]
    models = in_order(results)
    rows = model_rows(leaderboard, models)
    return {
        "board": leaderboard,
        "results": results,
        "facts": {facts["name"]: facts for facts in results["benchmarks"]},
        "table": {(cell["benchmark"], cell["model"]): cell for cell in results["cells"]},
        "links": links,
        "prompts": prompts,
        "models": models,
        "rows": rows,
        "run": facts_of_run(leaderboard),
        "clouds": clouds(rows, bool(results["win_rate"]["rates"])),
        "maps": {
            (cell["benchmark"], cell["model"]): slice_map(cell, facts)
            for facts in results["benchmarks"]
            for cell in results["cells"]
            if cell["benchmark"] == facts["name"]
        },
        "cards": cards(results, models),
        "no_gain": {(row["benchmark"], row["models"][0]) for row in results["above_baseline"] if not row["differ"]},
        "squares_of": squares(results["gates"]),
        "reasons_of": reasons(results["gates"]),
        "steadiness": steadiness_parts(results["cells"], {facts["name"]: facts for facts in results["benchmarks"]}),
        "best": clearly_best(results["letters"]),
    }
