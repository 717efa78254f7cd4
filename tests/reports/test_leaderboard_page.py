"""leaderboard.html in a real browser: what it says, sorting, filters, keyboard, dark, printed, narrow, wide."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import MockServer
from pytest_medhelm.reports.html.charts import HEIGHT, WIDTH, Point, cloud, distribution
from pytest_medhelm.reports.html.heat_map import clearly_best, shade
from pytest_medhelm.reports.html.metric_words import absences, words_of
from tests.support.browser import Visit, faults, needs_browser
from tests.support.checks import some
from tests.support.juries import named, rating, talks
from tests.support.letters import gold
from tests.support.nightly import by_night
from tests.support.paths import BENCHMARKS
from tests.support.sessions import Sessions
from tests.support.suites import cell, leaderboard

if TYPE_CHECKING:
    from playwright.sync_api import Page

BASELINES = ["--medhelm-model=baseline/random", "--medhelm-model=baseline/lexical"]


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> dict[str, Path]:
    """Pages by name, made by sessions of their own: ``sample`` has several benchmarks and three candidates."""
    folder = tmp_path_factory.mktemp("boards")

    def reply(body: dict[str, Any]) -> str:
        return {"first": "A", "second": "B", "third": "no idea at all"}[body["model"]]

    with MockServer(reply, models=["first", "second", "third"]) as server:
        ended = sessions.run_in(
            folder, "-q", str(BENCHMARKS), "-k", "pubmed_qa or med_qa or medcalc or mtsamples_replicate or ehr_sql",
            *BASELINES, *(f"--medhelm-model=vllm/{name}" for name in ("first", "second", "third")),
            f"--medhelm-base-url={server.url}", "--medhelm-gate=pubmed_qa.exact_match >= 0.9",
            "--medhelm-suite=sample",
        )  # fmt: skip
    assert ended.ret == 1
    options = ["-k", "pubmed_qa", "--medhelm-suite=single", "--medhelm-html=single"]
    assert sessions.run_in(folder, "-q", str(BENCHMARKS), *BASELINES, *options).ret == 0
    results = folder / "medhelm-results"
    return {"sample": results / "sample/leaderboard.html", "single": results / "single/leaderboard.html"}


@pytest.fixture
def opened(boards: dict[str, Path], visit: Visit) -> Callable[..., Page]:
    def open_(**context: Any) -> Page:
        return visit.open(boards["sample"], **context)

    return open_


def names(page: Page) -> list[str]:
    """The benchmarks that the table shows, in their order."""
    rows = page.locator("#board-table tbody tr:not(.group):visible th a")
    return [name.strip() for name in rows.all_inner_texts()]


def results_of(page: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads((page.parent / "leaderboard.json").read_text())["results"]
    return results


@needs_browser
def test_gates_stand_first_and_sample_data_is_loud(opened: Callable[..., Page], boards: dict[str, Path]) -> None:
    page = opened()
    heads = page.locator("h2").all_inner_texts()
    assert heads[3:6] == ["Gates", "Mean win rate", "Benchmarks × models"]
    assert "Not passed by any model" in page.locator(".verdict").inner_text()
    assert "invented cases" in page.locator(".warn").first.inner_text()
    models = page.locator("#models-table tbody tr")
    rates = results_of(boards["sample"])["win_rate"]["rates"]
    best = max(rates, key=lambda name: rates[name])
    assert models.first.locator("th").inner_text().startswith(best)
    assert f"{rates[best]:.3f}" in models.first.inner_text()


@needs_browser
def test_a_column_sorts_by_number_and_back(opened: Callable[..., Page], boards: dict[str, Path]) -> None:
    page = opened()
    before = names(page)
    facts = {entry["name"]: entry["title"] for entry in results_of(boards["sample"])["benchmarks"]}
    values = {
        facts[cell["benchmark"]]: cell["metrics"][cell["main_metric"]]["value"]
        for cell in results_of(boards["sample"])["cells"]
        if cell["model"] == "vllm/first"
    }
    head = page.locator("#board-table thead").get_by_role("button", name="vllm/first")
    head.click()
    column = page.locator("#board-table thead th").filter(has_text="vllm/first")
    assert column.get_attribute("aria-sort") == "descending"
    found = [values[name] for name in names(page)]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) > 1
    assert page.locator("#board-table tr.group:visible").count() == 0
    head.click()
    assert [values[name] for name in names(page)] == sorted(found)
    head.click()
    assert names(page) == before
    assert column.get_attribute("aria-sort") == "none"
    page.locator("#board-table thead").get_by_role("button", name="Benchmark").click()
    assert names(page) == sorted(before, key=str.lower)


@needs_browser
def test_rows_and_columns_are_filtered(opened: Callable[..., Page]) -> None:
    page = opened()
    whole = names(page)
    page.get_by_label("Find").fill("pubmed")
    assert names(page) == ["PubMedQA"]
    assert page.locator("[data-count]").inner_text() == f"1 of {len(whole)} benchmarks"
    assert page.locator("#board-table tr.group:visible").all_inner_texts() == ["Medical Research Assistance"]
    page.get_by_label("Find").fill("no such thing")
    assert names(page) == []
    page.get_by_label("Find").fill("")
    page.locator("select[data-category]").select_option("Medical Research Assistance")
    shown = names(page)
    assert 0 < len(shown) < len(whole)
    assert "PubMedQA" in shown
    page.locator("select[data-category]").select_option("all")
    columns = page.locator("#board-table thead th:visible").count()
    page.get_by_label("baselines and others").uncheck()
    assert page.locator("#board-table thead th:visible").count() == columns - 2
    assert names(page) == whole


@needs_browser
def test_the_keyboard_alone_reaches_values_notes_and_answers(opened: Callable[..., Page]) -> None:
    page = opened()
    page.locator("select[data-category]").focus()
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('value')"):
            break
    note = page.locator(".tip:visible")
    assert note.count() == 1
    text = note.inner_text()
    assert "95 % interval" in text
    assert re.search(r"n \d+: \d+", text)
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == note.get_attribute("id")
    box = note.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    page.keyboard.press("Escape")
    assert note.count() == 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/instances.html#benchmark=*&model=*")


@needs_browser
def test_a_benchmark_has_a_part_of_its_own(opened: Callable[..., Page], boards: dict[str, Path]) -> None:
    page = opened()
    part = page.locator("#benchmark-pubmed_qa")
    assert part.get_attribute("open") is None
    page.locator("#board-table").get_by_role("link", name="PubMedQA").click()
    part.locator("h3").first.wait_for()
    assert part.get_attribute("open") is not None
    text = part.inner_text()
    assert "does the abstract answer the research question" in text
    assert "Share of answers that are the right one" in text
    assert "A request as it was sent" in text
    assert "How scores are distributed" in text
    assert part.locator("tr.metric:visible th").all_inner_texts() == [f"exact_match {words_of('exact_match')}"]
    part.get_by_text("1 further metric").click()
    assert part.locator("tr.metric:visible").count() == 2
    (n,) = {entry["n"] for entry in results_of(boards["sample"])["cells"] if entry["benchmark"] == "pubmed_qa"}
    bars = part.locator(".spread table").filter(has_text="vllm/first").locator("tbody tr").all_inner_texts()
    assert sum(int(bar.split()[-1]) for bar in bars) == n


def test_models_that_lack_the_same_stand_together() -> None:
    def lacking(model: str, count: int, reason: str = "too short") -> dict[str, Any]:
        return {"model": model, "absent": {"smog": {"reason": reason, "count": count}}}

    assert absences([lacking("a", 3), lacking("b", 9), {"model": "c", "absent": {}}, lacking("d", 1, "no model")]) == [
        {"reason": "too short", "models": ["a", "b"], "counts": {"smog": (3, 9)}},
        {"reason": "no model", "models": ["d"], "counts": {"smog": (1, 1)}},
    ]


@needs_browser
@pytest.mark.parametrize("scheme", by_night(["dark"], ["light"]))
def test_axe_finds_nothing_wrong(scheme: str, opened: Callable[..., Page]) -> None:
    page = opened(color_scheme=scheme)
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
    page.locator("#benchmark-pubmed_qa").evaluate("part => part.open = true")
    assert faults(page) == []
    page.locator("#board-table a.value").first.focus()
    assert faults(page) == []


@needs_browser
@pytest.mark.parametrize("wide", by_night([400], [1280, 3840]))
def test_nothing_but_tables_scrolls_sideways(wide: int, opened: Callable[..., Page]) -> None:
    page = opened(wide=wide)
    assert page.evaluate("document.documentElement.scrollWidth") <= wide
    size = float(page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)"))
    assert size >= (20 if wide == 3840 else 16)


@needs_browser
def test_print_leaves_folds_and_controls_out(opened: Callable[..., Page]) -> None:
    page = opened()
    page.emulate_media(media="print")
    assert not page.locator("#benchmark-pubmed_qa").is_visible()
    assert not page.get_by_label("Find").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('td.heat')).printColorAdjust") == "exact"


@needs_browser
def test_a_copied_row_is_its_values_alone(opened: Callable[..., Page]) -> None:
    page = opened()
    row = page.locator("#board-table tbody tr").filter(has_text="PubMedQA")
    copied: str = row.evaluate(
        "row => { const range = document.createRange(); range.selectNode(row);"
        " const chosen = getSelection(); chosen.removeAllRanges(); chosen.addRange(range); return chosen.toString(); }"
    )
    cells = [cell.strip() for cell in re.split(r"\t", copied)]
    assert cells[0] == "PubMedQA"
    assert len(cells) == 6
    assert all(re.fullmatch(r"\d\.\d{3}", cell) for cell in some(cells[1:])), cells


@needs_browser
def test_without_a_script_all_of_it_can_be_read(boards: dict[str, Path], visit: Visit) -> None:
    page = visit.open(boards["sample"], java_script_enabled=False)
    assert page.get_by_text("Not passed by any model").is_visible()
    value = page.locator("#board-table a.value").first
    value.focus()
    assert page.locator(".tip:visible").count() == 1
    assert not page.get_by_label("Find").is_visible()


def test_every_metric_has_words(boards: dict[str, Path]) -> None:
    """Every name that a benchmark of the repository can record is explained; an own one may stay without."""
    root = Path(__file__).parents[2]
    text = "".join(path.read_text() for path in sorted((root / "benchmarks").rglob("test_*.py")))
    recorded = set(re.findall(r'score\.(?:record|exact_match|helm)\(\s*"(\w+)"', text)) | {"exact_match", "jury"}
    for entry in results_of(boards["sample"])["cells"]:
        recorded |= {*entry["metrics"], *entry["absent"]}
    assert len(recorded) > 10
    assert [name for name in sorted(recorded) if not words_of(name)] == []
    assert words_of("somebodys_own") == ""


def test_groups_of_instances(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    """Hand-worked: of 40 the case 3 alone is wrong, so 19 of the 20 early ones are right and all late ones."""
    data = letters(40)
    module = pytester.path / "test_letters.py"
    slices = 'slices={"half": "early" if row["id"] < "q020" else "late", "same": "all", "title<b>": row["id"]}'
    module.write_text(module.read_text().replace('choices=("one"', f'{slices}, choices=("one"'))

    def reply(body: dict[str, Any]) -> str:
        return "A" if "Case 3." in str(body) else gold(body)

    with MockServer(reply) as server:
        run("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}")
    found = cell(leaderboard(pytester.path), "letters")["slices"]
    assert sorted(found) == ["half", "title<b>"], "a key with one group says nothing"
    half = found["half"]["values"]
    assert {name: (group["n"], group["value"]) for name, group in half.items()} == {
        "early": (20, 0.95),
        "late": (20, 1),
    }
    assert half["early"]["low"] < 0.95 < half["early"]["high"]
    assert found["title<b>"] == {"groups": 40, "values": {}}
    page = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert "By half" in page
    assert "40 groups, too many" in page
    assert "title<b>" not in page


def test_a_hostile_model_breaks_nothing(pytester: pytest.Pytester, run: Any) -> None:
    data = talks(pytester.path, ["<script>alert(1)</script> Which?", "Second\x00 \u202equestion?"])
    evil = "<img src=x onerror=alert(1)></script>\u202e\x1b[31m"

    def reply(body: dict[str, Any]) -> str:
        return rating(3, 3, 3) if body["model"] == "judge" else evil

    with MockServer(reply, models=["doctor<b>", "judge"]) as server:
        result = run(*named(server, "judge", models=["doctor<b>"]), data)
    assert result.ret == 0, result.outlines
    text = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text, "the request as it was sent"
    assert "doctor<b>" not in text
    assert "doctor&lt;b&gt;" in text


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=60),
    st.sampled_from([(0.0, 1.0), (1.0, 0.0)]),
)
def test_every_score_has_its_bar(scores: list[float | None], scale: tuple[float, float]) -> None:
    bars = distribution(scores, scale)
    assert sum(bar.number for bar in bars) == len(scores)
    assert sum(bar.number for bar in bars if bar.label == "no score") == scores.count(None)


def test_bars_go_from_worst_to_best() -> None:
    assert [(bar.label, bar.number) for bar in distribution([1, 0, 1, None], (0, 1))] == [
        ("0", 1),
        ("1", 2),
        ("no score", 1),
    ]
    assert [bar.label for bar in distribution([1, 0], (1, 0))] == ["1", "0"]
    tenths = distribution([number / 20 for number in range(21)], (0, 1))
    assert [bar.number for bar in tenths] == [2] * 9 + [3], "1.0 is in the last range"


@given(
    st.lists(
        st.builds(Point, st.text(min_size=1, max_size=5), st.just("candidate"), st.floats(0, 1e6), st.floats(0, 1)),
        min_size=1,
        max_size=10,
    )
)
def test_marks_stay_within_the_picture(points: list[Point]) -> None:
    drawn = cloud(points)
    assert len(drawn["marks"]) == len(points)
    for mark in drawn["marks"]:
        assert 0 <= mark["x"] <= WIDTH
        assert 0 <= mark["y"] <= HEIGHT


@pytest.mark.parametrize(("models", "numbered"), [(6, False), (7, True)])
def test_labels_cover_no_other_label(models: int, numbered: bool) -> None:
    points = [Point(f"vllm/model-{n}", "candidate", 1 + n % 3 / 100, 0.5 + n % 2 / 100) for n in range(models)]
    drawn = cloud(points)
    assert drawn["numbered"] == ([point.name for point in points] if numbered else [])
    assert {mark["text"] for mark in drawn["marks"]} == (
        {str(number) for number in range(1, models + 1)} if numbered else {point.name for point in points}
    )
    for mark, other in some(combinations(drawn["marks"], 2)):
        beside = mark["end"] <= other["start"] or other["end"] <= mark["start"]
        assert beside or abs(mark["label"] - other["label"]) >= 13, "their letters are 13 high"


def test_colours_begin_at_chance() -> None:
    assert shade(0.25, (0, 1), 0.25) == "h0"
    assert shade(0.1, (0, 1), 0.25) == "h0"
    assert shade(0.26, (0, 1), 0.25) == "h1"
    assert shade(1.0, (0, 1), 0.25) == "h5"
    assert shade(1.0, (1, 5), None) == "h0"
    assert shade(3.0, (1, 5), None) == "h3"
    assert shade(0.1, (1, 0), None) == "h5", "less is better"
    assert shade(None, (0, 1), None) == ""


def test_a_star_needs_to_be_better_than_everybody() -> None:
    assert clearly_best({"b": {"one": "a", "two": "b", "three": "b"}}) == {"b": "one"}
    assert clearly_best({"b": {"one": "a", "two": "ab", "three": "b"}}) == {}
    assert clearly_best({"b": {"one": "a"}}) == {}, "nobody to beat"


@needs_browser
def test_in_the_file_for_mail_no_row_is_lost(boards: dict[str, Path], visit: Visit) -> None:
    """Its styles are those of two pages."""
    page = visit.open(boards["single"])
    shown = page.locator("#models-table tbody tr")
    assert shown.count() == 2
    for row in some(shown.all()):
        box = row.bounding_box()
        assert box is not None
        assert box["height"] > 20
        assert box["width"] > 300
