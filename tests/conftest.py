"""Shared by all tests: a small benchmark of ten questions, a mock server, and the real data where it is."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import cache_from_source
from pathlib import Path

import numpy as np  # noqa: F401  (pytester forgets modules first imported in a test, and numpy loads only once)
import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from perf.mock_server import MockServer
from pytest_medhelm.tasks.task import Task  # noqa: F401  (likewise: a session in this process must know the same Task)
from pytest_medhelm.util.guard import medhelm_offline_guard
from tests.support.browser import browser, visit  # noqa: F401  (fixtures)
from tests.support.letters import gold, write_letters
from tests.support.nightly import NIGHTLY
from tests.support.preloaded import keep_metadata, load_benchmarks, load_package
from tests.support.real_data import real
from tests.support.serving import suite  # noqa: F401  (fixture)
from tests.support.sessions import Sessions

# Here and not at the root, where a run of the benchmarks would load it as well.
pytest_plugins = ["pytester"]

# The same examples each time, and as long as they take: what passes here passes on a slow and busy machine too.
settings.register_profile(
    "steady", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


LONGEST = (
    "reports/test_instance_browser.py", "project/test_readme.py", "plugin/test_xdist.py",
    "reports/test_rating_screen.py", "plugin/test_yaml_benchmarks.py", "reports/test_serve_browser.py",
    "project/test_ci_templates.py", "plugin/test_session.py", "agents/test_episodes.py", "reports/test_export.py",
    "reports/test_leaderboard_page.py", "reports/test_serve.py", "chaos/test_hostile_files.py",
    "models/test_human.py", "plugin/test_splits.py",
)  # fmt: skip
"""Modules that are begun first, so that no process is left alone with one at the end."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out by day what is marked ``nightly``; begin with what takes long."""
    if not NIGHTLY and (long := [item for item in items if item.get_closest_marker("nightly")]):
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]
    tests = Path(__file__).parent
    order = {tests / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two processes for each processor: half of the time a test waits for a server or a process that it started."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """On a fresh checkout compile all tests once, which else each process would do, all of them at the same time."""
    tests = Path(__file__).parent
    is_fresh = not Path(cache_from_source(str(tests / "util" / "__init__.py"))).exists()
    if is_fresh and not sys.dont_write_bytecode:
        rooms = sorted(file.parent for file in tests.glob("*/__init__.py"))
        collect = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-q", "-p", "no:cacheprovider"]
        halves = [subprocess.Popen([*collect, *half], stdout=subprocess.DEVNULL) for half in (rooms[::2], rooms[1::2])]
        for half in halves:
            half.wait()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """The tests of a module stay in one process, which makes what they share once; in the order that they are in."""
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.fixture(autouse=True, scope="session")
def _preloaded() -> None:
    keep_metadata()
    load_package()
    load_benchmarks()
    gc.collect()
    gc.freeze()  # what stays for all tests is not looked through in each


@pytest.fixture(autouse=True)
def _nothing_stays_forbidden() -> Iterator[None]:
    """A session or a command within this process may have put the offline guard in place; the next test has none."""
    yield
    medhelm_offline_guard._GUARD.inherited = False
    medhelm_offline_guard.lift()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "MEDHELM_ID_KEY",
        "GITHUB_STEP_SUMMARY",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """pytest's own; sessions under test do without hypothesis, which takes as long to import as they take to run."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
    return pytester


@pytest.fixture
def letters(pytester: pytest.Pytester) -> Callable[..., Path]:
    """Write the small benchmark as real (not sample) data; returns the data folder for --medhelm-data."""
    return lambda count=10: write_letters(pytester.path, count)


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


@pytest.fixture
def real_data() -> Path:
    """The folder of real public datasets."""
    return real()
