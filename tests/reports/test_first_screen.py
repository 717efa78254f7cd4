"""The first screen of the leaderboard: which model for what, how sure that is, and where it fails; and its print."""

from __future__ import annotations

import re
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.reports.html.first_screen import cards
from pytest_medhelm.reports.html.heat_map import rows_of
from pytest_medhelm.reports.html.leaderboard_page import leaderboard_page, links
from pytest_medhelm.reports.html.overview import in_order
from pytest_medhelm.reports.rule_matrix import reasons, squares, verdict_of
from pytest_medhelm.reports.terminal_table import table
from tests.support.browser import Visit, cut_off, needs_browser
from tests.support.checks import some
from tests.support.juries import named, rating, talks
from tests.support.letters import gold, write_letters
from tests.support.sessions import Sessions
from tests.support.suites import leaderboard
from tests.support.wide_board import widened

QUALITY = {"good": 0.95, "mid": 0.6, "small": 0.3}
SIZES = [(1400, 900), (400, 900)]


def draw(body: dict[str, Any]) -> float:
    return int(sha256(str(body["messages"]).encode()).hexdigest()[:8], 16) / 2**32


def reply(body: dict[str, Any]) -> str:
    """A model is right as often as its quality says; judges see severe harm in what is wrong."""
    if body["model"] == "judge":
        is_right = "Take it with food" in str(body)
        return rating(
            5 if is_right else 2, harm="none" if is_right else "severe", kinds=[] if is_right else ["omission"]
        )
    is_right = draw(body) < QUALITY[body["model"]]
    if "Question" in str(body):
        return "Take it with food." if is_right else "No idea."
    return gold(body) if is_right else "no letter at all"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> dict[str, Any]:
    """Three models of known quality, a judge, two baselines and gates, on thirteen benchmarks."""
    folder = tmp_path_factory.mktemp("board")
    write_letters(folder, 30)
    data = talks(folder, 16)
    with MockServer(reply, models=(*QUALITY, "judge")) as server:
        ended = sessions.run_in(
            folder, data, *named(server, "judge", models=tuple(QUALITY)), "--medhelm-model=baseline/random",
            "--medhelm-model=baseline/majority", "--medhelm-gate=letters.lower >= 0.5", "--medhelm-html=none",
            "--medhelm-gate=talks.jury.lower >= 3", "--medhelm-gate=*.request_error <= 0.01",
        )  # fmt: skip
    assert ended.ret == 1
    return widened(leaderboard(folder))


