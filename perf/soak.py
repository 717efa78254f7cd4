"""A long run against a server that slows down, fails, goes away and comes back, killed again and again.

    python -m perf.soak [--instances 50000] [--concurrency 256] [--kills 10] [--write docs/reliability.md]

Whole sessions, each ended by SIGKILL but the last. Shown at the end, each with its bound: instances without an answer,
answers that were lost or are wrong, and the most memory, file descriptors and threads that a session had. Exit status 1
when a bound is passed. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perf.mock_replies import prompt_text
from perf.mock_server import Fault, MockServer

MARK = "<!-- soak -->"
"""Of the place in a page where figures stand, before and behind them."""
CYCLE = 20.0
"""Seconds after which the server's moods begin again."""
AWAY = (18.0, 19.5)
"""Of them, those in which nothing listens."""
BASE_MEMORY, MEMORY_EACH = 250.0, 0.008
"""Megabytes of a session, and of each instance in it."""
CHECKOUT = Path(__file__).parents[1]
BENCHMARK = """\
name: soak
title: Soak
subcategory: Planning Treatments
data: soak.csv
prompt: "{question}"
answer: {kind: letter, column: answer, choices: ["one", "two", "three", "four"]}
"""


def right(number: int) -> str:
    """The letter of an instance."""
    return "ABCD"[number * 7919 % 4]


class Moods:
    """A server that behaves as the time of its cycle says."""

    def __init__(self) -> None:
        self.server = MockServer(self.reply, keep=False)
        self._started = time.monotonic()
        self._ended = threading.Event()

    @property
    def _moment(self) -> float:
        return (time.monotonic() - self._started) % CYCLE

    def reply(self, body: dict[str, Any]) -> str | Fault:
        """The right letter, late, or a fault."""
        moment, chance = self._moment, random.randrange(100)
        if 8 <= moment < 11 and chance < 60:
            return Fault("status", (429, 500, 502, 503)[chance % 4], retry_after=0.05)
        if 11 <= moment < 13 and chance < 30:
            return Fault(("drop", "cut", "truncated")[chance % 3])
        number = int(prompt_text(body).split("Case ")[1].split(".")[0])
        return right(number)

    @contextlib.contextmanager
    def running(self) -> Iterator[MockServer]:
        """Serve until the block ends."""
        self.server.start()
        thread = threading.Thread(target=self._come_and_go)
        thread.start()
        try:
            yield self.server
        finally:
            self._ended.set()
            thread.join()
            self.server.stop()

    def _come_and_go(self) -> None:
        while not self._ended.wait(0.1):
            self.server.latency = 0.3 if 13 <= self._moment < 18 else 0.02
            if AWAY[0] <= self._moment < AWAY[1]:
                self.server.stop()
                time.sleep(AWAY[1] - AWAY[0])
                self.server.start()


@dataclass
class Peaks:
    """The most that any session had."""

    memory: float = 0.0
    """Megabytes."""
    descriptors: int = 0
    threads: int = 0
    sessions: list[float] = field(default_factory=list)
    """Seconds of each."""

    def watch(self, pid: int) -> None:
        """Look at a process; nothing happens when it has ended."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            self.memory = max(self.memory, int(status["VmRSS"].split()[0]) / 1024)
            self.threads = max(self.threads, int(status["Threads"]))
            self.descriptors = max(self.descriptors, len(os.listdir(f"/proc/{pid}/fd")))


def stored(folder: Path) -> int:
    """Answers on disk."""
    path = folder / "medhelm-results/default/responses.sqlite"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            count: int = connection.execute("SELECT COUNT(*) FROM responses").fetchone()[0]
            return count
    except sqlite3.Error:
        return 0


def session(folder: Path, command: list[str], peaks: Peaks, until: int | None) -> int:
    """Run one session; it is killed when so many answers are stored. Returns its exit status."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])}
    begun = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    while process.poll() is None:
        time.sleep(0.1)
        peaks.watch(process.pid)
        if until is not None and stored(folder) >= until:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    peaks.sessions.append(time.monotonic() - begun)
    return process.returncode


def soak(instances: int, concurrency: int, kills: int, folder: Path) -> bool:
    """Run everything in a folder and print the figures; returns whether all bounds were kept."""
    rows = [f'q{number:06d},"Case {number}. Which?",{right(number)}' for number in range(instances)]
    (folder / "soak.csv").write_text("\n".join(["id,question,answer", *rows]) + "\n")
    (folder / "soak.medhelm.yaml").write_text(BENCHMARK)
    peaks, moods = Peaks(), Moods()
    with moods.running() as server:
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder),
            "--medhelm-model=vllm/mock", f"--medhelm-base-url={server.url}", "--medhelm-limit=all",
            f"--medhelm-concurrency={concurrency}", "--medhelm-html=none", "--medhelm-wait=600",
        ]  # fmt: skip
        for kill in range(kills):
            session(folder, command, peaks, instances * (kill + 1) // (kills + 1))
        status = session(folder, command, peaks, None)
        asked = server.asked
    board = json.loads((folder / "medhelm-results/default/leaderboard.json").read_text())
    [cell] = board["results"]["cells"]
    kept = [
        bounded("exit status of the last session", status, 0),
        bounded("instances without an answer", instances - cell["statuses"].get("ok", 0), 0),
        bounded("answers that are wrong", round((1 - cell["metrics"]["exact_match"]["value"]) * instances), 0),
        bounded("answers lost", instances - stored(folder), 0),
        bounded("prompts never asked", instances - len(asked), 0),
        bounded("memory, MB", round(peaks.memory), round(BASE_MEMORY + MEMORY_EACH * instances)),
        bounded("file descriptors", peaks.descriptors, concurrency + 64),
        bounded("threads", peaks.threads, 12),
    ]
    print(f"{kills} kills, sessions of {', '.join(f'{seconds:.0f}' for seconds in peaks.sessions)} s")
    print(f"{asked.total()} requests for {instances} instances, faults included")
    return all(kept)


def bounded(what: str, figure: int, most: int) -> bool:
    """Print a figure with its bound."""
    print(f"{'kept  ' if figure <= most else 'PASSED'} | {what} | {figure} | at most {most}", flush=True)
    return figure <= most


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=50_000)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--write", type=Path, help="page that gets the figures, between its lines <!-- soak -->")
    given = parser.parse_args()
    shown = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(shown):
        kept = soak(given.instances, given.concurrency, given.kills, Path(folder))
    print(shown.getvalue(), end="")
    if given.write:
        write(given.write, shown.getvalue())
    raise SystemExit(not kept)


def write(page: Path, figures: str) -> None:
    """Put figures in place of those that stand between the two marks of a page."""
    before, _, after = page.read_text("utf-8").split(MARK)
    page.write_text(f"{before}{MARK}\n\n```text\n{figures}```\n\n{MARK}{after}", "utf-8")


if __name__ == "__main__":
    main()
