"""summary.md, and what GitHub Actions shows of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.mock_server import MockServer
from pytest_medhelm.reports.github import STEP_LIMIT
from pytest_medhelm.reports.markdown import plain
from tests.support.servers import vllm
from tests.support.suites import leaderboard


def test_the_summary_of_a_run(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    run(
        *vllm(server), "--medhelm-model=baseline/random", f"--medhelm-data={letters(8)}",
        "--medhelm-gate=letters >= 0.9", "--medhelm-gate=letters.p95_latency <= 0.0001",
    )  # fmt: skip
    text = (pytester.path / "medhelm-results/default/summary.md").read_text()
    assert "**1 of 2 gates pass.**" in text
    assert "| benchmark | vllm/mock | baseline/random (baseline) |" in text
    assert "| letters | 1.000 (0.63 to 1.00, n 8) |" in text
    assert "Case 1" not in text, "no prompt"
    assert "q001" not in text, "no instance"


def test_github_shows_the_summary_and_each_rule_that_does_not_pass(
    letters: Callable[..., Path],
    run: Any,
    server: MockServer,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = pytester.path / "step.md"
    step.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = run(
        *vllm(server), f"--medhelm-data={letters(24)}", "--medhelm-gate=letters >= 0.9",
        "--medhelm-gate=letters.p95_latency <= 0.0001",
    )  # fmt: skip
    assert step.read_text() == "before\n" + (pytester.path / "medhelm-results/default/summary.md").read_text()
    annotations = [line for line in result.stdout.lines if line.startswith("::")]
    bad = next(gate for gate in leaderboard(pytester.path)["results"]["gates"] if gate["verdict"] == "fail")
    assert annotations == ["::error title=medhelm gate::" + bad["sentence"].replace("%", "%25")]


def test_a_summary_that_github_would_refuse_is_one_sentence(
    letters: Callable[..., Path],
    run: Any,
    server: MockServer,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = pytester.path / "step.md"
    step.write_bytes(b"x" * (STEP_LIMIT - 100))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    options = (*vllm(server), f"--medhelm-data={letters(4)}")
    assert run(*options).ret == 0
    assert step.read_text().endswith(
        "xThe leaderboard is too long for a summary: see summary.md among the files of the suite.\n"
    )
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path))
    result = run(*options)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["the summary of the GitHub step could not be written: Is a directory"])


HOSTILE = (
    "<script>alert(1)</script>",
    "a | b\n| c",
    "[x](javascript:alert(1))",
    "![x](http://127.0.0.1/p.png)",
    "``` \n::error::x",
    "a\u202eb\x00\x1b[31m",
    "&lt;b&gt; @team",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_shown_and_does_nothing(text: str) -> None:
    shown = plain(text)
    assert "<" not in shown
    assert "\n" not in shown
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    assert "](" not in shown
    assert "| " not in shown.replace("\\| ", "")
    assert "://" not in shown


@given(st.text(max_size=40))
def test_any_name_stays_in_its_cell(text: str) -> None:
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    bare = shown.replace("\\\\", "").replace("\\|", "")
    assert "|" not in bare
    assert json.dumps(shown)


def test_a_third_party_takes_the_place_of_a_report(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(
        """
        def pytest_configure(config):
            config.pluginmanager.set_blocked("medhelm-html")

        def pytest_medhelm_report(leaderboard, folder, suite):
            count = sum(1 for cell in suite.cells() for _ in suite.records(*cell))
            (folder / "house.txt").write_text(f"{leaderboard['suite']}: {count}")
            yield f"house report: {folder / 'house.txt'}"
            yield "done", {"green": True}
        """
    )
    result = run(*vllm(server), f"--medhelm-data={letters(4)}", "-p", "no:medhelm-markdown")
    folder = pytester.path / "medhelm-results/default"
    assert (folder / "house.txt").read_text() == "default: 4"
    assert not (folder / "leaderboard.html").exists()
    assert not (folder / "summary.md").exists()
    assert (folder / "leaderboard.json").exists()
    result.stdout.fnmatch_lines(["  letters*", "house report: *house.txt", "done"])
