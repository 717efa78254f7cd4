"""medhelm trend: many suites in order of time, from suites and from leaderboard.json."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import sqlite3
import stat
from collections.abc import Callable
from glob import glob
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.reports.html.trend_chart import LABEL_HEIGHT, axis, spaced
from tests.support.browser import faults, needs_browser
from tests.support.checks import some
from tests.support.juries import named, number_of, rating, talks
from tests.support.letters import gold, write_letters
from tests.support.nightly import by_night
from tests.support.paths import BENCHMARKS
from tests.support.servers import vllm
from tests.support.sessions import Sessions

MAY, JUNE, JULY, AUGUST = (f"medhelm-results/{month}" for month in ("may", "june", "july", "august"))
HOSTILE = "vllm/</title><script>document.title='run'</script>\x1b[31m\u202eevil\n::error::" + "x" * 3000


@pytest.fixture
def evaluated(letters: Callable[..., Path], run: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Evaluate a model that answers some cases wrong, in a suite of a given name."""
    letters(40)

    def make(suite: str, wrong: tuple[int, ...] = (), *options: str) -> None:
        def reply(body: dict[str, Any]) -> str:
            bad = any(f"Case {number}." in str(body) for number in wrong)
            return "ABCD"[("ABCD".index(gold(body)) + 1) % 4] if bad else gold(body)

        with MockServer(reply) as server:
            run(*vllm(server), "--medhelm-data=data", f"--medhelm-suite={Path(suite).name}", *options)
        capsys.readouterr()

    return make


