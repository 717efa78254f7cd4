"""A real browser for the pages: Debian's Chromium without windows, driven by Playwright.

A page that is opened must neither complain on its console nor ask anything of the network.
"""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)
"""The shell first: the same engine without windows, which opens a page for a quarter of the CPU time."""
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian package chromium-headless-shell)")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module; closed before the next one, since Playwright keeps an event loop running."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


def cut_off(page: Page) -> list[str]:
    """The tables laid out for narrow screens of which a part is out of sight."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('.scroll:has(.stack)')].filter(e => e.scrollWidth > e.clientWidth)"
        ".map(e => e.getAttribute('aria-label'))"
    )
    return found


class Visit:
    """Pages opened from disk, and what they did that they must not do."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.allowed: tuple[str, ...] = ("file:", "data:")
        """What pages may ask; a page that is served adds the address of its server."""
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def open(self, page: Path | str, *, wide: int = 1280, high: int = 900, **context: Any) -> Page:
        """Open a file or an address; ``context``: options of the browser context, e.g. color_scheme="dark"."""
        made = self._browser.new_context(viewport={"width": wide, "height": high}, **context)
        self._contexts.append(made)
        tab = made.new_page()
        tab.on("console", lambda message: self._note(message.type, message.text))
        tab.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.goto(page.as_uri() if isinstance(page, Path) else page)
        return tab

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")

    @property
    def outside(self) -> list[str]:
        """Requests to anything else."""
        return [url for url in self.requests if not url.startswith(self.allowed)]

    def close(self) -> None:
        """Close every tab."""
        for context in self._contexts:
            context.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open pages with ``visit.open(path)``; in the end the console was silent and no request went elsewhere."""
    made = Visit(browser)
    yield made
    made.close()
    assert made.complaints == []
    assert made.outside == []


def browser_data(folder: Path, key: str) -> Any:
    """What a data file of the instance browser hands to the page: "index", or a chunk such as "letters-0"."""
    text = (folder / "browser" / f"{key}.js").read_text("utf-8")
    return json.loads(ast.literal_eval(text.removeprefix(f"medhelm.take('{key}',").removesuffix(");\n")))


def faults(page: Page) -> list[str]:
    """What axe finds against WCAG 2 A and AA, one line for each rule and its first elements."""
    from axe_playwright_python.sync_playwright import Axe

    rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
    found = Axe().run(page, options=rules).response["violations"]
    return [f"{rule['id']}: {[node['html'][:120] for node in rule['nodes'][:3]]}" for rule in found]
