"""Measure a run with a jury: 200 instances, three judges, 800 requests to a 50 ms server, limit 128.

    python -m perf.jury [--runs 3] [--criteria 11]

With criteria each answer is graded by as many with points, one request each, and by one judge. Whole processes,
compared with a process that does nothing but the same requests over aiohttp. medhelm 0.8.0 with 32 threads needs 23 s
for three judges. Medians of the runs. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from perf.mock_server import MockServer
from perf.processes import ROOT, Command, medians, row
from perf.promises import CONCURRENCY, LATENCY_MS

INSTANCES = 200
JUDGES = ("first", "second", "third")
PEER = 23.0
"""Seconds that medhelm 0.8.0 needs with 32 threads."""

_BENCHMARK = """\
name: advice
title: Advice
subcategory: Providing Patient Education Resources
data: advice.csv
prompt: "{question}"
answer: {kind: text, column: reference}
metrics: [rouge, jury]
"""
_NAMED = "rubric: accuracy_completeness_clarity\n"


def reply(body: dict[str, Any]) -> str:
    """A verdict from a judge, a sentence from the model."""
    if body["model"] not in JUDGES:
        return "Drink enough, rest, and call the ward when the fever stays for more than two days."
    if "criteria_met" in str(body["messages"]):
        return '{"explanation": "it says so", "criteria_met": true}'
    grades = {name: {"score": 4, "explanation": "it says so"} for name in ("accuracy", "completeness", "clarity")}
    return json.dumps(grades | {"harm": {"severity": "none", "kinds": [], "explanation": ""}})


def write_benchmark(folder: Path, rubric: str = _NAMED) -> None:
    """A benchmark of free text with invented questions."""
    lines = [
        f"q{number:03d},What should patient {number} do about a fever?,Rest and drink." for number in range(INSTANCES)
    ]
    (folder / "advice.csv").write_text("\n".join(["id,question,reference", *lines]) + "\n")
    (folder / "advice.medhelm.yaml").write_text(_BENCHMARK + rubric)


def main() -> None:
    """Measure both processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="runs per figure; medians are shown (default 3)")
    parser.add_argument("--criteria", type=int, default=0, help="criteria with points, by one judge (default: none)")
    asked = parser.parse_args()
    judges = JUDGES[:1] if asked.criteria else JUDGES
    points = "".join(f"    - {{criterion: Names point {n} of the advice, points: 5}}\n" for n in range(asked.criteria))
    rubric = f"rubric:\n  points:\n{points}" if asked.criteria else _NAMED
    server = MockServer(reply, models=("mock", "doctor", *JUDGES), latency=LATENCY_MS / 1000, keep=False)
    with server, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_benchmark(folder, rubric)
        requests = INSTANCES * (1 + (asked.criteria or len(judges)))
        bare_command = [
            sys.executable, "-m", "perf.bare_client", "--url", server.url, "--requests", str(requests),
            "--concurrency", str(CONCURRENCY),
        ]  # fmt: skip
        our_command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "advice.medhelm.yaml",
            "--medhelm-model=vllm/doctor", *(f"--medhelm-judge=vllm/{name}" for name in judges),
            f"--medhelm-base-url={server.url}", f"--medhelm-concurrency={CONCURRENCY}", "--medhelm-limit=all",
        ]  # fmt: skip
        commands = {"bare": Command(bare_command, ROOT), "ours": Command(our_command, folder, fresh=True)}
        bare, ours = medians(commands, asked.runs).values()
    row(f"bare aiohttp process, {requests} requests", f"{bare.wall:.2f} s, {bare.cpu:.2f} CPU", "-")
    row(f"pytest-medhelm, {requests} requests for {INSTANCES} instances", f"{ours.wall:.2f} s, {ours.cpu:.2f} CPU", "-")
    row("ratio of the two", f"{ours.wall / bare.wall:.2f}x", "-")
    if not asked.criteria:
        row("against 23 s of medhelm 0.8.0", f"{PEER / ours.wall:.1f}x faster", "at least 5x")


if __name__ == "__main__":
    main()