@pytest.fixture(scope="module")
def one_suite(tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> Path:
    """A folder with the small benchmark and one suite of it: three cases of 40 are wrong."""
    folder = tmp_path_factory.mktemp("one")
    write_letters(folder, 40)
    with MockServer(
        lambda body: "ABCD" if any(f"Case {number}." in str(body) for number in (1, 2, 3)) else gold(body)
    ) as server:
        assert sessions.run_in(folder, *vllm(server), "--medhelm-data=data", "--medhelm-suite=may").ret == 0
    return folder


@pytest.fixture
def board(one_suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A leaderboard of one model to make others of; its suite is here."""
    shutil.copytree(one_suite, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    content: dict[str, Any] = json.loads(Path(MAY, "leaderboard.json").read_text())
    return content


def write(board: dict[str, Any], place: str, day: str = "", **changed: Any) -> str:
    """A leaderboard like another one; ``changed``: keys of its cell. Returns its path."""
    made = copy.deepcopy(board)
    (cell,) = made["results"]["cells"]
    cell |= changed
    for facts in made["results"]["models"]:
        facts["name"] = cell["model"]
    for entry in made["measurements"]["cells"].values():
        entry["started"] = f"{day}T08:00:00+00:00" if day else None
    path = Path(place, "leaderboard.json")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(made))
    return str(path)


def trended(*arguments: str) -> dict[str, Any]:
    """What trend.json holds of a trend of one chart, and all else of it."""
    assert main(["trend", *arguments, "--json=trend.json"]) == 0
    found: dict[str, Any] = json.loads(Path("trend.json").read_text())
    return found


def lines(page: str) -> list[list[float]]:
    """The places of the values that each line of the page's charts joins."""
    found = re.findall(r'<polyline class="line" points="([^"]+)"', page)
    return [[float(pair.partition(",")[0]) for pair in points.split()] for points in found]


def test_values_made_alike_are_joined(evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    for suite, wrong in ((MAY, (1, 2, 3)), (JUNE, (3, 9)), (JULY, (9,))):
        evaluated(suite, wrong)
    found = trended(MAY, JUNE, JULY, "--html=trend.html")
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert [suite["name"] for suite in found["suites"]] == ["may", "june", "july"]
    assert trended(*(f"{suite}/leaderboard.json" for suite in (MAY, JUNE, JULY))) == found
    (chart,) = found["charts"]
    (line,) = chart["lines"]
    assert [point["value"] for point in line["points"]] == [37 / 40, 38 / 40, 39 / 40]
    assert line["joined"] == [False, True, True]
    assert chart["breaks"] == chart["remarks"] == line["differs"] == []
    assert line["change"]["difference"] == pytest.approx(2 / 40), "three became right and one wrong"
    main(["compare", MAY, JULY, "--json=pair.json"])
    (pair,) = json.loads(Path("pair.json").read_text())["rows"]
    assert {key: line["change"][key] for key in ("low", "high", "n", "method")} == {
        key: pair[key] for key in ("low", "high", "n", "method")
    }
    assert re.search(r"^vllm/mock +0\.925 +0\.975 +\+0\.050 ", shown, re.MULTILINE)
    page = Path("trend.html").read_text()
    assert [len(points) for points in lines(page)] == [3]
    assert "<script" not in page
    assert 'class="break"' not in page
    assert stat.S_IMODE(os.stat("trend.html").st_mode) == stat.S_IMODE(os.stat("trend.json").st_mode) == 0o600


def test_what_was_made_otherwise_is_not_joined(
    evaluated: Callable[..., None],
    letters: Callable[..., Path],
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    random = "--medhelm-model=baseline/random"
    module = pytester.path / "test_letters.py"
    evaluated(MAY, (1, 2), random)
    evaluated(JUNE, (2,), random)
    letters(60)
    evaluated(JULY, (5,))  # other data, and no baseline
    module.write_text(module.read_text().replace('f"{instance.question}', 'f"Please: {instance.question}'))
    evaluated(AUGUST, (), random)
    module.write_text(module.read_text() + "\n# nothing that a model sees\n")
    evaluated("medhelm-results/september", (), random)
    suites = [MAY, JUNE, JULY, AUGUST, "medhelm-results/september"]
    found = trended(*suites, "--html=trend.html")
    shown = capsys.readouterr().out
    (chart,) = found["charts"]
    model, baseline = chart["lines"]
    assert (model["model"], baseline["model"]) == ("vllm/mock", "baseline/random")
    assert model["joined"] == baseline["joined"] == [False, True, False, False, True]
    assert [(event["before"], event["after"], set(event["facts"]), event["models"]) for event in chart["breaks"]] == [
        (1, 2, {"data", "eval_set_hash"}, []),
        (1, 3, {"data", "eval_set_hash", "prompt", "code"}, ["baseline/random"]),
        (2, 3, {"prompt", "code"}, ["vllm/mock"]),
    ]
    assert baseline["points"][2] is None
    assert model["change"]["since"] == 3, "august is the earliest that september may be compared with"
    assert "other data and more" in shown
    assert "| june -> july: other data files and another set of instances" in shown
    assert "august -> september" not in shown, "a comment changes no score"
    page = unescape(Path("trend.html").read_text())
    ends = [float(x) for x in re.findall(r'class="break" x1="([\d.]+)"', page)]
    assert len(ends) == 2, "between june and july, july and august"
    joined = lines(page)
    assert [len(points) for points in joined] == [2, 2, 2, 2]
    assert not any(points[0] < end < points[-1] for points in joined for end in ends)
    assert "3. Not joined: july -> august: another prompt and another version of the benchmark's module" in page
    assert "not in this suite" in page


def test_a_new_model_is_held_against_what_was_there(board: dict[str, Any]) -> None:
    (cell,) = board["results"]["cells"]
    other = cell["provenance"] | {"data": {"letters.json": "other"}, "model": {"served": "next"}}
    suites = [write(board, "a"), write(board, "b", model="vllm/next", provenance=other)]
    (chart,) = trended(*suites, "--html=trend.html")["charts"]
    assert chart["breaks"] == [{"before": 0, "after": 1, "facts": ["data"], "models": []}]
    assert chart["remarks"] == [], "it is no other setting of one model"
    assert [line["change"] for line in chart["lines"]] == [None, None]
    assert lines(Path("trend.html").read_text()) == []


def test_the_change_is_since_the_earliest_comparable_suite(
    board: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (cell,) = board["results"]["cells"]
    newer = cell["provenance"] | {"scoring": "newer"}
    suites = [write(board, "a", "2026-05-01")]
    suites += [write(board, name, f"2026-06-0{day}", provenance=newer) for day, name in enumerate("bcd", 1)]
    (chart,) = trended(*suites)["charts"]
    (line,) = chart["lines"]
    assert line["differs"] == ["scoring"]
    assert line["change"]["since"] == 1
    assert line["change"]["difference"] == 0
    shown = capsys.readouterr().out
    assert "other scoring" in shown
    assert "since b: +0.000" in shown


def test_a_suite_without_the_model_is_a_gap(evaluated: Callable[..., None], run: Any) -> None:
    evaluated(MAY, (1, 2, 3))
    run("--medhelm-data=data", "--medhelm-suite=june", "--medhelm-model=baseline/random")
    evaluated(JULY, (1,))
    (chart,) = trended(MAY, JUNE, JULY, "--html=trend.html")["charts"]
    line, baseline = chart["lines"]
    assert line["points"][1] is baseline["points"][0] is baseline["points"][2] is None
    assert line["joined"] == [False, False, False]
    assert line["change"]["difference"] == pytest.approx(2 / 40), "the first and the last are comparable all the same"
    page = Path("trend.html").read_text()
    assert lines(page) == []
    assert page.count('<path class="mark"') == 3 + 2, "three values, and a shape beside each name"


def test_nothing_measured_is_a_gap_and_no_zero(
    evaluated: Callable[..., None], run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(MAY)
    with MockServer(lambda body: Fault("status", 400)) as server:
        run(*vllm(server), "--medhelm-data=data", "--medhelm-suite=june", "--medhelm-gate=*.request_error <= 1")
    evaluated(JULY)
    (chart,) = trended(MAY, JUNE, JULY, "--html=trend.html")["charts"]
    (line,) = chart["lines"]
    assert [point["value"] for point in line["points"]] == [1.0, None, 1.0]
    assert line["joined"] == [False, False, False]
    assert "! june: no value: nothing was measured" in capsys.readouterr().out
    assert lines(Path("trend.html").read_text()) == []


def test_incomplete_runs_are_hollow_and_joined_with_nothing(
    evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(MAY)
    evaluated(JUNE, (), "-k", "q00")
    evaluated(JULY)
    (chart,) = trended(MAY, JUNE, JULY, "--html=trend.html")["charts"]
    (line,) = chart["lines"]
    assert [point["partial"] for point in line["points"]] == [False, True, False]
    assert line["joined"] == [False, False, False]
    assert "! june: incomplete, 10 of 40 instances" in capsys.readouterr().out
    page = Path("trend.html").read_text()
    assert page.count('class="mark hollow"') == 1
    assert "incomplete, 10 of 40 instances" in page
    assert trended(MAY, JUNE)["charts"][0]["lines"][0]["differs"] == ["partial"]


def test_sample_data_is_hollow_and_said(
    run: Any, capsys: pytest.CaptureFixture[str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHELM_CACHE", str(pytester.path / "cache"))
    module = BENCHMARKS / "medical_research_assistance/test_pubmed_qa.py"
    for suite in ("may", "june"):
        run(module, "--medhelm-model=baseline/lexical", f"--medhelm-suite={suite}")
    capsys.readouterr()
    (chart,) = trended(MAY, JUNE, "--html=trend.html")["charts"]
    (line,) = chart["lines"]
    assert [point["sample"] for point in line["points"]] == [True, True]
    assert line["joined"] == [False, True], "the same sample data"
    assert "! may: sample data" in capsys.readouterr().out
    assert Path("trend.html").read_text().count('class="mark hollow"') == 2


def test_other_judges_are_a_break(run: Any, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    def reply(body: dict[str, Any]) -> str:
        return f"Answer {number_of(body)}." if body["model"] == "first" else rating(4)

    data = talks(pytester.path, 6)
    with MockServer(reply, models=("first", "calm", "stern")) as server:
        for suite, judges in (("may", ("calm",)), ("june", ("calm", "stern"))):
            run(*named(server, *judges, models=("first",)), data, f"--medhelm-suite={suite}")
    (chart,) = trended(MAY, JUNE)["charts"]
    assert [event["facts"] for event in chart["breaks"]] == [["jury"]]
    assert "other judges" in capsys.readouterr().out


def test_the_ledger_among_the_suites_is_passed_over(
    evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell puts it among them: medhelm trend medhelm-results/*."""
    evaluated(MAY)
    evaluated(JUNE)
    assert main(["trend", *glob("medhelm-results/*")]) == 0
    assert Path("medhelm-results/ledger.jsonl").is_file()
    shown = capsys.readouterr().out
    assert "may" in shown
    assert "june" in shown


def test_suites_stand_in_order_of_time(evaluated: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    for suite, day in ((MAY, "2026-05-02T00:00:00+00:00"), (JUNE, "2026-06-02T00:00:00+00:00")):
        evaluated(suite)
        with sqlite3.connect(f"{suite}/suite.sqlite") as connection:
            connection.execute("UPDATE runs SET manifest = json_set(manifest, '$.started', ?)", (day,))
    found = trended(JUNE, MAY)
    assert [suite["name"] for suite in found["suites"]] == ["may", "june"]
    assert found["by_time"]
    assert "2 suites in order of time: may (2026-05-02), june (2026-06-02)" in capsys.readouterr().out


def test_equal_times_and_unknown_ones_keep_the_order_given(
    board: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    same = [write(board, name, "2026-05-01") for name in "zyx"]
    assert [suite["name"] for suite in trended(*same)["suites"]] == ["z", "y", "x"], "told apart by their folders"
    early, unknown = write(board, "early", "2026-01-01"), write(board, "unknown")
    capsys.readouterr()
    found = trended(same[0], unknown, early)
    assert [suite["name"] for suite in found["suites"]] == ["z", "unknown", "early"]
    assert not found["by_time"]
    assert "in the order given, since of some no time is known" in " ".join(capsys.readouterr().out.split())


def test_other_settings_of_the_model_are_said_and_joined(
    board: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (cell,) = board["results"]["cells"]
    changed = cell["provenance"] | {"model": {"served": "mock-2"}}
    (chart,) = trended(write(board, "a"), write(board, "b", provenance=changed))["charts"]
    assert chart["lines"][0]["joined"] == [False, True]
    assert chart["breaks"] == []
    assert [event["facts"] for event in chart["remarks"]] == [["model"]]
    assert "! a -> b: other settings of the model" in capsys.readouterr().out


def test_another_metric_stands_on_no_common_axis(board: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    (cell,) = board["results"]["cells"]
    main_metric = cell["metrics"]["exact_match"]
    other = write(board, "b", metrics={"exact_match": main_metric | {"scale": [100.0, 0.0]}})
    assert main(["trend", write(board, "a"), other]) == 1
    assert "no benchmark has values of the same metric in two of these suites" in capsys.readouterr().err
    again = write(board, "c", metrics={"exact_match": main_metric | {"scale": [100.0, 0.0]}})
    found = trended("a/leaderboard.json", other, again)
    (chart,) = found["charts"]
    assert chart["scale"] == [100.0, 0.0]
    assert chart["lines"][0]["points"][0] is None
    assert found["alone"] == ["letters (exact_match)"]
    assert "letters: exact_match (lower is better)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((MAY,), "a trend needs two suites or more"),
        ((MAY, f"{MAY}/leaderboard.json"), "a suite is named twice"),
        ((MAY, "nowhere"), "nowhere: there is neither a suite nor a file"),
        ((MAY, "test_letters.py"), "cannot be read as JSON"),
        ((MAY, "data/letters/letters.json"), "is no leaderboard.json of this version"),
        ((MAY, "b/leaderboard.json", "--benchmark=med_qa"), "no suite has results of it; there are letters"),
        ((MAY, "odd/leaderboard.json"), "lacks what a trend needs"),
        ((MAY, "b/leaderboard.json", "--html=test_letters.py/page.html"), "cannot be written"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, board: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    write(board, "b")
    (cell,) = board["results"]["cells"]
    write(board, "odd", metrics={"exact_match": cell["metrics"]["exact_match"] | {"value": "much"}})
    assert main(["trend", *arguments]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_hostile_names_do_nothing(board: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    suites = [write(board, name, model=HOSTILE) for name in "ab"]
    trended(*suites, "--html=trend.html")
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.replace("\n", "").isprintable()
    page = Path("trend.html").read_text()
    assert "<script" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert page.count("</title>") == 2, "the page's and the chart's"
    assert len(page) < 30_000


@needs_browser
@pytest.mark.parametrize("scheme", by_night(["dark"], ["light"]))
def test_the_page_reads_well(scheme: str, board: dict[str, Any], visit: Any) -> None:
    (cell,) = board["results"]["cells"]
    other = cell["provenance"] | {"data": {"letters.json": "other"}}
    suites = [write(board, name, model=HOSTILE) for name in "ab"]
    suites += [write(board, "c"), write(board, "d", partial=True), write(board, "e", provenance=other)]
    suites += [write(board, f"more-{number:02d}") for number in range(20)]
    main(["trend", *suites, "--html=trend.html"])
    tab = visit.open(Path("trend.html").absolute(), color_scheme=scheme)
    assert tab.title() == "Trend of 25 suites"
    assert faults(tab) == []
    chart = tab.get_by_role("img")
    assert "vllm/mock: from 0.925 in c to 0.925 in more-19" in chart.locator("desc").text_content()
    narrow = visit.open(Path("trend.html").absolute(), wide=400)
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 400


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_an_axis_encloses_its_values(numbers: list[float]) -> None:
    ticks = axis(numbers)
    slack = 1e-6 * max(1.0, *map(abs, numbers))
    assert ticks[0] - slack <= min(numbers) <= max(numbers) <= ticks[-1] + slack
    assert 2 <= len(ticks) <= 8
    assert ticks == sorted(set(ticks))


@given(st.lists(st.floats(30, 260), min_size=2, max_size=12))
def test_labels_do_not_overlap(heights: list[float]) -> None:
    found = spaced(heights, 30, 260)
    ordered = sorted(found)
    assert all(second - first >= LABEL_HEIGHT - 0.11 for first, second in some(pairwise(ordered)))
    assert all(30 - LABEL_HEIGHT < place <= 260 for place in some(found))
