"""Pages written again: what was decided, and what was chosen to be shown, stays until the results are others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from tests.support.servers import vllm
from tests.support.suites import leaderboard

SUITE = "medhelm-results/default"
GATES = ("--medhelm-gate=letters >= 0.5", "--medhelm-gate=letters.lower >= 0.99")


def marked(folder: Path, instance: str) -> str:
    """A table that marks a reference as wrong."""
    (folder / "marks.csv").write_text(f"benchmark,instance,reason\nletters,{instance},outdated\n")
    return f"--marks={folder / 'marks.csv'}"


def test_verdicts_and_attempt_stay_on_the_pages(
    letters: Callable[..., Path],
    run: Any,
    server: MockServer,
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*vllm(server), f"--medhelm-data={letters(10)}", *GATES).ret == 1
    before = leaderboard(pytester.path)
    assert [gate["verdict"] for gate in before["results"]["gates"]] == ["pass", "inconclusive"]
    for command in (["report", SUITE], ["annotate", SUITE, marked(pytester.path, "q001")]):
        assert main(command) == 0
        now = leaderboard(pytester.path)
        assert now["results"]["gates"] == before["results"]["gates"]
        assert now["measurements"]["attempt"] == before["measurements"]["attempt"]
        shown = " ".join(capsys.readouterr().out.split())
        assert "gate pass: letters >= 0.5" in shown
        assert "left out" not in shown
        page = (pytester.path / SUITE / "leaderboard.html").read_text()
        assert "<strong>Not passed</strong>" in page
        assert "attempt 1 on this evaluation set" in page.lower()


def test_a_verdict_on_other_results_is_left_out_and_said_to_be(
    letters: Callable[..., Path],
    run: Any,
    server: MockServer,
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = f"--medhelm-data={letters(10)}"
    run(*vllm(server), data, *GATES)
    # As a run that was interrupted leaves it: other records, and the leaderboard of before.
    unreported = ("-p", "no:medhelm-json", data)
    run("--medhelm-model=baseline/random", *unreported)
    assert main(["report", SUITE]) == 0
    assert "left out" not in capsys.readouterr().out, "another model's results change nothing"
    assert len(leaderboard(pytester.path)["results"]["gates"]) == 2
    run(*vllm(server), *unreported, "--medhelm-limit=5")
    assert main(["report", SUITE]) == 0
    assert "2 verdicts of gates left out, since there are other results by now" in capsys.readouterr().out
    now = leaderboard(pytester.path)
    assert now["results"]["gates"] == []
    assert "attempt" not in now["measurements"]
    assert "Not passed" not in (pytester.path / SUITE / "leaderboard.html").read_text()


@pytest.mark.parametrize(("html", "there"), [("none", []), ("single", ["leaderboard.html"])])
def test_no_page_comes_that_was_not_wanted(
    html: str, there: list[str], letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    run(*vllm(server), f"--medhelm-data={letters(4)}", f"--medhelm-html={html}")
    assert main(["annotate", SUITE, marked(pytester.path, "q001")]) == 0
    assert sorted(path.name for path in (pytester.path / SUITE).glob("*.html")) == there


def test_published_figures_stay_where_they_were_shown(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    run(*vllm(server), f"--medhelm-data={letters(4)}", "--medhelm-show-published")
    assert leaderboard(pytester.path)["results"]["published"]
    assert main(["annotate", SUITE, marked(pytester.path, "q001")]) == 0
    assert leaderboard(pytester.path)["results"]["published"]
    assert main(["report", SUITE]) == 0
    assert leaderboard(pytester.path)["results"]["published"] is None, "medhelm report shows them with --show-published"
