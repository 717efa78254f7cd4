"""How soon a run ends after Ctrl-C or SIGTERM, sent to all its processes, as by a terminal, or to the controller alone.

    python -m perf.interrupts [--rounds 3]

Each line: the signal, who gets it, with how many workers; seconds until the session has ended, at worst, and the CPU
seconds that its processes used in that time. On a quiet machine a group must end within 2 s and a controller alone
within 10 s: exit status 1 when one does not. Start it in the foreground: what a shell runs in the background ignores
Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

from perf.mock_server import MockServer
from perf.soak import BENCHMARK, CHECKOUT, stored

INSTANCES = 20_000
AFTER = 300
"""Answers on disk when the signal is sent."""
TICK = os.sysconf("SC_CLK_TCK")
GROUP, ALONE = 2.0, 10.0
"""Seconds within which a session must end."""


def family(pid: int) -> list[int]:
    """A process and its children."""
    tree = [pid]
    for parent in tree:
        with contextlib.suppress(OSError):
            tree += map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
    return tree


def cpu(pid: int) -> float:
    """CPU seconds that a process has used; 0 where it has ended."""
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    return 0.0


def interrupted(folder: Path, url: str, workers: int, sent: signal.Signals, *, group: bool) -> tuple[float, float]:
    """Seconds, and CPU seconds, from a signal to the end of a session."""
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder),
        "--medhelm-model=vllm/mock", f"--medhelm-base-url={url}", "--medhelm-limit=all", "--medhelm-no-cache",
        "--medhelm-html=none", "-p", "no:hypothesispytest", *(["-n", str(workers)] if workers else []),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    while stored(folder) < AFTER:
        if process.poll() is not None:
            raise SystemExit(f"the session ended by itself, with exit status {process.returncode}")
        time.sleep(0.05)
    processes = family(process.pid)
    before = {pid: cpu(pid) for pid in processes}
    begun = time.monotonic()
    last = dict(before)
    if group:
        os.killpg(process.pid, sent)
    else:
        process.send_signal(sent)
    while process.poll() is None:
        last.update({pid: used for pid in processes if (used := cpu(pid))})
        time.sleep(0.01)
    return time.monotonic() - begun, sum(last[pid] - before[pid] for pid in processes)


def measured(url: str, workers: int, sent: signal.Signals, *, group: bool) -> tuple[float, float]:
    """The same for a suite of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [f'q{number:06d},"Case {number}. Which?",A' for number in range(INSTANCES)]
        (folder / "soak.csv").write_text("\n".join(["id,question,answer", *rows]) + "\n")
        (folder / "soak.medhelm.yaml").write_text(BENCHMARK)
        return interrupted(folder, url, workers, sent, group=group)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    late = False
    with MockServer(lambda body: "A", latency=0.05, keep=False) as server:
        for sent, group, workers in product((signal.SIGINT, signal.SIGTERM), (True, False), (0, 2)):
            worst, used = max(measured(server.url, workers, sent, group=group) for _ in range(rounds))
            late = late or worst > (GROUP if group else ALONE)
            who = "the group" if group else "the controller alone"
            print(f"{sent.name} to {who}, {workers} workers | {worst:.1f} s | {used:.1f} s CPU", flush=True)
    raise SystemExit(late)


if __name__ == "__main__":
    main()
