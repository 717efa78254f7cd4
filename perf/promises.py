"""Measure what is promised: overhead, cost an instance, memory, start-up, import cost, 50,000 instances.

    python -m perf.promises [--quick] [--runs 5] [--data DIR]

Every figure is of whole processes, on this machine, taken in turn in one go; medians of the runs (of two at
50,000 instances, whose commands take minutes). The floor is the sum
of two of them: one that does nothing but the same requests over aiohttp, and one of as many empty pytest tests, in the
environment that ours run in. Ratios are of seconds, and of CPU seconds (user and system): where others use the machine,
only the second say something. Nothing is asserted. With the folder of real data of all benchmarks (default:
$MEDHELM_TEST_DATA), PubMedQA is the real one, and the command of the README is measured on it as well.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from perf.processes import ROOT, Command, measure, medians, mock_server, row, shown

BENCHMARKS = ROOT / "benchmarks"
CONCURRENCY = 128
LATENCY_MS = 50
WORDS = ("patients", "treatment", "risk", "outcome", "trial", "cohort", "dose", "blood", "therapy", "clinical", "years")


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
    data.mkdir(parents=True, exist_ok=True)
    (data / "ori_pqal.json").write_text(json.dumps(records))
    return data.parent


def write_empty(path: Path, count: int) -> Path:
    """A module of as many tests that do nothing, with one fixture each; returns it."""
    path.write_text(
        "import pytest\n@pytest.fixture\ndef thing():\n    return 1\n"
        f"@pytest.mark.parametrize('i', range({count}), ids=lambda i: f'perf-{{i:06d}}')\n"
        "def test_it(thing, i):\n    pass\n"
    )
    return path


BY_PATH = (str(BENCHMARKS / "medical_research_assistance" / "test_pubmed_qa.py"),)
BY_NAME = (str(BENCHMARKS), "-k", "pubmed_qa")


class Bench:
    """The commands that are measured."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        (folder / "medhelm.toml").write_text('[data.pubmed_qa]\naccept = ["ori_pqal.json"]\n')

    def ours(
        self, data: Path, *more: str, selection: Sequence[str] = BY_PATH, limit: str = "all", where: str = "ours"
    ) -> Command:
        """An evaluation, in a folder of its own."""
        folder = self.folder / where
        folder.mkdir(exist_ok=True)
        shutil.copy(self.folder / "medhelm.toml", folder)
        arguments = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *selection, "--medhelm-model=vllm/mock",
            f"--medhelm-base-url={self.url}", f"--medhelm-data={data}", f"--medhelm-concurrency={CONCURRENCY}",
            f"--medhelm-limit={limit}", *more,
        ]  # fmt: skip
        return Command(arguments, folder, fresh=not where.startswith("stored"))

    def empty(self, count: int, *more: str) -> Command:
        """As many tests that do nothing, with one fixture each."""
        return self._plain(write_empty(self.folder / f"test_empty_{count}.py", count), *more)

    def as_many_empty(self, collect: Command) -> Command:
        """As many tests that do nothing as a command collects, in as many modules, collected as well."""
        listed = subprocess.run(collect.arguments, cwd=collect.folder, capture_output=True, text=True, check=True)
        modules = Counter(Path(line.partition("::")[0]) for line in listed.stdout.splitlines() if "::" in line)
        for module, count in modules.items():
            folder = self.folder / "as_many" / module.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "__init__.py").touch()
            write_empty(folder / module.name, count)
        return self._plain(self.folder / "as_many", "--collect-only")

    def _plain(self, path: Path, *more: str) -> Command:
        plain = ("-q", "-p", "no:cacheprovider", "-p", "no:pytest_medhelm.plugin")
        return Command([sys.executable, "-m", "pytest", *plain, str(path), *more], self.folder)

    def bare(self, count: int) -> Command:
        """As many requests and nothing else."""
        client = ["--url", self.url, "--concurrency", str(CONCURRENCY), "--requests", str(count)]
        return Command([sys.executable, "-m", "perf.bare_client", *client], ROOT)


