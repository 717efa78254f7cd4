"""The plugin's own hooks, used from a conftest.py as a user would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from tests.support.servers import vllm
from tests.support.suites import cell, leaderboard

CONFTEST = """
import json
from pytest_medhelm import Metric
from pytest_medhelm.models.spec import Model

def pytest_medhelm_make_model(name):
    if name == "house/echo":
        return Model(name, "house", "echo", answer=lambda messages, *_: messages[-1]["content"])

def pytest_medhelm_update_request(body):
    body["user"] = "evaluation"

def pytest_medhelm_metrics():
    return {"length": Metric(lambda text, reference: float(len(text)), ("length",), scale=(0.0, 10_000.0))}

def pytest_medhelm_update_record(record):
    record["slices"]["ward"] = "7"

def pytest_medhelm_report(leaderboard, folder):
    (folder / "short.txt").write_text(str(len(leaderboard["results"]["cells"])))
"""


def test_hooks(letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(4)
    pytester.makeconftest(CONFTEST)
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text() + '    score.metric("length", response.text, instance.answer)\n')
    with MockServer(lambda body: "A") as server:
        result = run(*vllm(server), "--medhelm-model=house/echo", f"--medhelm-data={data}")
        assert {body["user"] for body in server.requests} == {"evaluation"}
    assert result.ret == 0
    board = leaderboard(pytester.path)
    assert cell(board, "letters", "vllm/mock")["metrics"]["length"]["value"] == 1.0
    assert cell(board, "letters", "house/echo")["statuses"] == {"unparsed": 4}
    folder = pytester.path / "medhelm-results/default"
    assert (folder / "short.txt").read_text() == "2"


def test_a_metric_that_is_not_declared_is_an_error_of_the_item(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    data = letters(2)
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text() + '    score.metric("lenght", response.text, instance.answer)\n')
    result = run(*vllm(server), f"--medhelm-data={data}")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["the benchmark 'letters' declares no metric 'lenght': write Task(*metrics=(lenght,))*"]
    )
    result.assert_outcomes(failed=2)


@pytest.mark.parametrize("absent", ["xdist", "html", "terminal"])
def test_the_plugin_works_without(
    absent: str, letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    result = run("-p", f"no:{absent}", *vllm(server), f"--medhelm-data={letters(3)}", "--medhelm-gate=letters >= 0.5")
    assert result.ret == 0
    assert cell(leaderboard(pytester.path), "letters")["statuses"] == {"ok": 3}


def test_the_plugin_costs_other_projects_nothing(pytester: pytest.Pytester) -> None:
    import subprocess
    import sys

    code = """
import json, sys, pytest
class Look:
    def pytest_sessionfinish(self):
        heavy = {"openai", "numpy", "jinja2", "aiohttp", "sqlite3", "rouge_score", "xllamacpp"}
        open("heavy.json", "w").write(json.dumps(sorted(heavy & set(sys.modules))))
pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:html", "test_other.py"], plugins=[Look()])
"""
    pytester.makepyfile(test_other="def test_it(): pass")
    subprocess.run([sys.executable, "-c", code], cwd=pytester.path, capture_output=True, check=True)
    assert json.loads((pytester.path / "heavy.json").read_text()) == []


REPORT = """
def pytest_medhelm_report(leaderboard, folder):
    rows = [
        f"{cell['benchmark']},{cell['model']},{cell['metrics'][cell['main_metric']]['value']}"
        for cell in leaderboard["results"]["cells"]
        if cell["main_metric"] in cell["metrics"]
    ]
    (folder / "house.csv").write_text("\\n".join(rows))
    return [f"{len(rows)} row for the house"]
"""


def test_a_conftest_adds_a_report_in_ten_lines(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(REPORT)
    assert len(REPORT.strip().splitlines()) <= 10
    result = run(*vllm(server), f"--medhelm-data={letters(4)}")
    assert (pytester.path / "medhelm-results/default/house.csv").read_text() == "letters,vllm/mock,1.0"
    result.stdout.fnmatch_lines(["page: *leaderboard.html", "1 row for the house"])


def test_a_report_is_replaced_or_left_out(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest('def pytest_configure(config): config.pluginmanager.set_blocked("medhelm-html")' + REPORT)
    result = run(*vllm(server), f"--medhelm-data={letters(4)}", "-p", "no:medhelm-terminal")
    folder = pytester.path / "medhelm-results/default"
    assert not (folder / "leaderboard.html").exists()
    assert (folder / "house.csv").exists()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["1 row for the house"])
    result.stdout.no_fnmatch_line("*95 % interval*")


@pytest.mark.parametrize("blow", ['raise ValueError("Mrs Example")', 'import pytest; pytest.fail("Mrs Example")'])
def test_a_report_that_raises_loses_no_other_and_no_gate(
    blow: str,
    letters: Callable[..., Path],
    run: Any,
    server: MockServer,
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(f"def pytest_medhelm_report(leaderboard):\n    yield 'begun'\n    {blow}")
    gates = ("--medhelm-gate=letters >= 0.1", "--medhelm-gate=letters <= 0.5")
    result = run(*vllm(server), f"--medhelm-data={letters(4)}", *gates, "--junitxml=ci.xml")
    assert result.ret == 1
    folder = pytester.path / "medhelm-results/default"
    assert {"leaderboard.json", "leaderboard.html", "summary.md"} <= {path.name for path in folder.iterdir()}
    kind = "ValueError" if "Value" in blow else "Failed"
    result.stdout.fnmatch_lines(
        [
            f"the report of conftest.py failed: {kind} at conftest.py:3; the other reports are written; fix it",
            "gate fail: letters <= 0.5: *",
            "page: *leaderboard.html",
            "*2 failed, 1 passed, 4 scored*",
        ]
    )
    for text in (result.stdout.str(), result.stderr.str(), (pytester.path / "ci.xml").read_text()):
        assert "Mrs Example" not in text
        assert "Traceback" not in text


def test_a_report_that_raises_ends_a_passing_run_with_status_1(
    letters: Callable[..., Path], run: Any, server: MockServer, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest("def pytest_medhelm_report(leaderboard): raise ValueError('Mrs Example')")
    result = run(*vllm(server), f"--medhelm-data={letters(4)}", "--medhelm-gate=letters >= 0.5")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*1 failed, 1 passed, 4 scored*"])


def test_our_own_report_that_cannot_be_written_is_one_sentence(
    letters: Callable[..., Path],
    run: Any,
    server: MockServer,
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from pytest_medhelm.cli.main import main

    folder = pytester.path / "medhelm-results/default"
    (folder / "summary.md").mkdir(parents=True)
    result = run(*vllm(server), f"--medhelm-data={letters(4)}")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["the report of medhelm-markdown failed: IsADirectoryError (Is a directory) at markdown.py:*"]
    )
    assert (folder / "leaderboard.html").exists()
    assert main(["report", str(folder)]) == 1
    shown = capsys.readouterr()
    assert "page: " in shown.out
    assert shown.err.startswith(
        "medhelm: the report of medhelm-markdown failed: IsADirectoryError (Is a directory) at markdown"
    )
    assert shown.err.count("\n") == 1
