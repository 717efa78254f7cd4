"""Shared by all tests: a small benchmark of ten questions, a mock server, and the real data where it is."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np  # noqa: F401  (pytester forgets modules first imported in a test, and numpy loads only once)
import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import WorkStealingScheduling

from perf.mock_server import MockServer
from tests.support.sessions import Sessions

# The same examples each time, and as long as they take: what passes here passes on a slow and busy machine too.
settings.register_profile(
    "steady", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

WAIT = 60.0
"""Seconds after which what has not come about will not; a busy machine may need some of them."""
CHECKOUT = Path(__file__).parent.parent
BENCHMARKS = CHECKOUT / "benchmarks"

LETTERS = '''
"""Ten questions whose right answer is the letter named in the question."""
import hashlib, json
from pathlib import Path
from pytest_medhelm import DataFile, Instance, Task
from pytest_medhelm.tasks.prompts import answer_letter, lettered

def load(path):
    for row in json.loads(path.read_text()):
        yield Instance(row["id"], row["question"], row["answer"], choices=("one", "two", "three", "four"))

TASK = Task(
    name="letters", title="Letters", subcategory="Planning Treatments", access="public", kind="multiple_choice",
    files=(DataFile("letters.json", hashlib.sha256((Path(__file__).parent / "pinned.json").read_bytes()).hexdigest()),),
    load=load, main_metric="exact_match", licence="CC0-1.0", source="the tests", chance=0.25,
)

def prompt(instance):
    return f"{instance.question}\\n{lettered(instance.choices)}\\n{answer_letter(instance.choices)}"

def test_letters(instance, response, score):
    score.exact_match(response.choice, instance.answer)
    score.helm("exact_match", float(response.text == instance.answer))
'''


def letters_data(count: int) -> str:
    """Rows of the small benchmark; the gold letter stands in the question, so that a server can be right."""
    return json.dumps(
        [
            {
                "id": f"q{number:03d}",
                "question": f"Case {number}. Gold {'ABCD'[number % 4]}.",
                "answer": "ABCD"[number % 4],
            }
            for number in range(count)
        ]
    )


def gold(body: dict[str, Any]) -> str:
    """The right letter of a prompt of the small benchmark."""
    return str(body["messages"][-1]["content"]).partition("Gold ")[2][0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes a minute and more: begun last, it would keep one process busy and let the others wait."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> WorkStealingScheduling:
    """A process that has nothing left takes over half of what another one has; neighbours stay together until then."""
    return WorkStealingScheduling(config, log)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "MEDHELM_ID_KEY",
        "GITHUB_STEP_SUMMARY",
    ):
        monkeypatch.delenv(name, raising=False)
    # Sessions under test do without its plugin, which is slow to import.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")


@pytest.fixture
def letters(pytester: pytest.Pytester) -> Callable[..., Path]:
    """Write the small benchmark as real (not sample) data; returns the data folder for --medhelm-data."""

    def write(count: int = 10) -> Path:
        (pytester.path / "pinned.json").write_text(letters_data(count))
        (pytester.path / "test_letters.py").write_text(LETTERS)
        folder = pytester.path / "data" / "letters"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "letters.json").write_text(letters_data(count))
        return folder.parent

    return write


@pytest.fixture
def server() -> Iterator[MockServer]:
    """A mock server that answers the small benchmark right."""
    with MockServer(gold) as running:
        yield running


@pytest.fixture(scope="session")
def sessions() -> Iterator[Sessions]:
    """One for all tests of a process."""
    with Sessions() as running:
        yield running


@pytest.fixture
def run(pytester: pytest.Pytester, sessions: Sessions) -> Callable[..., pytest.RunResult]:
    """Run pytest in a process of its own, as a user does."""

    def call(*arguments: object) -> pytest.RunResult:
        # The checkout's own options must not reach the session under test.
        return sessions.run(pytester.path, "-p", "no:cacheprovider", *map(str, arguments))

    return call


def until(found: Callable[[], object]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + WAIT
    while not found():
        assert time.monotonic() < end
        time.sleep(0.02)


def leaderboard(folder: Path, suite: str = "default") -> dict[str, Any]:
    """The leaderboard.json of a suite below the folder of a session."""
    content: dict[str, Any] = json.loads((folder / "medhelm-results" / suite / "leaderboard.json").read_text())
    return content


def cell(board: dict[str, Any], benchmark: str, model: str | None = None) -> dict[str, Any]:
    """One cell of a leaderboard."""
    (found,) = [
        entry
        for entry in board["results"]["cells"]
        if entry["benchmark"] == benchmark and model in (None, entry["model"])
    ]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def real_data() -> Path:
    """The folder of real public datasets."""
    folder = Path(os.environ.get("MEDHELM_TEST_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real datasets are not at {folder}; name their folder in MEDHELM_TEST_DATA")
    return folder
