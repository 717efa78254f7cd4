"""Served pages in a real browser: they follow a run in place, can be used by all, and run nothing that is not ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from tests.support.browser import Visit, cut_off, faults, needs_browser
from tests.support.letters import gold
from tests.support.nightly import by_night
from tests.support.servers import WAIT, until, vllm
from tests.support.serving import Served, serving
from tests.support.texts import HOSTILE

pytestmark = needs_browser


@contextmanager
def shown(visit: Visit, *arguments: object) -> Iterator[Served]:
    """Serve to pages that are closed before the server ends: they would say that it is gone."""
    with serving(*arguments) as served:
        visit.allowed = (served.url,)
        yield served
        visit.close()


def test_the_leaderboard_follows_a_run_in_place(
    letters: Callable[..., Path],
    pytester: pytest.Pytester,
    visit: Visit,
) -> None:
    """From before its first result to its gates; what the reader has opened and where he is stay."""
    first, rest = threading.Event(), threading.Event()
    folder = pytester.path / "medhelm-results" / "default"

    def reply(body: dict[str, Any]) -> str:
        number = int(body["messages"][-1]["content"].split()[1].rstrip("."))
        (first if number < 6 else rest).wait(WAIT)
        return gold(body)

    with MockServer(reply) as server:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *vllm(server)]
        command += [f"--medhelm-data={letters(16)}", "--medhelm-gate=letters >= 0.5", "--medhelm-concurrency=1"]
        process = subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL)
        until((folder / "responses.sqlite").is_file)
        with shown(visit, folder) as served:
            page = visit.open(served.url)
            page.get_by_text("has no result yet").wait_for()
            first.set()
            page.get_by_text("Leaderboard of suite").wait_for()
            page.evaluate("window.untouched = true")
            opened = page.locator("summary").first
            name = opened.inner_text()
            opened.click()
            link = page.locator("#board a").first
            link.focus()
            page.mouse.wheel(0, 120)
            rest.set()
            page.locator("#live-mark").get_by_text("Finished", exact=True).wait_for(timeout=1000 * WAIT)
            page.get_by_text("pass: letters").wait_for(state="attached")
            assert page.evaluate("window.untouched") is True
            assert page.evaluate("document.activeElement.tagName") == "A"
            again = page.locator("details", has=page.locator("summary").get_by_text(name, exact=True)).first
            assert again.get_attribute("open") is not None
            assert page.locator("#live-reload").is_hidden()
            assert process.wait() == 0


def test_the_instances_wait_for_the_reader(suite: Path, tmp_path: Path, visit: Visit) -> None:
    """They say that there is more, and show it at the press of a button, in the same view; the leaderboard too, if
    told not to follow by itself."""
    import sqlite3

    folder = Path(shutil.copytree(suite, tmp_path / "wards"))
    with shown(visit, folder) as served:
        board = visit.open(f"{served.url}/wards/leaderboard.html")
        board.get_by_label("keep up to date").uncheck()
        page = visit.open(f"{served.url}/wards/instances.html#benchmark=letters&instance=q003")
        page.get_by_text("Case 3. Gold D.").first.wait_for()
        assert page.locator("#live-reload").is_hidden()
        records = sqlite3.connect(folder / "suite.sqlite")
        records.execute("UPDATE records SET rowid = rowid + 100, status = 'refused' WHERE instance = 'q003'")
        records.commit()
        records.close()
        page.get_by_role("button", name="new results").click(timeout=30_000)
        page.locator("#instance").get_by_text("refused").first.wait_for()
        assert page.url.endswith("#benchmark=letters&instance=q003")
        board.get_by_role("button", name="new results").wait_for(timeout=30_000)
        assert board.get_by_text("1 refused").count() == 0
        board.get_by_label("keep up to date").check()
        board.get_by_text("1 refused").first.wait_for(state="attached")
        assert board.locator("#live-reload").is_hidden()


@pytest.mark.parametrize("scheme", by_night(["light"], ["dark"]))
def test_everyone_can_use_it(suite: Path, tmp_path: Path, visit: Visit, scheme: str) -> None:
    for name in ("a", "b"):
        shutil.copytree(suite, tmp_path / name)
    (tmp_path / "b" / "manifest.json").unlink()
    with shown(visit, tmp_path) as served:
        for path, text in (
            ("/", "Suites"),
            ("/a/leaderboard.html", "Leaderboard of suite"),
            ("/b/instances.html", "Instances of suite"),
        ):
            page = visit.open(served.url + path, wide=400, color_scheme=scheme)
            page.get_by_text(text).first.wait_for()
            page.wait_for_load_state("networkidle")
            assert faults(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 400
            assert cut_off(page) == []
        page = visit.open(served.url + "/a/leaderboard.html")
        page.get_by_label("keep up to date").focus()
        page.keyboard.press("Space")
        assert not page.get_by_label("keep up to date").is_checked()


def test_hostile_answers_run_nothing(
    letters: Callable[..., Path],
    run: Any,
    pytester: pytest.Pytester,
    visit: Visit,
) -> None:
    def reply(body: dict[str, Any]) -> str:
        return HOSTILE[int(body["messages"][-1]["content"].split()[1].rstrip("."))]

    with MockServer(reply) as server:
        run(*vllm(server), f"--medhelm-data={letters(len(HOSTILE))}")
    with shown(visit, pytester.path / "medhelm-results" / "default") as served:
        for number in range(len(HOSTILE)):
            page = visit.open(f"{served.url}/default/instances.html#benchmark=letters&instance=q{number:03d}")
            page.get_by_text(f"Case {number}. Gold").first.wait_for()
            assert page.title() != "run"
            assert page.locator("#instance img, #instance script, #instance a[href^=javascript]").count() == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_page_elsewhere_cannot_read_it(suite: Path, browser: Any) -> None:
    """Data files are scripts, which any site may embed: the server and the browser refuse it."""
    with serving(suite) as served:

        class Evil(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(
                    "<script>window.medhelm = { take: (key, text) => { window.stolen = text; } };</script>"
                    f"<script src='{served.url}/default/browser/index.js'></script>"
                    f"<iframe src='{served.url}/default/leaderboard.html'></iframe><p>loaded</p>".encode()
                )

            def log_message(self, *_: Any) -> None:
                pass

        elsewhere = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        context = browser.new_context()
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"http://127.0.0.1:{elsewhere.server_port}/", wait_until="networkidle")
        assert page.get_by_text("loaded").is_visible()
        assert page.evaluate("typeof window.stolen") == "undefined"
        assert len([line for line in said if "frame-ancestors" in line or "X-Frame-Options" in line]) >= 1
        own = context.new_page()
        own.goto(f"{served.url}/default/instances.html")
        own.locator("#count").get_by_text("All 12 instances").wait_for()
        context.close()
        elsewhere.shutdown()
        elsewhere.server_close()


def test_the_token_opens_all_pages(suite: Path, visit: Visit) -> None:
    with shown(visit, suite, "--token") as served:
        page = visit.open(f"{served.url}/{served.query}")
        page.get_by_text("Leaderboard of suite").wait_for()
        assert "token" not in page.url
        page.locator("#board a.value").first.click()
        page.locator("#count").get_by_text("12 instances").wait_for()
