"""Measure what is promised: overhead, cost an instance, memory, start-up, import cost.

    python -m perf.promises [--quick] [--runs 5] [--data DIR]

Every figure is of whole processes, on this machine, in one go. The floor is the sum of two of them: one that does
nothing but the same requests over aiohttp, and one of as many empty pytest tests. Seconds depend on what else the
machine does, CPU seconds (user and system) less so: both are shown. Medians of the runs. Nothing is asserted.
With the folder of real data of all benchmarks, the command of the README is measured on it as well.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
CONCURRENCY = 128
LATENCY_MS = 50
WORDS = ("patients", "treatment", "risk", "outcome", "trial", "cohort", "dose", "blood", "therapy", "clinical", "years")


@dataclass(frozen=True)
class Cost:
    """Of one whole process."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system."""
    rss: float
    """Peak, kilobytes."""


def measure(command: Sequence[str], folder: Path) -> Cost:
    """Run a command to its end; it must succeed."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        # A user's Python keeps compiled modules; a machine that forbids it would measure the compiler.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
        peak, ended = 0.0, 0
        while not ended:
            peak = max(peak, _resident(process.pid))
            time.sleep(0.005)
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        wall = time.perf_counter() - started
        if status:
            output.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{output.read().decode()[-3000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak)


def _resident(pid: int) -> float:
    """Peak resident memory so far, kilobytes (Linux). getrusage would count the parent's before the exec, too."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return float(line.split()[1])
    return 0.0


def median(command: Sequence[str], folder: Path, runs: int, clean: Path | None = None) -> Cost:
    """The medians over several runs, the suite removed before each."""
    measure(command, folder)  # The first run compiles.
    costs = []
    for _ in range(runs):
        if clean is not None:
            subprocess.run(["rm", "-rf", str(clean)], check=True)
        costs.append(measure(command, folder))
    return Cost(*(statistics.median(values) for values in zip(*(vars(cost).values() for cost in costs), strict=True)))


def write_data(folder: Path, count: int) -> Path:
    """A PubMedQA file of invented records of about 2 KB each; returns the data folder."""
    draw = random.Random(0)
    records = {}
    for number in range(count):
        parts = [" ".join(draw.choices(WORDS, k=90)) for _ in range(3)]
        records[f"perf-{number:06d}"] = {
            "QUESTION": f"Does treatment {number} change the outcome?",
            "CONTEXTS": parts,
            "LABELS": ["BACKGROUND", "METHODS", "RESULTS"],
            "MESHES": [],
            "YEAR": "2020",
            "reasoning_required_pred": "yes",
            "reasoning_free_pred": "yes",
            "final_decision": ("yes", "no", "maybe")[number % 3],
            "LONG_ANSWER": parts[0],
        }
    data = folder / f"data{count}" / "pubmed_qa"
    data.mkdir(parents=True)
    (data / "ori_pqal.json").write_text(json.dumps(records))
    return data.parent


BY_PATH = (str(BENCHMARKS / "medical_research_assistance" / "test_pubmed_qa.py"),)
BY_NAME = (str(BENCHMARKS), "-k", "pubmed_qa")


def evaluation(url: str, data: Path, selection: Sequence[str] = BY_PATH) -> list[str]:
    """Our command."""
    return [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *selection,
        "--medhelm-model=vllm/mock", f"--medhelm-base-url={url}", f"--medhelm-data={data}",
        f"--medhelm-concurrency={CONCURRENCY}", "--medhelm-limit=all",
    ]  # fmt: skip


def empty_tests(folder: Path, count: int) -> list[str]:
    """As many tests that do nothing, with one fixture each."""
    path = folder / f"test_empty_{count}.py"
    path.write_text(
        "import pytest\n@pytest.fixture\ndef thing():\n    return 1\n"
        f"@pytest.mark.parametrize('i', range({count}), ids=lambda i: f'perf-{{i:06d}}')\n"
        "def test_it(thing, i):\n    pass\n"
    )
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:pytest_medhelm.plugin", str(path)]


def row(what: str, found: str, promise: str) -> None:
    """One line of the table."""
    print(f"{what:<52} {found:>34}   promised: {promise}", flush=True)


def shown(cost: Cost, base: Cost | None = None) -> str:
    """Seconds and CPU seconds, and how many times those of another process they are."""
    text = f"{cost.wall:.2f} s, {cost.cpu:.2f} CPU"
    return text if base is None else f"{text}: {cost.wall / base.wall:.2f}x, {cost.cpu / base.cpu:.2f}x"