def first_time(command: Command) -> Command:
    """With a cache folder that is removed before each run: nothing was read or hashed before."""
    cache = command.folder / "medhelm-results" / "cache"
    return replace(command, arguments=["env", f"MEDHELM_CACHE={cache}", *command.arguments])


def a_thousand(bench: Bench, runs: int, real: Path | None) -> float:
    """1,000 instances, against the floor; returns what a bare request costs, CPU milliseconds."""
    data = real or write_data(bench.folder, 1000)
    commands = {
        "bare": bench.bare(1000),
        "bare of one": bench.bare(1),
        "empty": bench.empty(1000),
        "path": bench.ours(data),
        "stored": bench.ours(data, where="stored"),
        "one": bench.ours(write_data(bench.folder, 1), where="one"),
        "empty one": bench.empty(1),
    }
    if real is not None:
        commands["name"] = bench.ours(data, selection=BY_NAME, where="name")
        everything = (str(BENCHMARKS), "--collect-only")
        collect = commands["collect"] = bench.ours(data, selection=everything, limit="1000", where="collect")
        commands["first"] = first_time(bench.ours(data, selection=everything, limit="1000", where="first"))
        commands["as many"] = bench.as_many_empty(collect)
    costs = medians(commands, runs)
    empty, floor = costs["empty"], costs["bare"] + costs["empty"]
    row("bare aiohttp process, 1,000 requests", shown(costs["bare"]), "-")
    row("1,000 empty pytest tests", shown(empty), "-")
    row("the floor: the sum of the two", shown(floor), "-")
    row("1,000 instances, the module by its path", shown(costs["path"], floor), "at most 1.35x the floor")
    if real is not None:
        row("the same by -k among all benchmarks", shown(costs["name"], floor), "at most 1.5x the floor")
    row("the same by path, all responses stored", shown(costs["stored"], empty), "at most 1.5x the empty tests")
    row("a session of one empty pytest test", shown(costs["empty one"], empty), "-")
    row("a run of one instance", shown(costs["one"], empty), "at most 0.47x the empty tests")
    if real is not None:
        row("collection of all real data, limit 1,000", shown(costs["collect"], empty), "at most 1.5x the empty tests")
        row("the same with an empty cache folder", shown(costs["first"], empty), "-")
        row("pytest alone: as many empty tests, as many modules", shown(costs["as many"], empty), "-")
    return costs["bare"].cpu - costs["bare of one"].cpu  # seconds of a thousand


def an_instance(bench: Bench, runs: int, many: int, request: float) -> None:
    """What an instance costs more than an empty test and a ``request`` (CPU ms): new, stored, in memory."""
    data, few = write_data(bench.folder, many), write_data(bench.folder, 2)
    stored, two_stored = bench.ours(data, where="stored many"), bench.ours(few, where="stored two")
    for command in (stored, two_stored):
        measure(command)  # asks, and stores
    costs = medians(
        {
            "many": bench.ours(data),
            "stored": stored,
            "empty": bench.empty(many),
            "two": bench.ours(few),
            "two stored": two_stored,
            "two empty": bench.empty(2),
        },
        runs,
        warm=False,
    )
    cpu, memory = (
        {
            name: (getattr(costs[name], what) - getattr(costs[less], what)) * factor / many
            for name, less in (("many", "two"), ("stored", "two stored"), ("empty", "two empty"))
        }
        for what, factor in (("cpu", 1000), ("rss", 1))
    )
    row(f"CPU an instance at {many:,}: new, stored", f"{cpu['many']:.2f}, {cpu['stored']:.2f} ms", "-")
    row("CPU an empty pytest test; a bare request", f"{cpu['empty']:.2f}; {request:.2f} ms", "-")
    row("CPU above an empty test and a request", f"{cpu['many'] - cpu['empty'] - request:.2f} ms", "at most 0.6 ms")
    row("CPU of a stored one above an empty test", f"{cpu['stored'] - cpu['empty']:.2f} ms", "at most 0.5 ms")
    row("memory an empty test", f"{memory['empty']:.2f} KB", "-")
    row("memory an instance above an empty test", f"{memory['many'] - memory['empty']:.2f} KB", "at most 2 KB")


