"""medhelm compare: two models on the same instances, from suites and from leaderboard.json."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from pytest_medhelm.reports.compare import shown, verdict
from pytest_medhelm.results.analysis.compare import Row
from tests.support.browser import faults, needs_browser
from tests.support.juries import named, number_of, rating, talks
from tests.support.letters import gold, write_letters
from tests.support.servers import vllm
from tests.support.sessions import Sessions
from tests.support.suites import leaderboard

OLD, NEW = "medhelm-results/old", "medhelm-results/new"


@pytest.fixture(scope="module")
def suites(tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> Path:
    """Two suites of 40 questions: the old model is wrong on cases 1 to 3, the new one on case 3 and 9."""
    folder = tmp_path_factory.mktemp("two")
    write_letters(folder, 40)
    for suite, wrong in (("old", (1, 2, 3)), ("new", (3, 9))):

        def reply(body: dict[str, Any], wrong: tuple[int, ...] = wrong) -> str:
            bad = any(f"Case {number}." in str(body) for number in wrong)
            return "ABCD"[("ABCD".index(gold(body)) + 1) % 4] if bad else gold(body)

        with MockServer(reply) as server:
            options = (*vllm(server), "--medhelm-model=baseline/random", "--medhelm-data=data")
            sessions.run_in(folder, *options, f"--medhelm-suite={suite}")
    return folder


@pytest.fixture
def two(suites: Path, pytester: pytest.Pytester) -> None:
    """Both suites, and the benchmark, in the present folder."""
    shutil.copytree(suites, pytester.path, dirs_exist_ok=True)


def test_who_changed(two: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", OLD, NEW, "--json=found.json", "--html=found.html"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert "+2 -1 changed  p 1.000" in shown, "McNemar, two against one"
    (row,) = json.loads(Path("found.json").read_text())["rows"]
    assert (row["up"], row["down"], row["n"]) == (["q001", "q002"], ["q009"], 40)
    assert row["difference"] == pytest.approx(1 / 40)
    assert row["method"] == "Tango"
    assert row["low"] < 0 < row["high"]
    assert row["warnings"] == []
    page = Path("found.html").read_text()
    assert 'href="medhelm-results/new/instances.html#benchmark=letters&amp;model=vllm/mock&amp;instance=q009"' in page


def test_a_leaderboard_says_the_same_as_its_suite(two: None, capsys: pytest.CaptureFixture[str]) -> None:
    main(["compare", OLD, NEW])
    by_suite = capsys.readouterr().out
    main(["compare", f"{OLD}/leaderboard.json", f"{NEW}/leaderboard.json"])
    assert capsys.readouterr().out == by_suite


def test_the_exit_status_tells_what_is_shown(two: None, capsys: pytest.CaptureFixture[str]) -> None:
    better, worse = "--model=vllm/mock", "--model=baseline/random"
    assert main(["compare", OLD, OLD, worse, better]) == 0
    assert main(["compare", OLD, OLD, better, worse]) == 1
    assert "WORSE" in capsys.readouterr().out
    assert main(["compare", OLD, NEW, "--margin=0.2"]) == 0
    assert main(["compare", OLD, NEW, "--margin=0.01"]) == 1
    assert "not shown to be less than 0.01 worse: letters" in capsys.readouterr().out


def test_what_differs_is_said(
    two: None,
    run: Any,
    server: MockServer,
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = pytester.path / "test_letters.py"
    module.write_text(module.read_text().replace('f"{instance.question}', 'f"Please: {instance.question}'))
    run(*vllm(server), "--medhelm-data=data", "--medhelm-limit=20", "--medhelm-suite=third")
    assert main(["compare", OLD, "medhelm-results/third"]) == 0
    shown = capsys.readouterr().out
    for warning in ("the sets of instances differ", "the prompts differ", "the benchmark's module changed"):
        assert f"! {warning}" in shown
    assert " 20\n" in shown, "only the instances that both have"


def test_judges_are_compared_by_common_triples(run: Any, pytester: pytest.Pytester) -> None:
    def reply(body: dict[str, Any]) -> str | Fault:
        if body["model"] in ("first", "second"):
            return f"Answer {number_of(body)} of {body['model']}."
        failing = body["model"] == "stern" and "of second" in str(body) and number_of(body) % 2
        return Fault("status", 400) if failing else rating(5 if body["model"] == "calm" else 2)

    data = talks(pytester.path, 12)
    with MockServer(reply, models=("first", "second", "calm", "stern")) as server:
        run(*named(server, "calm", "stern", models=("first", "second")), data, "--medhelm-gate=*.judge_error <= 1")
    both = "medhelm-results/default"
    for side in (both, f"{both}/leaderboard.json"):
        main(["compare", side, side, "--model=vllm/first", "--model=vllm/second", "--json=found.json"])
        (row,) = json.loads(Path("found.json").read_text())["rows"]
        assert (row["difference"], row["n"], row["up"], row["down"]) == (0.0, 12, [], [])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((OLD, "nowhere"), "nowhere: there is neither a suite nor a file"),
        ((OLD, OLD, "--model=vllm/gpt"), "holds no results of 'vllm/gpt'; it holds baseline/random, vllm/mock"),
        ((OLD, OLD, "--benchmark=med_qa"), "--benchmark=med_qa: neither has results of it; there are letters"),
        ((OLD, "data/letters/letters.json"), "is no leaderboard.json of this version"),
        ((OLD, "test_letters.py"), "cannot be read as JSON"),
        ((OLD, NEW, "--margin=-1"), "must be above 0"),
        ((OLD, NEW, "--html=test_letters.py/page.html"), "cannot be written"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, two: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *arguments]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


HOSTILE = "vllm/\x1b[2J\x1b]0;owned\x07\n::error::<script>document.title='run'</script>\u202egnp" + "x" * 300


@needs_browser
def test_names_of_a_strange_file_do_nothing(
    two: None,
    visit: Any,
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = leaderboard(pytester.path, "new")
    for facts in (*board["results"]["models"], *board["results"]["cells"]):
        key = "name" if "name" in facts else "model"
        facts[key] = HOSTILE if facts[key] == "vllm/mock" else facts[key]
    Path("strange.json").write_text(json.dumps(board))
    assert main(["compare", OLD, "strange.json", "--html=found.html"]) == 0
    assert main(["compare", "strange.json", OLD, "--model=nobody"]) == 1
    said = capsys.readouterr()
    assert "\\x1b[2J" in said.out
    assert "\\x1b[2J" in said.err
    for text in (said.out, said.err):
        assert all(line.isprintable() and not line.startswith("::") for line in text.split("\n"))
    tab = visit.open(pytester.path / "found.html", wide=400)
    assert tab.title().startswith("vllm/\\x1b[2J")
    assert "\u202e" not in tab.locator("main").inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400


@needs_browser
def test_what_differs_stands_above_the_values(two: None, visit: Any, pytester: pytest.Pytester) -> None:
    board = leaderboard(pytester.path, "new")
    for cell_ in board["results"]["cells"]:
        cell_["provenance"]["prompt"] = "another"
    Path("other.json").write_text(json.dumps(board))
    main(["compare", OLD, "other.json", "--html=found.html"])
    text = visit.open(pytester.path / "found.html").locator("main").inner_text()
    assert text.index(
        "Of 1 benchmark, B is shown to be better on none, worse on none; undecided on 1 (Letters)."
    ) < text.index("1 benchmark\n")
    assert text.index("Not alike: the prompts differ (Letters)") < text.index("1 benchmark\n")


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_reads_well(scheme: str, two: None, visit: Any, pytester: pytest.Pytester) -> None:
    main(["compare", OLD, NEW, "--html=found.html"])
    tab = visit.open(pytester.path / "found.html", color_scheme=scheme)
    assert faults(tab) == []
    tab.get_by_role("link", name="q009").click()
    tab.wait_for_url("**/instances.html**")
    narrow = visit.open(pytester.path / "found.html", wide=400)
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 400


def row(difference: float, low: float, high: float, p: float) -> Row:
    return Row(benchmark="b", title="B", metric="m", first=0.5, second=0.5 + difference, difference=difference, low=low,
               high=high, method="", n=40, up=(), down=(), lower_is_better=False, p=p, warnings=())  # fmt: skip


def test_no_difference_is_said_only_where_it_is_shown() -> None:
    assert shown(row(-0.2, -0.335, -0.068, 0.141)) == "not shown (-0.200, -0.335 to -0.068 before correction)"
    assert shown(row(0.01, -0.04, 0.06, 0.8)) == "not shown"
    assert shown(row(0.01, -0.04, 0.06, 0.8), 0.1) == "equal within 0.1"
    assert shown(row(0.01, -0.04, 0.06, 0.8), 0.05) == "not shown", "one end is outside"
    assert shown(row(-0.2, -0.3, -0.1, 0.001), 0.5) == "B is worse", "a difference that is shown is no equality"
    found: Any = SimpleNamespace(rows=[row(-0.2, -0.3, -0.1, 0.001), row(0.01, -0.04, 0.06, 0.8)])
    assert verdict(found) == "Of 2 benchmarks, B is shown to be better on none, worse on 1 (B); undecided on 1 (B)."