def requests_and_memory(url: str, folder: Path, runs: int, many: int, real: Path | None) -> None:
    """Overhead at 1,000 instances, cost and memory an instance at many."""
    suite = folder / "medhelm-results"
    bare_command = [
        sys.executable, "-m", "perf.bare_client", "--url", url, "--concurrency", str(CONCURRENCY), "--requests",
    ]  # fmt: skip
    bare = median([*bare_command, "1000"], BENCHMARKS.parent, runs)
    empty = median(empty_tests(folder, 1000), folder, runs)
    floor_of_both = Cost(bare.wall + empty.wall, bare.cpu + empty.cpu, empty.rss)
    data = write_data(folder, 1000)
    row("bare aiohttp process, 1,000 requests", shown(bare), "-")
    row("1,000 empty pytest tests", shown(empty), "-")
    row("the floor: the sum of the two", shown(floor_of_both), "-")
    ours = median(evaluation(url, data), folder, runs, suite)
    row("1,000 instances, the module by its path", shown(ours, floor_of_both), "at most 1.35x the floor")
    again = median(evaluation(url, data), folder, runs)
    row("the same again, all responses stored", shown(again, empty), "at most 1.5x the empty tests")
    one = median(evaluation(url, write_data(folder, 1)), folder, runs, suite)
    row("a run of one instance", shown(one, empty), "at most 0.47x the empty tests")
    if real is not None:
        typed = median(evaluation(url, real, BY_NAME), folder, runs, suite)
        row("1,000 real instances, by -k among all benchmarks", shown(typed, floor_of_both), "at most 1.5x the floor")
        collect = [*evaluation(url, real, (str(BENCHMARKS), "--collect-only"))[:-1]]
        row("collection of all real data, limit 1,000", shown(median(collect, folder, runs), empty), "at most 1.5x")
    subprocess.run(["rm", "-rf", str(suite)], check=True)
    few_ours = measure(evaluation(url, write_data(folder, 2)), folder)
    subprocess.run(["rm", "-rf", str(suite)], check=True)
    many_ours = measure(evaluation(url, write_data(folder, many)), folder)
    few_empty = measure(empty_tests(folder, 2), folder)
    many_empty = measure(empty_tests(folder, many), folder)
    cost = (many_ours.cpu - few_ours.cpu) / many * 1000
    floor = (many_empty.cpu - few_empty.cpu) / many * 1000
    request = bare.cpu - median([*bare_command, "1"], BENCHMARKS.parent, runs).cpu  # ms, of a thousand
    row(f"CPU an instance at {many:,}", f"{cost:.2f} ms", "-")
    row("CPU an empty pytest test", f"{floor:.2f} ms", "-")
    row("CPU an instance above an empty test and a request", f"{cost - floor - request:.2f} ms", "at most 0.6 ms")
    growth = (many_ours.rss - few_ours.rss) / many
    empty_growth = (many_empty.rss - few_empty.rss) / many
    row(f"memory an instance above an empty test at {many:,}", f"{growth - empty_growth:.2f} KB", "at most 2 KB")
    row("memory an empty test", f"{empty_growth:.2f} KB", "-")


def start_up(folder: Path, runs: int) -> None:
    """Collection of all benchmarks, the command's help, the plugin in a session that does not use it."""
    python = sys.executable
    collect = [python, "-m", "pytest", "--collect-only", "-q", str(BENCHMARKS)]
    row("pytest --collect-only of all benchmarks", f"{median(collect, folder, runs).wall:.2f} s", "under 2 s")
    plain = median([python, "-c", "pass"], folder, runs)
    shown = median([python, "-m", "pytest_medhelm", "--help"], folder, runs)
    row("medhelm --help beyond the interpreter", f"{shown.wall - plain.wall:.2f} s", "under 0.3 s")
    (folder / "test_other.py").write_text("def test_it(): pass\n")
    session = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_other.py"]
    # The difference is small beside the machine's noise: many pairs, taken in turn.
    pairs = [
        (measure(session, folder).cpu, measure([*session, "-p", "no:pytest_medhelm.plugin"], folder).cpu)
        for _ in range(10 * runs)
    ]
    cost = statistics.median(mine for mine, _ in pairs) - statistics.median(other for _, other in pairs)
    row("the plugin in a session that does not use it", f"{cost * 1000:.0f} ms CPU", "under 20 ms")
    code = "import sys, pytest_medhelm.plugin; print(*sorted({'openai','numpy','jinja2','aiohttp'} & set(sys.modules)))"
    loaded = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    row("heavy packages that it imports", loaded or "none", "none")


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2,000 instead of 10,000 instances, one run each")
    parser.add_argument("--runs", type=int, default=5, help="runs per figure; medians are shown (default 5)")
    parser.add_argument("--data", type=Path, help="real data of all benchmarks, as --medhelm-data takes them")
    arguments = parser.parse_args()
    runs = 1 if arguments.quick else arguments.runs
    server = subprocess.Popen(
        [sys.executable, "-m", "perf.mock_server", "--port", "0", "--latency-ms", str(LATENCY_MS)],
        cwd=BENCHMARKS.parent, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    url = server.stdout.readline().split()[-1]
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            (folder / "medhelm.toml").write_text('[data.pubmed_qa]\naccept = ["ori_pqal.json"]\n')
            start_up(folder, runs)
            many = 2000 if arguments.quick else 10_000
            requests_and_memory(url, folder, runs, many, arguments.data and arguments.data.absolute())
    finally:
        server.kill()


if __name__ == "__main__":
    main()
