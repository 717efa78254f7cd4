"""Agents of one's own: the one that docs/agents.md shows, by command and by address, and those that misbehave."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_medhelm.agents.episode import Environment
from pytest_medhelm.agents.hospital.population import hospital
from pytest_medhelm.agents.hospital.server import HospitalServer
from pytest_medhelm.agents.outside import replayed, work
from pytest_medhelm.cli.main import main
from pytest_medhelm.models.engine.request import Completion
from tests.support.agent_modules import CLINICAL_WORKFLOW, records_of
from tests.support.paths import CHECKOUT

SHOWN = next(
    block
    for block in re.findall(r"```python\n(.*?)```", (CHECKOUT / "docs/agents.md").read_text(), re.S)
    if "FHIR_TOKEN" in block
)
TASK = [{"role": "system", "content": "setting"}, {"role": "user", "content": "Look at patient p0001"}]


def test_the_agent_of_the_documentation_is_evaluated(pytester: pytest.Pytester) -> None:
    assert len(SHOWN.strip().splitlines()) <= 40
    (pytester.path / "agent.py").write_text(SHOWN)
    command = json.dumps([sys.executable, "agent.py"])
    (pytester.path / "medhelm.toml").write_text(f"[agents.mine]\ncommand = {command}\nconcurrency = 2\n")
    chosen = (
        "-k",
        "potassium_low or potassium_stale or vital_signs",
        "--medhelm-model=agent/mine",
        "--medhelm-suite=default",
    )
    result = pytester.runpytest(str(CLINICAL_WORKFLOW), "-p", "no:cacheprovider", *chosen)
    assert result.ret == 0
    found = records_of(pytester.path)
    assert {name: record["scores"]["success"] for name, record in found.items()} == {
        "potassium_low": 1.0, "potassium_stale": 1.0, "vital_signs": 0.0,
    }  # fmt: skip
    assert found["potassium_low"]["episode"]["calls"] == 3
    assert found["potassium_low"]["scores"]["evidence"] == 1
    (pytester.path / "agent.py").write_text("raise SystemExit(1)")
    assert pytester.runpytest(str(CLINICAL_WORKFLOW), "-p", "no:cacheprovider", *chosen).ret == 0, (
        "what is stored is not done again"
    )
    assert main(["rescore", "medhelm-results/default", str(CLINICAL_WORKFLOW)]) == 0
    assert {name: record["scores"] for name, record in records_of(pytester.path).items()} == {
        name: record["scores"] for name, record in found.items()
    }


@pytest.fixture(scope="module")
def server() -> Iterator[HospitalServer]:
    with HospitalServer() as running:
        yield running


def worked(server: HospitalServer, **settings: Any) -> Completion:
    return work({"timeout": 20.0, **settings}, TASK, Environment(hospital()), server, threading.Event())


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


LEAK = "import json, os; print(json.dumps({'answer': ' '.join(sorted(os.environ))}))"


def test_no_key_reaches_a_command_and_stdin_has_the_task(
    server: HospitalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("MEDHELM_ID_KEY", "secret")
    names = worked(server, command=script(LEAK)).content.split()
    assert {"FHIR_BASE_URL", "FHIR_TOKEN", "PATH"} <= set(names)
    assert not [name for name in names if "KEY" in name]
    echo = worked(server, command=script("import json, sys; print(json.dumps({'answer': json.load(sys.stdin)}))"))
    assert json.loads(echo.content) == {"instruction": "Look at patient p0001", "setting": "setting"}


@pytest.mark.parametrize(
    ("settings", "ending"),
    [
        ({"command": script("print('done')")}, "malformed"),
        ({"command": script("raise SystemExit(3)")}, "malformed"),
        ({"command": script("import time; time.sleep(60)"), "timeout": 0.3}, "time_limit"),
        ({"command": script('print(\'{"answer": ""}\')')}, "empty"),
        ({"command": script("print('x' * 3_000_000); print('{\"answer\": \"late\"}')")}, "ok"),
        ({"command": ["sh", "-c", "yes " + "x" * 5000]}, "malformed"),
        (
            {"command": script('import os; print(\'{"answer": "x"}\', flush=True); os.kill(os.getpid(), 9)')},
            "malformed",
        ),
        ({"command": script("print('{\"answer\": NaN}')")}, "malformed"),
        ({"command": script("print('{\"answer\": null}')")}, "empty"),
        ({"command": script('print(\'{"answer": "half \\\\ud800"}\')')}, "ok"),
        ({"command": script('import sys; sys.stdout.buffer.write(\'{"answer": "a\\u2028b"}\'.encode())')}, "ok"),
        ({"command": ["/no/such/program"]}, "request_error"),
        ({"command": ["zero\0byte"]}, "request_error"),
        ({"url": "http://127.0.0.1:9/task"}, "request_error"),
    ],
)
def test_how_a_command_ends(server: HospitalServer, settings: Mapping[str, Any], ending: str) -> None:
    completion = worked(server, **settings)
    assert replayed(Environment(hospital()), None, completion).ending == ending  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reply", "ending", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b" " * 100, "time_limit", "no answer within 1 s"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: aaaa", "time_limit", "no answer within 1 s"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "request_error", "it answers HTTP 500"),
        (b"HTTP/1.1 302 Away\r\nLocation: http://127.0.0.1:9/\r\n\r\n", "request_error", "it answers HTTP 302"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "malformed", 'its reply is not {"answer": ...}'),
        (b"\x00\x01\x02\r\n\r\n", "request_error", "it cannot be reached (ClientResponseError)"),
    ],
)
def test_how_an_address_answers(server: HospitalServer, reply: bytes, ending: str, why: str) -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer_slowly, args=(listening, reply, over))
        thread.start()
        completion = worked(server, url=f"http://127.0.0.1:{listening.getsockname()[1]}/task", timeout=1.0)
        over.set()
        thread.join()
    episode = replayed(Environment(hospital()), None, completion)  # type: ignore[arg-type]
    assert episode.ending == ending
    assert completion.error + completion.reasoning == why
    assert episode.steps[-1].problem == completion.reasoning


def answer_slowly(listening: socket.socket, reply: bytes, over: threading.Event) -> None:
    """Send a reply, then a byte now and then, so that no single wait is long."""
    connection, _ = listening.accept()
    with connection, contextlib.suppress(OSError):
        connection.recv(65536)
        connection.sendall(reply)
        while not over.wait(0.1):
            connection.sendall(b" ")


def test_a_run_that_ends_waits_for_no_address(server: HospitalServer) -> None:
    stopping = threading.Event()
    stopping.set()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings = {"url": f"http://127.0.0.1:{listening.getsockname()[1]}/task", "timeout": 600.0}
        completion = work(settings, TASK, Environment(hospital()), server, stopping)
    assert (completion.outcome, completion.error) == ("request_error", "the run was ended")


def test_what_a_command_leaves_behind_is_ended(server: HospitalServer, tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    child = f"import time; time.sleep(0.7); open({str(mark)!r}, 'w')"
    starts = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); print('{{\"answer\": \"x\"}}')"
    )
    assert worked(server, command=script(starts)).content == "x"
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(script("import time; time.sleep(9)"), timeout=1.2, check=False)
    assert not mark.exists()


class Address(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        subprocess.run(
            script(
                "import os, urllib.request as u; u.urlopen(u.Request(os.environ['B'] + '/Patient/p0001', "
                "headers={'Authorization': 'Bearer ' + os.environ['T']}))"
            ),
            env={"B": asked["fhir_base_url"], "T": asked["fhir_token"]},
            check=True,
        )
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"answer": asked["instruction"]}).encode())

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


def test_an_agent_at_an_address(server: HospitalServer) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Address) as address:
        threading.Thread(target=address.serve_forever, daemon=True).start()
        completion = worked(server, url=f"http://127.0.0.1:{address.server_port}/task")
        address.shutdown()
    episode = replayed(Environment(hospital()), None, completion)  # type: ignore[arg-type]
    assert episode.answer == "Look at patient p0001"
    assert episode.read_before_acting() == {"Patient/p0001"}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "write [agents.mine] and below it command"),
        ("[agents.mine]\ntimeout = 3\n", "[agents.mine] needs a command, as a list of texts, or a url, and not both"),
        ('[agents.mine]\ncommand = "python"\n', "must be a list"),
    ],
)
def test_an_agent_that_is_not_described_is_named(pytester: pytest.Pytester, config: str, said: str) -> None:
    (pytester.path / "medhelm.toml").write_text(config)
    result = pytester.runpytest(str(CLINICAL_WORKFLOW), "--medhelm-model=agent/mine")
    assert result.ret == 4
    assert said in " ".join((result.stderr.str() + result.stdout.str()).split())
