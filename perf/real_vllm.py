"""Runs against a real vLLM on the CPU: what a mock server cannot show to be true.

    tox -e vllm
    python -m perf.real_vllm --server-python VENV/bin/python

The server is started with a model of random weights (perf/tiny_model.py), killed and started again; each line says what
was expected and what came. Exit status 1 when a line differs. Minutes on two cores, 3.5 GB of packages.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_WITHIN = 1200.0
"""Seconds: an eager start takes 30 to 50, ten times as many on a busy machine."""
SHORT, LONG = 8192, 16384
"""Tokens of the context, before and after a restart."""
CHECKOUT = Path(__file__).parents[1]

BENCHMARK = """\
name: advice
title: Advice
subcategory: Providing Patient Education Resources
data: advice.csv
prompt: "{question}"
answer: {kind: text, column: reference}
metrics: [rouge, jury]
rubric: accuracy_completeness_clarity
"""
CONFIG = """\
[endpoints.real]
base_url = "{url}"
concurrency = 8
[models."real/llama3"]
extra_body = {{ structured_outputs = {{ choice = ["yes", "no", "maybe"] }} }}
[models.free]
endpoint = "real"
model = "llama3"
max_tokens = 16
[models.large]
endpoint = "real"
model = "llama3"
max_tokens = 50000
[models.hot]
endpoint = "real"
model = "llama3"
temperature = 5
[models.second]
endpoint = "real"
model = "judge"
max_tokens = 3000
extra_body = {{ logit_bias = {{ {bias} }} }}
"""


class Server:
    """vLLM in a process group of its own."""

    def __init__(self, python: str, model: Path) -> None:
        self._python, self._model = python, model
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self, context: int, *, wait: bool = True) -> None:
        """Start it with a context of so many tokens."""
        environment = {
            "VLLM_TARGET_DEVICE": "cpu", "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1",
        }  # fmt: skip
        self._process = subprocess.Popen(
            [
                self._python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(self._model),
                "--served-model-name", "llama3", "judge", "--host", "127.0.0.1", "--port", str(self.port),
                "--max-model-len", str(context), "--dtype", "bfloat16", "--enforce-eager",
            ],
            env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        until = time.monotonic() + START_WITHIN
        while wait and time.monotonic() < until:
            if self._process.poll() is not None:
                raise SystemExit("vLLM ended while it started: run it by hand to see why")
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2),
            ):
                return
            time.sleep(1)
        if wait:
            raise SystemExit(f"vLLM did not answer within {START_WITHIN:.0f} s: run it by hand to see why")

    def kill(self) -> None:
        """End it and its engine at once."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Runs:
    """Whole sessions in one folder, and what came of them."""

    def __init__(self, folder: Path, url: str, bias: str) -> None:
        self.folder = folder
        self.wrong = 0
        (folder / "medhelm.toml").write_text(CONFIG.format(url=url, bias=bias))
        (folder / "advice.medhelm.yaml").write_text(BENCHMARK)

    def questions(self, short: int, long: int = 0) -> None:
        """Questions of a few words, and some of thousands."""
        rows = [f"q{number:03d},What should patient {number} do?,Rest" for number in range(short)]
        rows += [f"l{number:03d},{'the patient '.strip() + ' fever' * 1700} {number}?,Rest" for number in range(long)]
        (self.folder / "advice.csv").write_text("\n".join(["id,question,reference", *rows]) + "\n")

    def command(self, suite: str, *options: str) -> list[str]:
        return [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={self.folder}",
            str(self.folder), f"--medhelm-suite={suite}", "--medhelm-html=none", *options,
        ]  # fmt: skip

    def run(self, suite: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(suite, *options), cwd=self.folder, env=environment(), capture_output=True, text=True
        )

    def answered(self, suite: str) -> int:
        """Answers that are stored."""
        path = self.folder / "medhelm-results" / suite / "responses.sqlite"
        try:
            with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
                count: int = connection.execute("SELECT COUNT(*) FROM responses").fetchone()[0]
                return count
        except sqlite3.Error:
            return 0

    def statuses(self, suite: str) -> Any:
        """Of its one cell; an empty object where there is no leaderboard."""
        if not (self.folder / "medhelm-results" / suite / "leaderboard.json").exists():
            return {}
        board = json.loads((self.folder / "medhelm-results" / suite / "leaderboard.json").read_text())
        return board["results"]["cells"][0]["statuses"]

    def check(self, what: str, expected: object, came: object) -> None:
        self.wrong += expected != came
        print(f"{'as expected' if expected == came else 'DIFFERS    '} | {what} | {came}", flush=True)