@pytest.fixture(scope="module")
def pages(board: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The page with gates (True) and without."""
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for gated in (True, False):
        results = board["results"] | ({} if gated else {"gates": []})
        shown: Any = board | {"results": results}
        found[gated] = folder / f"{gated}.html"
        found[gated].write_text(leaderboard_page(shown, links(shown), {}))
    return found


def label(row: str, card: Any) -> str:
    (found,) = [line for line in card.lines if line.label == row]
    return f"{found.lead}: {found.rest}"


def test_a_card_says_what_the_comparisons_say(board: dict[str, Any]) -> None:
    """By hand: where one model alone is in the best group it is best; where it shares that group nobody is."""
    results: Any = board["results"]
    found = {card.model["name"]: card for card in cards(results, in_order(results))}
    assert list(found) == ["vllm/good", "vllm/mid", "vllm/small"], "no card of a baseline, best first"
    rows = results["letters"].values()
    alone = sum([name for name in row if "a" in row[name]] == ["vllm/good"] for row in rows)
    assert alone >= 5
    assert label("Best at", found["vllm/good"]).startswith(f"{alone} of 13 benchmarks: decision support")
    assert label("Best at", found["vllm/small"]).startswith("None of 13 benchmarks")
    assert label("Behind", found["vllm/small"]).startswith("On 13 shown to be worse: ")
    floors = [row for row in results["above_baseline"] if row["models"][0] == "vllm/small" and not row["differ"]]
    assert label("No gain", found["vllm/small"]).startswith(f"On {len(floors)} of 13 not shown above a baseline")
    harm = label("Harm", found["vllm/small"])
    cells = [cell for cell in results["cells"] if cell["model"] == "vllm/small" and cell["harm"]]
    severe = sum(cell["harm"]["counts"]["severe"] for cell in cells)
    assert harm.startswith(f"Severe in {severe} of {5 * 16} rated answers: most in ")
    assert re.search(r"perhaps up to \d+\xa0%$", harm)


def test_a_model_alone_is_held_against_the_best_baseline(board: dict[str, Any]) -> None:
    results: Any = board["results"]
    kept = ("vllm/good", "baseline/random", "baseline/majority")
    alone: Any = results | {
        "models": [facts for facts in results["models"] if facts["name"] in kept],
        "cells": [cell for cell in results["cells"] if cell["model"] in kept],
        "above_baseline": [row for row in results["above_baseline"] if row["models"][0] in kept],
        "letters": {}, "paired": [],
    }  # fmt: skip
    (card,) = cards(alone, in_order(alone))
    assert label("Good at", card).startswith("Above the best baseline on ")
    nobody: Any = alone | {"above_baseline": []}
    (card,) = cards(nobody, in_order(nobody))
    assert label("Good at", card).startswith("Nothing to compare with on 13 benchmarks")
    floors: Any = nobody | {
        "models": [facts for facts in nobody["models"] if facts["kind"] == "baseline"],
        "cells": [cell for cell in nobody["cells"] if cell["model"].startswith("baseline/")],
    }
    found = cards(floors, in_order(floors))
    assert [label("Purpose", card) for card in found] == [
        "A floor on 13 benchmarks: which a model has to beat: name one with --medhelm-model"
    ] * 2


def test_a_matrix_has_the_worst_verdict_and_each_reason_once(board: dict[str, Any]) -> None:
    gates = board["results"]["gates"]
    found = squares(gates)
    assert found["*.request_error <= 0.01", "vllm/good"].verdict == "pass"
    assert len(found["*.request_error <= 0.01", "vllm/good"].entries) == 13
    assert verdict_of(gates, "vllm/good") == {"inconclusive": 1, "pass": 2}
    assert verdict_of(gates, "baseline/random") is None
    whys = reasons(gates)
    assert len({(why.verdict, why.reason) for why in whys}) == len(whys)
    (judges,) = [why for why in whys if "judge rated" in why.reason]
    assert judges.results == sum("judge rated" in entry["reason"] for entry in gates)


def test_a_row_never_mixes_metrics(board: dict[str, Any]) -> None:
    results: Any = board["results"]
    facts = next(facts for facts in results["benchmarks"] if facts["title"] == "ACI-Bench")
    mixed = [
        cell | {"main_metric": "rouge_l"} if cell["model"] == "baseline/random" else cell for cell in results["cells"]
    ]
    first, second = rows_of(facts, mixed)
    assert (first.metric, first.worst, first.best, first.sizes) == ("jury", 1.0, 5.0, "16")
    assert (second.metric, second.best, list(second.cells)) == ("rouge_l", 1.0, ["baseline/random"])
    lines = "\n".join(table(results | {"cells": mixed}, 200))
    assert "by jury" in lines
    assert "by rouge_l" in lines


@needs_browser
@pytest.mark.parametrize("gated", [True, False])
def test_the_first_screen_holds_it_for_each_model_without_scrolling(
    gated: bool, visit: Visit, pages: dict[bool, Path]
) -> None:
    page = visit.open(pages[gated])
    for (wide, high), scheme in product(SIZES, ("light", "dark")):
        page.set_viewport_size({"width": wide, "height": high})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.locator(".card").count() == 3
        for card in some(page.locator(".card").all()):
            for row in ("Best at", "Not sure", "Harm", "Look first"):
                line = card.locator("dl > div").filter(has=page.get_by_text(row, exact=True))
                if row == "Not sure" and not line.count():
                    line = card.locator("dl > div").filter(has=page.get_by_text("Behind", exact=True))
                box = line.bounding_box()
                assert box is not None
                assert box["y"] + box["height"] <= high, (row, wide)
        assert page.evaluate("document.documentElement.scrollWidth") <= wide


@needs_browser
def test_a_verdict_opens_its_sentence_and_says_it_in_words(visit: Visit, pages: dict[bool, Path]) -> None:
    page = visit.open(pages[True])
    assert "Gate not passed" in page.locator(".card").first.inner_text()
    square = page.locator(".rules td").first
    assert re.match(r"[✓✗?○] (pass|fail|inconclusive|not evaluated)", square.inner_text())
    assert not square.locator("li").first.is_visible()
    square.locator("summary").first.click()
    assert "letters.lower >= 0.5: vllm/good" in square.locator("li").first.inner_text()
    page.set_viewport_size({"width": 400, "height": 900})
    assert cut_off(page) == []
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.locator("#board-table tbody tr:not(.group)").count() == 13
    assert (
        page.evaluate("() => getComputedStyle(document.querySelector('#board-table').parentElement).maxHeight")
        == "none"
    )
    assert "medcalc_bench" in page.locator("#board-table th[data-below]").first.get_attribute("data-below")


@needs_browser
def test_a_print_has_at_most_six_pages_and_the_first_table_on_the_first(visit: Visit, pages: dict[bool, Path]) -> None:
    pdf = visit.open(pages[True]).pdf(prefer_css_page_size=True)
    assert 1 < len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) <= 6
    page = visit.open(pages[True], wide=1032, high=703)  # A4 landscape without its margins, in CSS pixels
    page.emulate_media(media="print")
    first = page.locator("table").first.bounding_box()
    assert first is not None
    assert first["y"] + first["height"] < 703
