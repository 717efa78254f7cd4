"""Whole processes, measured in turn: seconds, CPU seconds and peak memory, medians of rounds."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Cost:
    """Of one whole process."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system."""
    rss: float
    """Peak, kilobytes."""

    def __add__(self, other: Cost) -> Cost:
        """Of both, one after the other."""
        return Cost(self.wall + other.wall, self.cpu + other.cpu, max(self.rss, other.rss))


@dataclass(frozen=True)
class Command:
    """What is measured."""

    arguments: Sequence[str]
    folder: Path
    fresh: bool = False
    """The suite is removed before each run."""


def measure(command: Command) -> Cost:
    """Run a command to its end; it must succeed."""
    if command.fresh:
        shutil.rmtree(command.folder / "medhelm-results", ignore_errors=True)
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        # A user's Python keeps compiled modules; a machine that forbids it would measure the compiler.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        process = subprocess.Popen(
            command.arguments, cwd=command.folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        peak, ended = 0.0, 0
        while not ended:
            peak = max(peak, _resident(process.pid))
            time.sleep(0.005)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        wall = time.perf_counter() - started
        if status:
            output.seek(0)
            sys.exit(f"{' '.join(command.arguments)} failed:\n{output.read().decode()[-3000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak)


def _resident(pid: int) -> float:
    """Peak resident memory so far, kilobytes (Linux). getrusage would count the parent's before the exec, too."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return float(line.split()[1])
    return 0.0


def medians(commands: Mapping[str, Command], runs: int, warm: bool = True) -> dict[str, Cost]:
    """The medians of each command over several rounds, in each of which all are run in turn.

    Without ``warm`` the first round counts: of commands that take minutes it tells nothing.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(runs + warm):
        for name, command in commands.items():
            cost = measure(command)
            if number or not warm:
                costs[name].append(cost)
    return {
        name: Cost(
            *(statistics.median(values) for values in zip(*(vars(cost).values() for cost in several), strict=True))
        )
        for name, several in costs.items()
    }


def row(what: str, figure: str, promise: str) -> None:
    """One line of the table."""
    print(f"{what:<54} {figure:>38}   promised: {promise}", flush=True)


def shown(cost: Cost, base: Cost | None = None) -> str:
    """Seconds and CPU seconds, and how many times those of another process they are."""
    text = f"{cost.wall:.2f} s, {cost.cpu:.2f} CPU"
    return text if base is None else f"{text}: {cost.wall / base.wall:.2f}x, {cost.cpu / base.cpu:.2f}x"


@contextlib.contextmanager
def mock_server(latency_ms: float) -> Iterator[str]:
    """The address of a mock server in a process of its own, which ends with the block."""
    server = subprocess.Popen(
        [sys.executable, "-m", "perf.mock_server", "--port", "0", "--latency-ms", str(latency_ms)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[-1]
    finally:
        server.kill()
        server.wait()
