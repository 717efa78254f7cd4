"""--medhelm-offline, wherever it is set, keeps everything that runs in a session on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.mock_server import MockServer
from pytest_medhelm.cli.main import main
from tests.support.letters import gold
from tests.support.servers import vllm

CONFTEST = """
import json, os, socket, subprocess, sys, urllib.request
from pathlib import Path

import pytest

RESULTS = Path(__file__).parent / "attempts"
CHILD = "import socket; socket.getaddrinfo('example.invalid', 80)"

def attempt(where):
    found = {}
    for name, reach in {
        "name": lambda: socket.getaddrinfo("example.invalid", 80),
        "address": lambda: socket.create_connection(("192.0.2.1", 80), timeout=0.1),
        "urllib": lambda: urllib.request.urlopen("http://192.0.2.1/", timeout=0.1),
        "program": lambda: subprocess.run(["curl", "http://192.0.2.1"]),
        "python": lambda: subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True),
    }.items():
        try:
            result = reach()
            found[name] = "refused" if "offline refuses" in str(getattr(result, "stderr", "")) else "got out"
        except Exception as error:
            found[name] = "refused" if "offline refuses" in str(error) else repr(error)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{where}-{os.getpid()}.json").write_text(json.dumps(found))

attempt("import")

def pytest_collection_finish(session):
    attempt("hook")

@pytest.fixture(autouse=True, scope="session")
def _reach():
    attempt("fixture")
"""


@pytest.mark.parametrize("place", ["option", "ini", "toml", "toml xdist"])
def test_nothing_in_a_session_gets_out(
    place: str, letters: Callable[..., Path], run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(CONFTEST)
    if place == "ini":
        pytester.makeini("[pytest]\nmedhelm_offline = true\n")
    elif "toml" in place:
        (pytester.path / "medhelm.toml").write_text("[run]\noffline = true\n")
    extra = [*(["--medhelm-offline"] if place == "option" else []), *(["-n", "2"] if "xdist" in place else [])]
    with MockServer(gold) as server:
        result = run(*vllm(server), f"--medhelm-data={letters(3)}", *extra)
    result.stdout.fnmatch_lines(["*3 scored*"])
    files = sorted((pytester.path / "attempts").glob("*.json"))
    assert {file.name.partition("-")[0] for file in files} == {"import", "hook", "fixture"}
    assert len(files) == (7 if "xdist" in place else 3)  # the controller imports only, under xdist
    for file in files:
        assert set(json.loads(file.read_text()).values()) == {"refused"}, file


def test_without_it_a_session_may_reach_out(
    letters: Callable[..., Path], run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    pytester.makeconftest("import subprocess\nsubprocess.run(['true'], check=True)")
    with MockServer(gold) as server:
        result = run(*vllm(server), f"--medhelm-data={letters(1)}")
    assert result.ret == 0


@pytest.mark.parametrize(
    "command", [["fetch", "pubmed_qa", "--accept-licence"], ["models", "http://192.0.2.1:8000/v1"]]
)
@pytest.mark.parametrize("place", ["option", "toml"])
def test_commands_stay_here_too(
    place: str, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pytest_medhelm.util.guard.medhelm_offline_guard import lift

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDHELM_CACHE", str(tmp_path / "cache"))
    if place == "toml":
        (tmp_path / "medhelm.toml").write_text("[run]\noffline = true\n")
    try:
        assert main([*(["--offline"] if place == "option" else []), *command]) == 1
    finally:
        lift()
    assert "--medhelm-offline refuses" in capsys.readouterr().err
