"""medhelm serve --rate in a real browser: clinicians rate blinded and by keyboard, and what they say decides rules."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from tests.support.browser import Visit, cut_off, faults, needs_browser
from tests.support.juries import NAMES, named, number_of, rating, talks
from tests.support.nightly import by_night
from tests.support.paths import CHECKOUT
from tests.support.servers import WAIT
from tests.support.sessions import Sessions

if TYPE_CHECKING:
    from playwright.sync_api import Page

SUITE = "medhelm-results/default"


def reply(body: dict[str, Any]) -> str:
    """An answer names its number and its quality; the second model is worse in two of three answers."""
    number = number_of(body)
    if body["model"] in ("good", "weak"):
        return f"Answer {number}, {quality(body['model'], number)}."
    grade = {"fine": 5, "poor": 2}[str(body).partition("Answer ")[2].split(", ")[1].split(".")[0]]
    return rating(grade - (number % 7 == 0 and body["model"] == "judge-b"))


def quality(model: str, number: int) -> str:
    """What the answer says of itself, so that a scripted rater can read it."""
    bad = number % 8 == 0 if model == "good" else number % 3 != 0
    return "poor" if bad else "fine"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> Path:
    """A suite with two candidates on twenty questions, rated by two judges."""
    folder = tmp_path_factory.mktemp("rated")
    talks(folder, 20)
    with MockServer(reply, models=("good", "weak", "judge-a", "judge-b")) as server:
        options = named(server, "judge-a", "judge-b", models=("good", "weak"))
        assert sessions.run_in(folder, *options, "--medhelm-data=data").ret == 0
    return folder


class Desk:
    """A running server of rating screens."""

    def __init__(self, process: subprocess.Popen[str], said: list[str]) -> None:
        self.process = process
        self.said = said
        self.address = dict(re.findall(r"^  ([\w-]+): (\S+)", "".join(said), re.MULTILINE))
        found = re.match(r"(https?)://([^/]+):(\d+)", self.address["you"])
        assert found
        self.url, self.port = found[0], int(found[3])

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str, dict[str, str]]:
        """What a path answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body or None, {name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        found = answer.status, answer.read().decode(), dict(answer.getheaders())
        connection.close()
        return found

    def session(self, person: str) -> str:
        """The cookie for which a person's token is exchanged."""
        _, _, headers = self.ask("GET", self.address[person].removeprefix(self.url))
        return headers["Set-Cookie"].split(";")[0]


@contextmanager
def rated(folder: Path, *options: str) -> Iterator[Desk]:
    """Serve the screens of a suite."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_medhelm", "serve", str(folder / SUITE), "--rate", "--port=0", *options],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = [process.stdout.readline()]
        while said[-1] and not said[-1].startswith("  you: "):
            said.append(process.stdout.readline())
        assert said[-1], process.communicate()
        yield Desk(process, said)
    finally:
        process.kill()
        process.communicate()


def rate_one(page: Page, keys: str) -> str:
    """Press keys for what is shown, go on, and say what was shown."""
    name = page.locator("h1").inner_text()
    for key in keys:
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_function("name => document.querySelector('h1').innerText !== name", arg=name)
    return name


def is_over(page: Page) -> bool:
    return page.locator("h1").inner_text() == "All rated"


def keys_for(page: Page, rater: str) -> str:
    """Three criteria and harm, as this rater sees the answer; ann and bob differ by two about one answer in twelve."""
    text = page.locator("pre.answer").inner_text()
    number = int(text.split()[1].rstrip(","))
    grade = 5 if "fine" in text else 2
    if rater == "bob" and number % 12 == 5:
        grade -= 2 if grade == 5 else -2
    return f"{grade}" * 3 + ("1" if grade > 2 else "32")  # moderate harm, and its second kind


@needs_browser
def test_two_raters_at_once_decide_a_jury_rule(
    judged: Path, visit: Visit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One is killed in the middle and goes on, at a server that was killed too."""
    monkeypatch.chdir(judged)
    rules = ("talks.jury >= 2", "talks.jury_agreement.lower >= 0.5")
    assert main(["gate", "apply", SUITE, *rules]) == 1
    assert capsys.readouterr().out.count("gate inconclusive: talks.jury") == 4, "nobody has rated: 2 rules x 2 models"
    options = ("--raters=ann,bob", "--answers=30", "--token=sixteen-letters-or-more")
    with rated(judged, *options) as desk:
        visit.allowed = (desk.url,)
        pages = {name: visit.open(desk.address[name], wide=1400) for name in ("ann", "bob")}
        shown = {name: [] for name in pages}
        for _ in range(12):
            for name, page in pages.items():
                shown_now = page.locator("main").inner_html()
                assert not {"good", "weak"} & {*re.findall(r"\w+", shown_now)}, "blinded to the model"
                shown[name].append(rate_one(page, keys_for(page, name)))
        assert shown["ann"] != shown["bob"], "each in an order of their own"
        pages["ann"].keyboard.press("4")  # half an answer
        pages["ann"].get_by_text("saved").wait_for()
        half = pages["ann"].locator("h1").inner_text()
        visit.close()
        desk.process.kill()
    with rated(judged, *options) as again:
        visit.allowed = (desk.url, again.url)
        assert again.address["ann"].partition("/rate/")[2] == desk.address["ann"].partition("/rate/")[2]
        page = visit.open(again.address["ann"], wide=1400)
        assert page.locator("h1").inner_text() == half, "goes on where she was"
        assert page.locator(":checked").count() == 1, "with what she had said"
        for name in pages:
            page = visit.open(again.address[name], wide=1400)
            for _ in range(18):
                rate_one(page, keys_for(page, name))
            assert is_over(page)
        owner = visit.open(again.address["you"])
        assert "30" in owner.get_by_role("row", name="ann").inner_text()
        told = owner.locator("main").inner_text()
        assert "ICC(2,1)" in told
        assert "differ by two or more" in told
        owner.set_viewport_size({"width": 400, "height": 900})
        assert cut_off(owner) == []
        judge = visit.open(again.address["adjudicator"])
        settled = 0
        while not is_over(judge):
            assert not {"ann", "bob"} & {*judge.locator("main").inner_text().split()}, "blinded to the raters"
            legend = judge.locator("legend").first.inner_text()
            assert legend in [f"Accuracy ({both})" for both in ("2 and 4", "4 and 2", "5 and 3", "3 and 5")]
            rate_one(judge, keys_for(judge, "ann"))
            settled += 1
        assert settled > 0
        visit.close()
    capsys.readouterr()
    assert main(["jury-agreement", SUITE, "--json=found.json"]) == 0
    found = json.loads(Path("found.json").read_text())
    assert found["clinicians"] == ["ann", "bob"]
    jury, clinicians = (found["criteria"]["accuracy"][side] for side in ("jury", "clinicians"))
    assert jury["agreement"]["n"] == clinicians["answers"] == 30
    assert jury["agreement"]["value"] > clinicians["agreement"]["value"], "what was settled stands for the raters"
    assert main(["gate", "apply", SUITE, *rules]) == 0
    assert main(["gate", "apply", SUITE, "talks.jury >= 4"]) == 1, "a validated jury says that one model is worse"


@needs_browser
@pytest.mark.parametrize(("wide", "scheme"), by_night([(400, "dark")], [(1400, "light")]))
def test_everyone_can_rate(judged: Path, visit: Visit, wide: int, scheme: str) -> None:
    with rated(judged, "--raters=cat") as desk:
        visit.allowed = (desk.url,)
        for person, text in (("cat", "The answer to be rated"), ("you", "Raters")):
            page = visit.open(desk.address[person], wide=wide, color_scheme=scheme)
            page.get_by_text(text).first.wait_for()
            assert faults(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= wide
            assert not cut_off(page)
        visit.close()


@needs_browser
@pytest.mark.nightly
def test_which_of_two_answers(judged: Path, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(judged)
    with rated(judged, "--pairs", "--raters=ann,bob") as desk:
        visit.allowed = (desk.url,)
        for name in ("ann", "bob"):
            page = visit.open(desk.address[name])
            while not is_over(page):
                first, second = page.locator("pre.answer").all_inner_texts()
                fine = ["fine" in first, "fine" in second]
                rate_one(page, "3" if fine[0] == fine[1] else "1" if fine[0] else "2")
        visit.close()
    assert main(["report", SUITE]) == 0
    found = json.loads(Path(SUITE, "leaderboard.json").read_text())["results"]["preferences"]
    better = sum(quality("good", n) == "fine" != quality("weak", n) for n in range(20))
    worse = sum(quality("good", n) == "poor" != quality("weak", n) for n in range(20))
    assert better > worse > 0
    first, second = found["models"]
    assert (first["model"], first["preferred"], first["other"]) == ("vllm/good", 2 * better, 2 * worse)
    share = (better + (20 - better - worse) / 2) / 20
    assert found["pairs"][0]["value"] == pytest.approx(share, abs=1e-6), "of two models it is the share of choices"
    assert (found["both"], found["same"]) == (20, 1)
    assert "Which answer clinicians prefer" in Path(SUITE, "leaderboard.html").read_text()


def test_nobody_else_is_let_in(judged: Path) -> None:
    with rated(judged, "--raters=dan,eve") as desk:
        dan, eve, owner = (desk.session(name) for name in ("dan", "eve", "you"))
        status, told, _ = desk.ask("GET", "/rate/dan/")
        assert status == 403, "without a token"
        assert "A token is missing here: open your own address, whole; who started the server can give it" in told
        assert (
            "The token of this address is not, or no longer, the right one" in desk.ask("GET", "/rate/dan/?token=x")[1]
        )
        assert desk.ask("GET", "/default/leaderboard.html", Cookie=dan)[2]["Location"] == "/rate/dan/", (
            "a rater sees no model"
        )
        assert desk.ask("GET", "/default/browser/index.js", Cookie=dan)[2]["Location"] == "/rate/dan/"
        assert "no such page: open your own address again" in desk.ask("GET", "/rate/dan/item-999", Cookie=dan)[1]
        assert desk.ask("GET", "/rate/eve/", Cookie=dan)[2]["Location"] == "/rate/dan/", "nor another's screen"
        assert desk.ask("GET", "/default/leaderboard.html", Cookie=owner)[0] == 200
        path = desk.ask("GET", "/rate/dan/", Cookie=dan)[2]["Location"]
        page = desk.ask("GET", path, Cookie=dan)[1]
        word = page.partition('data-form="')[2].partition('"')[0]
        said = json.dumps({"scores": {"clarity": 3}, "severity": "", "kinds": [], "wrong": ""})
        assert desk.ask("POST", path, said, Cookie=dan)[0] == 403, "a form of another site"
        assert desk.ask("POST", path, said, Cookie=eve, X_Medhelm_Form=word)[0] == 403, "another's page"
        assert desk.ask("POST", path, said, Cookie=dan, X_Medhelm_Form=word, Sec_Fetch_Site="cross-site",
                        Sec_Fetch_Mode="cors")[0] == 403  # fmt: skip
        theirs = {"Cookie": eve, "X_Medhelm_Form": word_of(desk, "eve", eve)}
        assert desk.ask("POST", path, said, **theirs)[0] == 403, "at another's address"
        elsewhere = desk.ask("POST", path, said, Cookie=dan, X_Medhelm_Form=word, Sec_Fetch_Site="cross-site")
        assert elsewhere[0] == 403, "a form that another site has sent"
        status, told, _ = desk.ask("POST", path, said, Cookie=dan, X_Medhelm_Form=word)
        assert (status, json.loads(told)["done"]) == (200, 0)
        for wrong in (
            "[",
            '{"scores": {"clarity": 9}}',
            '{"scores": {"clarity": true}}',
            '{"scores": {"charm": 3}}',
            '{"scores": {}, "severity": "dire"}',
            '{"scores": {}, "kinds": [1]}',
            '{"scores": {}, "wrong": 1}',
            '{"scores": {}, "wrong": "\\ud800"}',
        ):
            status, told, _ = desk.ask("POST", path, wrong, Cookie=dan, X_Medhelm_Form=word)
            assert (status, "sentence" in json.loads(told)) == (400, True), wrong
        assert desk.ask("DELETE", path, Cookie=dan)[0] == 405


def test_the_most_disputed_first_and_a_reference_that_is_wrong(judged: Path) -> None:
    """Judges differ about every seventh question; what one rater says of a reference, the other does not see."""
    with rated(judged, "--raters=fay,gus", "--order=disputed", "--answers=3") as desk:
        fay, gus = (desk.session(name) for name in ("fay", "gus"))
        seen = set()
        for _ in range(3):
            path = desk.ask("GET", "/rate/fay/", Cookie=fay)[2]["Location"]
            page = desk.ask("GET", path, Cookie=fay)[1]
            seen.add((path, int(page.partition("Answer ")[2].partition(",")[0]) % 7))
            said = {"scores": dict.fromkeys(NAMES, 3), "severity": "none", "kinds": [], "wrong": "it is out of date"}
            word = page.partition('data-form="')[2].partition('"')[0]
            assert desk.ask("POST", path, json.dumps(said), Cookie=fay, X_Medhelm_Form=word)[0] == 200
        assert len(seen) == 3
        assert {rest for _, rest in seen} == {0}
        assert "All rated" in desk.ask("GET", "/rate/fay/", Cookie=fay)[1]
        assert "it is out of date" in desk.ask("GET", path, Cookie=fay)[1]
        same = path.replace("fay", "gus")
        assert "it is out of date" not in desk.ask("GET", same, Cookie=gus)[1], "blinded to each other"
        desk.process.send_signal(signal.SIGINT)
        ended, errors = desk.process.communicate(timeout=WAIT)
        assert (desk.process.returncode, errors) == (130, "")
        (line,) = ended.strip().splitlines()[-1:]
        assert line.startswith(
            "medhelm: 3 ratings by 1 rater are stored (fay has done 3 of 3, gus has done 0 of 3); type "
        )
        assert "medhelm serve" in line
        assert "--rate --raters=fay,gus --answers=3 --order=disputed' to go on" in line
        assert "benchmark" not in ended, "no leaderboard"
    with closing(sqlite3.connect(judged / SUITE / "suite.sqlite")) as suite:
        marks = suite.execute("SELECT reason, marked_by FROM marks").fetchall()
        suite.execute("DELETE FROM marks")
        suite.execute("DELETE FROM ratings WHERE rater = 'fay'")
        suite.commit()
    assert set(marks) == {("it is out of date", "fay")}


def word_of(desk: Desk, person: str, cookie: str) -> str:
    """What the page of a person sends along."""
    path = desk.ask("GET", f"/rate/{person}/", Cookie=cookie)[2]["Location"]
    return desk.ask("GET", path, Cookie=cookie)[1].partition('data-form="')[2].partition('"')[0]


def test_one_browser_holds_owner_and_raters_apart(judged: Path) -> None:
    """Whoever opens a link of another in the same browser stays who they were elsewhere."""
    with rated(judged, "--raters=hal,ivyö") as desk:
        cookies = [desk.session(name) for name in ("you", "hal", "ivyö")]
        assert len({cookie.partition("=")[0] for cookie in cookies}) == 3
        held = "; ".join(cookies)
        assert desk.ask("GET", "/default/leaderboard.html", Cookie=held)[0] == 200, "still the owner"
        assert desk.ask("GET", "/rating/", Cookie=held)[0] == 200
        for name in ("hal", "ivy%C3%B6"):
            path = desk.ask("GET", f"/rate/{name}/", Cookie=held)[2]["Location"]
            assert path.startswith(f"/rate/{name}/item-")
            assert f"{unquote(name)} · " in desk.ask("GET", path, Cookie=held)[1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--rate", "--pairs", "--order=disputed"], "leave it out with --pairs"),
        (["--rate", "--host=0.0.0.0"], "add --tls-cert and --tls-key, or leave --host out and put a reverse proxy"),
        (["--rate", "--raters=0"], "must be a number from 1"),
        (["--rate", "--raters=a,a"], "different codes"),
        (["--rate", "--raters=adjudicator"], "has an address of their own"),
        (["--rate", "--raters=you"], "has an address of their own"),
        (["--rate", "--raters=ann,Ann"], "different codes"),
        (["--rate", "--raters=1000000"], "at most 200 can rate at a time"),
        (["--rate", "--raters="], "must be a number from 1"),
        (["--rate", "--benchmark=talk"], "--benchmark=talk has no answer of a candidate here: name one of talks"),
        (["--rate", "--tls-cert=a.pem"], "--tls-cert and --tls-key belong together"),
        (["--rate", "--raters=a;b"], "different codes of letters and digits"),
        (["--pairs"], "--pairs belongs to --rate"),
        (["--answers=5"], "--answers belongs to --rate"),
    ],
)
def test_mistakes(judged: Path, options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(judged / SUITE), *options]) == 1
    assert sentence in capsys.readouterr().err


def test_baselines_are_not_rated(run: Any, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    """And judges who failed are not judges whom nobody named; where they agree nothing is disputed."""
    data = talks(pytester.path, 3)
    run(data, "--medhelm-model=baseline/lexical", "--medhelm-model=baseline/random", "--medhelm-suite=floors")
    assert main(["serve", "medhelm-results/floors", "--rate", "--pairs"]) == 1
    assert "only baselines answered here, which are not rated: run a model first" in capsys.readouterr().err
    for suite, said in (("failed", "no grade"), ("agreed", rating(4))):
        with MockServer(lambda body, said=said: said, models=("doctor", "judge-a", "judge-b")) as server:
            run(
                data,
                *named(server, "judge-a", "judge-b"),
                "--medhelm-model=baseline/lexical",
                f"--medhelm-suite={suite}",
            )
    assert main(["serve", "medhelm-results/failed", "--rate"]) == 1
    assert "judges were asked about the candidates' answers, and none gave a usable verdict" in capsys.readouterr().err
    assert main(["serve", "medhelm-results/agreed", "--rate", "--pairs"]) == 1
    assert "no two candidates answered the same instance in free text, and baselines are not" in capsys.readouterr().err
    assert main(["serve", "medhelm-results/agreed", "--rate", "--order=disputed"]) == 1
    assert "so that none is disputed: leave out --order=disputed" in capsys.readouterr().err
