"""The plugin's own hooks, used from a conftest.py as a user would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perf.mock_server import MockServer
from tests.conftest import cell, leaderboard
from tests.test_engine import BOTH, vllm

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


@BOTH
def test_hooks(extra: tuple[str, ...], letters: Callable[..., Path], run: Any, pytester: pytest.Pytester) -> None:
    data = letters(4)
    pytester.makeconftest(CONFTEST)
    path = pytester.path / "test_letters.py"
    path.write_text(path.read_text() + "    score.length(response.text, instance.answer)\n")
    with MockServer(lambda body: "A") as server:
        result = run(*vllm(server), "--medhelm-model=house/echo", f"--medhelm-data={data}", *extra)
        assert {body["user"] for body in server.requests} == {"evaluation"}
    assert result.ret == 0
    board = leaderboard(pytester.path)
    assert cell(board, "letters", "vllm/mock")["metrics"]["length"]["value"] == 1.0
    assert cell(board, "letters", "house/echo")["statuses"] == {"unparsed": 4}
    folder = pytester.path / "medhelm-results/default"
    assert (folder / "short.txt").read_text() == "2"


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
