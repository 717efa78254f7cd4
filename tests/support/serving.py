"""A real `medhelm serve` in a process of its own, and what it answers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.letters import write_letters
from tests.support.paths import CHECKOUT
from tests.support.servers import WAIT
from tests.support.sessions import Sessions


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str


class Served:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.said = process.stdout.readline()
        found = re.search(r"http://([^/]+):(\d+)/(\S*?)[; ]", self.said)
        assert found, self.said + process.communicate()[1]
        self.url = f"http://{found[1]}:{found[2]}"
        self.port = int(found[2])
        self.query = found[3]

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask for a path as it stands; a header's name may have "_" for "-"."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return Answer(answer.status, dict(answer.getheaders()), text)

    def page(self, path: str) -> str:
        """The text of something that is there."""
        answer = self.get(path)
        assert answer.status == 200, answer
        return answer.text

    def state(self, suite: str = "default") -> dict[str, Any]:
        """status.json of a suite."""
        found: dict[str, Any] = json.loads(self.page(f"/{suite}/status.json"))
        return found

    def stop(self) -> tuple[int, str, str]:
        """Ctrl-C; returns exit status, what stdout said after the first line, and stderr."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(timeout=WAIT)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        return status, self.process.stdout.read(), self.process.stderr.read()


@contextmanager
def serving(*arguments: object, cwd: Path | None = None) -> Iterator[Served]:
    """Serve on any free port unless another is among the arguments."""
    port = () if any(str(argument).startswith("--port") for argument in arguments) else ("--port=0",)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_medhelm", "serve", *map(str, arguments), *port],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Served(process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory, sessions: Sessions) -> Path:
    """The suite of a baseline on twelve questions."""
    folder = tmp_path_factory.mktemp("suite")
    write_letters(folder, 12)
    assert sessions.run_in(folder, "--medhelm-data=data", "--medhelm-model=baseline/random").ret == 0
    return folder / "medhelm-results" / "default"
