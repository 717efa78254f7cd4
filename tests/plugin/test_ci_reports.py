"""What CI systems show of a session: pytest-html's page and JUnit XML, plain and under xdist, for any names."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from perf.mock_server import Fault, MockServer
from pytest_medhelm.cli.main import main
from tests.support.browser import Visit, needs_browser
from tests.support.juries import named, rating, talks
from tests.support.letters import gold

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>]]>\x00\x1b[31m\u202e::error::x"
CDATA = "doc]]><b>&\"'"
"""A model's name that tries to leave XML and HTML."""


def answers(body: dict[str, Any]) -> str | Fault:
    """Right but for case 3, which is no answer, and case 4, for which the server fails."""
    if "Case 3." in str(body):
        return HOSTILE
    return Fault("status", 400) if "Case 4." in str(body) else gold(body)


def test_pytest_html_shows_status_score_and_leaderboard(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(6)
    with MockServer(answers, models=[CDATA]) as server:
        options = [f"--medhelm-model=vllm/{CDATA}", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}"]
        run(*options, "--html=out/ci.html", "--self-contained-html", "--medhelm-gate=letters.exact_match >= 0.9")
    page = (pytester.path / "out/ci.html").read_text()
    assert "<script>alert" not in page
    assert "doc]]><b>" not in page
    assert "medhelm: suite default" in page
    assert "Not passed: 1 of 1" in page
    assert "letters" in page
    assert "../medhelm-results/default/instances.html#benchmark=letters" in page
    assert "Case 3." not in page, "no prompt"


def test_a_failure_is_said_once_and_what_went_well_is_not_listed_without_end(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--tb=line writes one line a failure, and the page stays small: three rows of answers that came."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)  # Where they are set, pytest's summary says all of it once more.
    pytester.makeconftest("from pytest_medhelm.plugin import pytest_html\npytest_html.LISTED = 3\n")
    with MockServer(answers, models=["mock"]) as server:
        options = ["--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={letters(9)}"]
        result = run(*options, "--html=ci.html", "--self-contained-html", "--tb=line", "--medhelm-gate=letters >= 0.99")
    said = result.stdout.str()
    assert said.count("fail: letters >= 0.99: vllm/mock on letters has") == 2, "as a failure, and as the gate's line"
    page = (pytester.path / "ci.html").read_text()
    assert "5 further answers that were scored have no row below" in page, "of eight; the ninth got no answer"
    assert page.count("instance&lt;/a&gt;") + page.count("instance</a>") == 4


@needs_browser
def test_its_columns_sort_and_lead_to_the_instance(
    letters: Callable[..., Path],
    run: Any,
    pytester: pytest.Pytester,
    visit: Visit,
) -> None:
    data = letters(6)
    with MockServer(answers) as server:
        options = ["--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}"]
        run(*options, "--html=out/ci.html", "--self-contained-html")
    page = visit.open(pytester.path / "out/ci.html")
    rows = page.locator("#results-table tbody tr.collapsible")
    shown = {row.locator(".col-status").inner_text(): row.locator(".col-score").inner_text() for row in rows.all()}
    assert shown == {"ok": "1.000", "unparsed": "0.000", "request_error": ""}
    page.locator("#results-table th", has_text="Status").click()
    order = page.locator("#results-table .col-status").all_inner_texts()
    assert order in (sorted(order), sorted(order, reverse=True))
    page.locator("tr.collapsible").filter(has_text="unparsed").get_by_role("link", name="instance").click()
    page.wait_for_url("**/instances.html#benchmark=letters&model=vllm%2Fmock&instance=q003")
    page.get_by_text("Case 3. Gold D.").first.wait_for()


def test_without_pytest_html_and_without_pages(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(2)
    with MockServer(gold) as server:
        options = ["--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}"]
        assert run(*options, "-p", "no:html").ret == 0
        assert run(*options, "--html=ci.html", "--medhelm-html=none").ret == 0
        page = (pytester.path / "ci.html").read_text()
        assert "instances.html" not in page
        assert "leaderboard.html" not in page
        assert run(*options, "--html=ci.html", "--medhelm-html=single").ret == 0
    assert "leaderboard.html#benchmark=letters" in (pytester.path / "ci.html").read_text()


def test_junit_stays_well_formed_and_counts_gates(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    data = letters(6)
    with MockServer(answers, models=[CDATA]) as server:
        options = [f"--medhelm-model=vllm/{CDATA}", f"--medhelm-base-url={server.url}", f"--medhelm-data={data}"]
        gates = ["--medhelm-gate=letters.exact_match >= 0.9", "--medhelm-gate=letters.exact_match >= 0.1"]
        result = run(*options, "--junitxml=ci.xml", *gates)
    assert result.ret == 1
    text = (pytester.path / "ci.xml").read_text()
    suite = ElementTree.fromstring(text).find("testsuite")
    assert suite is not None
    cases = {case.get("name", ""): case for case in suite.iter("testcase")}
    assert len(cases) == 8
    failed = sorted(name for name, case in cases.items() if case.find("failure") is not None)
    assert len(failed) == 1
    assert "0.9" in failed[0]
    errors = [name for name, case in cases.items() if case.find("error") is not None]
    assert len(errors) == 1, "the request without an answer"
    assert int(suite.get("tests", "0")) == 8
    assert "Case 3." not in text
    assert "alert(1)" not in text
    assert list(suite.iter("property")) == [], "no records in a CI system"


def test_hostile_answers_and_reasons_do_nothing_anywhere(run: Any, pytester: pytest.Pytester) -> None:
    """An answer, a judge's reply and a server's error that try HTML, XML, ANSI, direction marks and CI commands."""
    data = talks(pytester.path, ["One?", "Two?", "Three?"])
    long = "x" * 1_000_000 + HOSTILE

    def reply(body: dict[str, Any]) -> str | Fault:
        if body["model"] == "judge":
            return HOSTILE if "Two?" in str(body) else rating(3, 3, 3)
        if "Three?" in str(body):
            return Fault("status", 400, body={"error": {"message": HOSTILE}})
        return long

    with MockServer(reply, models=["doctor", "judge"]) as server:
        files = ["--junitxml=ci.xml", "--html=ci.html", "--self-contained-html"]
        result = run(*named(server, "judge"), data, *files, "-v")
    shown = result.stdout.str()
    ElementTree.fromstring((pytester.path / "ci.xml").read_text())
    page = (pytester.path / "ci.html").read_text()
    summary = (pytester.path / "medhelm-results/default/summary.md").read_text()
    board = (pytester.path / "medhelm-results/default/leaderboard.html").read_text()
    for text in (shown, page, summary, board):
        assert "<script>alert(1)" not in text
        assert "\x00" not in text
        assert "\u202e" not in text
    assert not re.search(r"^::error", shown, re.MULTILINE)
    assert max(map(len, shown.splitlines())) < 2000


def test_what_stands_in_the_data_commands_no_ci_system_through_a_gate(
    run: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    wards = ["\x1b[31mred\n::set-output name=a::b", "##vso[task.setvariable variable=a]b"]
    with (pytester.path / "ward.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["stay", "ward", "due"], *([n, wards[n % 2], "visit"] for n in range(4))])
    (pytester.path / "ward.medhelm.yaml").write_text(
        "name: ward\nsubcategory: Care Coordination and Planning\ndata: ward.csv\n"
        "columns: {id: stay, slices: [ward]}\nprompt: What is due at {stay}?\n"
        "answer: {kind: label, column: due, choices: [visit, call]}\n"
    )
    with MockServer(lambda _: "B") as server:
        gate = ("--medhelm-gate=ward[ward=*] >= 0.5", "--junitxml=ci.xml")
        result = run("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", *gate)
    result.stdout.fnmatch_lines(["*2 failed, 4 scored*"])
    assert main(["gate", "apply", "medhelm-results/default", gate[0].partition("=")[2], "--junitxml=b.xml"]) == 1
    shown = result.stdout.str()
    assert "vso[" in shown
    assert not re.search("##vso|##\\[|\x1b\\[31mred", shown)
    lines = [line for line in shown.splitlines() if line.lstrip().startswith("::")]
    assert len(lines) == 2
    assert all(line.startswith("::error title=medhelm gate::fail: ward") for line in lines)
    session, again = (
        [found.text for found in ElementTree.fromstring(Path(name).read_text()).iter("failure")]
        for name in ("ci.xml", "b.xml")
    )
    assert session == again
