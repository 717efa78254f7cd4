"""Clinical text stays in the suite's own files; hostile output runs nothing."""

from __future__ import annotations

import html
import os
import re
import stat
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from tests.support.checks import some
from tests.support.servers import vllm
from tests.support.suites import cell, leaderboard
from tests.support.texts import HOSTILE

SECRET = "Mrs Example, born 1 April"

TELLTALE = f'''
def prompt(instance):
    print("{SECRET} printed")
    return "{SECRET} " + instance.question

def test_letters(instance, response, score):
    print("{SECRET} printed")
    score.exact_match(response.choice, instance.answer)
    assert response.text == "{SECRET} expected"
'''


def test_a_failing_assertion_shows_no_text(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(3)
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text().partition("def prompt")[0] + TELLTALE)
    with MockServer(lambda body: f"{SECRET} answered") as server:
        options = (*vllm(server), f"--medhelm-data={data}")
        hidden = run(*options, "--junitxml=ci.xml", "--html=ci.html", "--self-contained-html")
        shown = run(*options, "--medhelm-show-text")
    assert hidden.ret == shown.ret == 1
    hidden.stdout.fnmatch_lines(["AssertionError at test_letters.py:* (vllm/mock-q000, request *"])
    for text in (hidden.stdout.str(), (pytester.path / "ci.xml").read_text(), (pytester.path / "ci.html").read_text()):
        assert "Mrs Example" not in text
    assert f"{SECRET} answered" in shown.stdout.str()
    assert "Case 0. Gold A." in shown.stdout.str()
    assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"unparsed": 3}
    for file in some((pytester.path / "medhelm-results/default").glob("*.json")):
        assert "Mrs Example" not in file.read_text()


def test_text_that_is_asked_for_stands_in_the_report_and_does_nothing(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester
) -> None:
    hostile = "A\n::error::owned\n##vso[x]\x1b[2J\u202e<script>run()</script>" + "x" * 9000
    with MockServer(lambda body: hostile) as server:
        options = (*vllm(server), f"--medhelm-data={letters(2)}", "--medhelm-strict", "--html=ci.html")
        result = run(*options, "--medhelm-show-text")
    log = result.stdout.str()
    page = html.unescape(html.unescape((pytester.path / "ci.html").read_text()))
    for text in (log, page):
        assert "Case 1. Gold B." in text
        assert "# #vso[x]\\x1b[2J\\u202e" in text.replace("\\\\", "\\")
        assert "characters more]" in text
        assert "\x1b[2J" not in text
        assert "\n::error" not in text
    assert "<script>run()" not in (pytester.path / "ci.html").read_text()
    assert max(map(len, log.splitlines())) < 200


def test_files_belong_to_their_owner_only(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    with MockServer(lambda body: "A") as server:
        run(*vllm(server), f"--medhelm-data={letters(3)}", "-n", "2")
    folder = pytester.path / "medhelm-results/default"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {
        "responses.sqlite", "suite.sqlite", "leaderboard.json", "leaderboard.html", "manifest.json",
    }  # fmt: skip
    assert {oct(stat.S_IMODE(path.stat().st_mode)) for path in files} == {"0o600"}


def test_record_numbers_of_private_data_are_hashed(
    letters: Callable[..., Path], run: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDHELM_ID_KEY", "a key of this hospital")
    data = letters(3)
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text().replace('access="public"', 'access="private"'))
    with MockServer(lambda body: "A") as server:
        result = run(*vllm(server), f"--medhelm-data={data}", "-v", "--junitxml=ci.xml")
        first = cell(leaderboard(pytester.path), "letters")["instances"]
        run(*vllm(server), f"--medhelm-data={data}", "--medhelm-suite=other")
    for text in (result.stdout.str(), (pytester.path / "ci.xml").read_text()):
        assert "q000" not in text
    folder = pytester.path / "medhelm-results/default"
    assert all(
        "q000" not in file.read_text()
        for file in [*folder.glob("*.json"), *folder.glob("*.html"), *folder.glob("browser/*")]
    )
    assert all(len(name) == 16 and not name.startswith("q") for name in first)
    assert cell(leaderboard(pytester.path, "other"), "letters")["instances"] == first


class Tags(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.links.update(value or "" for name, value in attrs if name in ("href", "src"))


def test_hostile_answers_stay_text(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    def reply(body: dict[str, Any]) -> dict[str, Any]:
        number = int(body["messages"][-1]["content"].split()[1].rstrip("."))
        return {"content": HOSTILE[number], "reasoning_content": HOSTILE[number]}

    with MockServer(reply) as server:
        result = run(*vllm(server), f"--medhelm-data={letters(len(HOSTILE))}")
    assert result.ret == 0
    assert "\x1b[2J" not in result.stdout.str()
    folder = pytester.path / "medhelm-results/default"
    pages = sorted(folder.rglob("*.html"))
    assert [page.name for page in pages] == ["instances.html", "leaderboard.html"]
    for page in pages:
        found = Tags()
        found.feed(page.read_text())
        assert not found.tags & {"img", "iframe", "object", "embed", "link", "base"}
        assert not {name for name in found.attributes if name.startswith("on")}
        assert all(not link.startswith(("http", "javascript", "//")) for link in some(found.links))
        assert "default-src 'none'" in page.read_text()
        assert "document.title='run'" not in page.read_text()
    # The answers are data beside the page: one call with one string, in which nothing ends a script.
    text = (folder / "browser" / "letters-0.js").read_text()
    assert "{{ 7 * 7 }}" in text
    assert "<" not in text
    assert re.fullmatch(r"medhelm\.take\('letters-0','(?:[^'\\\n]|\\.)*'\);\n", text)


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_offline_sends_no_packet_elsewhere(letters: Callable[..., Path], pytester: pytest.Pytester, run: Any) -> None:
    """Inside a namespace that has only a loopback device the offline run works: there is nowhere else to go."""
    import shutil
    import subprocess
    import sys

    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no network namespaces")
    data = letters(5)
    script = (
        "ip link set lo up && "
        f"{sys.executable} -m pytest -p no:cacheprovider --medhelm-model=baseline/lexical --medhelm-offline "
        f"--medhelm-data={data}"
    )
    result = subprocess.run(
        [unshare, "-n", "sh", "-c", script], cwd=pytester.path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "5 scored" in result.stdout
