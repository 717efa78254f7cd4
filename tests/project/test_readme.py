"""The README's code blocks do what they say."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from perf.mock_server import MockServer
from tests.support.benchmark_modules import MODULES
from tests.support.checks import some
from tests.support.nightly import NIGHTLY
from tests.support.paths import CHECKOUT
from tests.support.suites import leaderboard

README = (CHECKOUT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


SETUP, TESTS, *COMMANDS = [block.strip() for block in blocks("sh")]
WHOLE = COMMANDS[0]
"""All benchmarks on sample data."""
HERE = ("pubmed_qa", "med_qa", "medcalc_bench", "medec", "medication_qa")
"""A choice among words, among letters, a number, a text with an error, free text."""


def words_of(line: str, url: str, data: Path) -> list[str]:
    """A line as pasted, with the mock server's address, the folder of data and the checkout."""
    words = shlex.split(line.replace("http://localhost:8000/v1", url).replace("=DIR", f"={data}"))
    return [str(CHECKOUT / "benchmarks") if word == "benchmarks/" else word for word in words]


@pytest.fixture
def data_here(real_data: Path, tmp_path: Path) -> Path:
    """The folder of data of somebody who has that of a few benchmarks; by night all that there are."""
    if NIGHTLY:
        return real_data
    for name in HERE:
        (tmp_path / name).symlink_to(real_data / name)
    return tmp_path


@pytest.fixture
def mirror(real_data: Path) -> Iterator[str]:
    """A web server on loopback with the real files."""
    handler = partial(QuietHandler, directory=str(real_data))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(
    command: str, pytester: pytest.Pytester, run: Any, data_here: Path, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(body: dict[str, Any]) -> str:
        criteria = ("accuracy", "completeness", "clarity", "structure")
        rating = {"score": 3, "explanation": "fair"}
        sorted_or_met = {"class": "CAUTION", "criteria_met": True, "explanation": "careful"}
        return json.dumps(dict.fromkeys(criteria, rating) | sorted_or_met)

    monkeypatch.setenv("MEDHELM_MIRROR", mirror)
    monkeypatch.setenv("MEDHELM_CACHE", str(pytester.path / "cache"))
    with MockServer(reply, models=("org/llama3", "judge")) as server:
        for line in some(command.splitlines()):
            program, *words = words_of(line, server.url, data_here)
            assert program in ("pytest", "medhelm")
            if program == "pytest":
                result = run(*words)
            else:
                result = pytester.run(sys.executable, "-m", "pytest_medhelm", *words)
            assert result.ret == 0, result.stdout.str()
            if program == "pytest":
                result.stdout.fnmatch_lines(["page: *leaderboard.html"])
            if line == WHOLE:
                result.stdout.fnmatch_lines(["coverage: 22 of 22 subcategories have a benchmark here"])


def test_the_first_command_evaluates_the_embedded_model(pytester: pytest.Pytester) -> None:
    install, run = SETUP.split(" && ")[1:]
    assert install == ".venv/bin/pip install -q -e '.[local,data]'"
    words = shlex.split(run)
    assert words[:2] == [".venv/bin/pytest", "benchmarks/"]
    assert words[2:4] == ["-m", "quick"]
    some = () if NIGHTLY else ("-m", "quick and (med_qa or race_based_med)")
    result = pytester.run(
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(CHECKOUT / "benchmarks"), *words[2:], *some
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["medhelm: *at most 2 instances a benchmark*", "*tokens an answer may have: *160", "page: *"]
    )
    cells = leaderboard(pytester.path)["results"]["cells"]
    assert len(cells) == (sum(module.TASK.quick for module in MODULES) if NIGHTLY else 2)
    assert all(entry["statuses"].get("request_error", 0) == 0 for entry in cells)
    assert all(entry["metrics"][entry["main_metric"]]["value"] is not None for entry in cells)


def test_ci_runs_the_test_command() -> None:
    assert TESTS in (CHECKOUT / ".ci" / "run").read_text()


def test_the_config_file_is_read(pytester: pytest.Pytester, run: Any, letters: Any) -> None:
    (block,) = blocks("toml")
    tomllib.loads(block)
    data = letters(4)
    with MockServer(lambda body: "A", models=("llama3",)) as server:
        (pytester.path / "medhelm.toml").write_text(block.replace("http://localhost:8000/v1", server.url))
        assert run(f"--medhelm-data={data}").ret == 0
        assert server.requests[0]["max_tokens"] == 4000


def test_the_python_example_runs(pytester: pytest.Pytester, run: Any) -> None:
    (block,) = blocks("python")
    pytester.makepyfile(test_example=block)
    with MockServer(lambda body: "No. It is not.") as server:
        run("--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}").assert_outcomes(passed=1)


def test_named_files_exist() -> None:
    for name in some(re.findall(r"`((?:pytest_medhelm|benchmarks|docs)/[\w/.]+)`|\((docs/[\w/.]+)\)", README)):
        path = CHECKOUT / next(part for part in name if part)
        assert path.exists(), path