def large(bench: Bench, runs: int, count: int) -> None:
    """A large benchmark: its collection, its run, its leaderboard and pages again."""
    data = write_data(bench.folder, count)
    run = bench.ours(data, where="large")
    report = Command([sys.executable, "-m", "pytest_medhelm", "report", "medhelm-results/default"], run.folder)
    costs = medians(
        {
            "collect": bench.ours(data, "--collect-only", where="collect"),
            "collect empty": bench.empty(count, "--collect-only"),
            "bare": bench.bare(count),
            "empty": bench.empty(count),
            "run": run,
            "report": report,
        },
        runs,
        warm=False,
    )
    collected = shown(costs["collect"], costs["collect empty"])
    row(f"collection of {count:,} instances", collected, "at most 1.3x that of empty tests")
    floor = costs["bare"] + costs["empty"]
    row(f"the floor of {count:,}", shown(floor), "-")
    row(f"{count:,} instances", shown(costs["run"], floor), "at most 1.45x the floor")
    row("leaderboard and pages of these again", shown(costs["report"]), "at most 15 s")


def start_up(bench: Bench, runs: int) -> None:
    """Collection of all benchmarks, the command's help, the plugin in a session that does not use it."""
    python, folder = sys.executable, bench.folder
    costs = medians(
        {
            "collect": Command([python, "-m", "pytest", "--collect-only", "-q", str(BENCHMARKS)], folder),
            "plain": Command([python, "-c", "pass"], folder),
            "help": Command([python, "-m", "pytest_medhelm", "--help"], folder),
        },
        runs,
    )
    row("pytest --collect-only of all benchmarks", f"{costs['collect'].wall:.2f} s", "under 2 s")
    helped = costs["help"].wall - costs["plain"].wall
    row("medhelm --help beyond the interpreter", f"{helped:.2f} s", "under 0.3 s")
    (folder / "test_other.py").write_text("def test_it(): pass\n")
    session = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_other.py"]
    # The difference is small beside the machine's noise: many pairs.
    pair = {
        "with": Command(session, folder),
        "without": Command([*session, "-p", "no:pytest_medhelm.plugin"], folder),
    }
    both = medians(pair, 10 * runs)
    row(
        "the plugin in a session that does not use it",
        f"{(both['with'].cpu - both['without'].cpu) * 1000:.0f} ms CPU",
        "under 20 ms",
    )
    code = "import sys, pytest_medhelm.plugin; print(*sorted({'openai','numpy','jinja2','aiohttp'} & set(sys.modules)))"
    loaded = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    row("heavy packages that it imports", loaded or "none", "none")


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one run each; 2,000 instances in place of more")
    parser.add_argument("--runs", type=int, default=5, help="rounds of which medians are shown (default 5)")
    real = os.environ.get("MEDHELM_TEST_DATA")
    help_text = "real data of all benchmarks, as --medhelm-data takes them"
    parser.add_argument("--data", type=Path, default=real and Path(real), help=help_text)
    arguments = parser.parse_args()
    runs, many, most = (1, 2000, 2000) if arguments.quick else (arguments.runs, 10_000, 50_000)
    with mock_server(LATENCY_MS) as url, tempfile.TemporaryDirectory() as temporary:
        bench = Bench(url, Path(temporary))
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        start_up(bench, runs)
        request = a_thousand(bench, runs, arguments.data and arguments.data.absolute())
        an_instance(bench, runs, many, request)
        large(bench, min(runs, 2), most)


if __name__ == "__main__":
    main()
