"""What a session need not pay for at its start and its end."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.reports.html.templating import template


def test_our_modules_are_not_rewritten_and_benchmarks_are(
    letters: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    letters(1)
    pytester.makeconftest(
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    for name in ('pytest_medhelm.reports.write', 'test_letters'):\n"
        "        print(name, type(sys.modules[name].__spec__.loader).__name__)\n"
    )
    # A Python of its own: the sessions of other tests have imported everything before.
    arguments = ("-p", "no:cacheprovider", "--medhelm-model=baseline/random", "--medhelm-data=data", "-s")
    result = pytester.run(sys.executable, "-m", "pytest", *arguments)
    result.stdout.re_match_lines(
        [".*pytest_medhelm.reports.write SourceFileLoader", "test_letters AssertionRewritingHook"]
    )


def test_right_or_wrong_scores_need_no_numpy_and_stored_answers_no_client(
    letters: Callable[..., Path], pytester: pytest.Pytester, server: MockServer
) -> None:
    data = letters(10)
    pytester.makeconftest(
        "import sys\n"
        "def pytest_unconfigure():\n"
        "    print('HEAVY', *sorted({'numpy', 'aiohttp', 'openai', 'yaml'} & {*sys.modules}))\n"
    )
    asked = (f"--medhelm-data={data}", "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}")
    loaded = []
    for _ in range(2):
        # A Python of its own, as above.
        result = pytester.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *asked)
        assert result.ret == 0
        loaded += [line for line in result.outlines if line.startswith("HEAVY")]
    assert loaded == ["HEAVY aiohttp", "HEAVY"]


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDHELM_CACHE", str(tmp_path))
    template.cache_clear()
    return tmp_path


def test_compiled_templates_are_kept_for_their_owner_alone(cache_folder: Path) -> None:
    source = template("leaderboard.html").name
    kept = list((cache_folder / "templates").iterdir())
    assert kept
    assert stat.S_IMODE((cache_folder / "templates").stat().st_mode) == 0o700
    template.cache_clear()
    assert template("leaderboard.html").name == source


@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_a_folder_that_others_may_use_is_not_used(cache_folder: Path, mode: int) -> None:
    (cache_folder / "templates").mkdir()
    (cache_folder / "templates").chmod(mode)
    template("leaderboard.html")
    assert not list((cache_folder / "templates").iterdir())


def test_a_cache_folder_that_cannot_be_made_costs_nothing_but_time(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache_folder / "file").touch()
    monkeypatch.setenv("MEDHELM_CACHE", str(cache_folder / "file"))
    assert template("leaderboard.html")
    (cache_folder / "templates").touch()
    monkeypatch.setenv("MEDHELM_CACHE", str(cache_folder))
    template.cache_clear()
    assert template("leaderboard.html")