def environment() -> dict[str, str]:
    """With this checkout first in the path."""
    path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


@contextlib.contextmanager
def serving(python: str, folder: Path) -> Iterator[Server]:
    """A server that ends with the block."""
    model = folder / "model"
    subprocess.run([python, "-m", "perf.tiny_model", str(model)], check=True, cwd=CHECKOUT, capture_output=True)
    server = Server(python, model)
    try:
        yield server
    finally:
        server.kill()


def bias(model: Path) -> str:
    """What makes a random model's guided JSON end: no blanks, and texts that are soon closed."""
    vocabulary = json.loads((model / "tokenizer.json").read_text())["model"]["vocab"]
    blanks = {number: -100 for token, number in vocabulary.items() if set(token) <= set("ĠĊĉč")}
    ends = {vocabulary[token]: 30 for token in ('"', "]", "}")}
    return ", ".join(f'"{number}" = {value}' for number, value in (blanks | ends).items())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server-python", default=sys.executable, help="Python that has vLLM (default: this one)")
    python = parser.parse_args().server_python
    with tempfile.TemporaryDirectory() as name, serving(python, Path(name)) as server:
        folder = Path(name) / "run"
        folder.mkdir()
        runs = Runs(folder, server.url, bias(Path(name) / "model"))
        server.start(SHORT)
        answers_and_refusals(runs)
        restarts(runs, server)
    raise SystemExit(bool(runs.wrong))


def answers_and_refusals(runs: Runs) -> None:
    """What a server that stays says."""
    runs.questions(40)
    done = runs.run("answers", "--medhelm-model=real/llama3")
    runs.check("40 guided answers", ({"ok": 40}, 0), (runs.statuses("answers"), done.returncode))
    done = runs.run("large", "--medhelm-model=large")
    said = f"lower max_tokens to at most {SHORT}" in done.stderr
    runs.check("max_tokens above the context: exit 4 and what to type", (4, True), (done.returncode, said))
    done = runs.run("hot", "--medhelm-model=hot")
    said = 'temperature = "default"' in done.stdout
    runs.check("a temperature that is refused: exit 2 and what to type", (2, True), (done.returncode, said))
    done = runs.run("self", "--medhelm-model=real/llama3", "--medhelm-judge=second")
    runs.check("one model under two names judges itself: exit 4", 4, done.returncode)
    runs.questions(6)
    done = runs.run("judged", "--medhelm-model=real/llama3", "--medhelm-judge=second", "--medhelm-allow-self-judging")
    if runs.statuses("judged") != {"ok": 6}:
        print(done.stdout[-3000:])
    runs.check("6 answers judged under a JSON schema", {"ok": 6}, runs.statuses("judged"))


def restarts(runs: Runs, server: Server) -> None:
    """What is lost when it goes away, and what a larger context changes."""
    runs.questions(3, 3)
    runs.run("long", "--medhelm-model=free")
    statuses = runs.statuses("long")
    runs.check("3 of 6 prompts too long", 3, statuses.get("too_long"))
    runs.questions(600)
    process = subprocess.Popen(
        runs.command("killed", "--medhelm-model=real/llama3", "--medhelm-wait=1200"), cwd=runs.folder,
        env=environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    while runs.answered("killed") < 100 and process.poll() is None:
        time.sleep(0.1)
    server.kill()
    time.sleep(5)
    server.start(LONG, wait=False)
    answered = runs.answered("killed")
    output, _ = process.communicate()
    waited = "waited for up to" in output
    if not waited:
        print(f"killed after {answered} answers:\n{output}")
    runs.check("killed in mid-run and restarted: nothing lost", ({"ok": 600}, True), (runs.statuses("killed"), waited))
    runs.questions(3, 3)
    runs.run("long", "--medhelm-model=free")
    runs.check("the long prompts are asked again with a larger context", None, runs.statuses("long").get("too_long"))


if __name__ == "__main__":
    main()
