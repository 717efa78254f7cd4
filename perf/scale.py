"""What an evaluation of a million instances over a hundred jobs would cost, from measurements at three sizes.

    python -m perf.scale [--sizes 600 2400 9600] [--instances 1000000] [--jobs 100]

Of each size four jobs ask a quarter (--medhelm-shard) of a server with no latency, and their suites are merged. The
cost of each step is taken to be a fixed part and a part for each instance (least squares over the sizes): of CPU time,
which a busy machine changes little, of peak memory and of disk. The model server's own time is not in it. The first
bottleneck is the step that is the first to reach an hour of CPU time or the memory given, as evaluations grow.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

from perf.mock_server import MockServer
from perf.processes import Command, Cost, measure
from perf.promises import BY_PATH, write_data

PARTS = 4
READ = 8
"""Times the size whose collection is measured: it costs little, and what a single instance costs shows late."""
HOUR = 3600.0


@dataclass(frozen=True)
class Model:
    """A cost that grows by the instance."""

    fixed: float
    each: float

    @staticmethod
    def of(sizes: Sequence[int], costs: Sequence[float]) -> Model:
        """The line through measured costs."""
        each, fixed = linear_regression(sizes, costs)
        return Model(max(0.0, fixed), max(0.0, each))

    def at(self, instances: float) -> float:
        """The cost of so many."""
        return self.fixed + self.each * instances

    def reaches(self, cost: float) -> float:
        """The number of instances at which it costs that."""
        return (cost - self.fixed) / self.each if self.each else float("inf")


@dataclass(frozen=True)
class Measured:
    """One size."""

    steps: dict[str, Cost]
    """collect: read and collect all, run none of it; ask: the rest of a job; merge: with leaderboard and pages."""
    disk: float
    """Bytes of the merged suite."""


def collection(size: int, url: str, folder: Path) -> tuple[list[str], Cost]:
    """The command of a job, and what it costs to read and collect all and to run nothing."""
    folder.mkdir(exist_ok=True)
    (folder / "medhelm.toml").write_text('[data.pubmed_qa]\naccept = ["ori_pqal.json"]\n')
    job = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *BY_PATH, "--medhelm-model=vllm/mock",
        f"--medhelm-base-url={url}", f"--medhelm-data={write_data(folder, size)}", "--medhelm-limit=all",
        "--medhelm-concurrency=64", "--medhelm-html=none",
    ]  # fmt: skip
    return job, measure(Command([*job, "--collect-only", f"--medhelm-shard=1/{size}"], folder))


def measured(size: int, url: str, folder: Path) -> Measured:
    """The costs of a size."""
    _, read = collection(READ * size, url, folder)
    job, collect = collection(size, url, folder)
    parts = [
        measure(Command([*job, f"--medhelm-shard={part}/{PARTS}", f"--medhelm-suite=part-{part}"], folder))
        for part in range(1, PARTS + 1)
    ]
    part = Cost(*(sum(costs) / PARTS for costs in zip(*(vars(part).values() for part in parts), strict=True)))
    ask = Cost(part.wall - collect.wall, part.cpu - collect.cpu, part.rss - collect.rss)
    suites = [f"medhelm-results/part-{number}" for number in range(1, PARTS + 1)]
    command = [sys.executable, "-m", "pytest_medhelm", "merge", *suites, "--to=medhelm-results/whole"]
    merge = measure(Command(command, folder))
    whole = folder / "medhelm-results/whole"
    disk = sum(file.stat().st_size for file in whole.rglob("*") if file.is_file())
    shutil.rmtree(folder / "medhelm-results")
    return Measured({"collect": read, "ask": ask, "merge": merge}, disk)


def report(samples: dict[int, Measured], instances: int, jobs: int, memory: float) -> None:
    """Print what was measured, the model, and the first bottleneck."""
    heads = (f"collect {READ} times as many", "ask a quarter (MB more)", "merge")
    print(f"| instances | {' | '.join(f'{head}: CPU s, MB' for head in heads)} | disk MB |")
    print("|---|---|---|---|---|")
    for size, sample in samples.items():
        shown = [f"{cost.cpu:.1f}, {cost.rss / 1024:.0f}" for cost in sample.steps.values()]
        print(f"| {size:,} | {' | '.join(shown)} | {sample.disk / 1e6:.1f} |")
    sizes = [*samples]
    numbers = {"collect": [READ * size for size in sizes], "ask": [size // PARTS for size in sizes], "merge": sizes}
    steps = {step: [sample.steps[step] for sample in samples.values()] for step in numbers}
    cpu = {step: Model.of(numbers[step], [cost.cpu for cost in costs]) for step, costs in steps.items()}
    rss = {step: Model.of(numbers[step], [cost.rss / 2**20 for cost in costs]) for step, costs in steps.items()}
    print(f"\n| step | CPU ms an instance | KB an instance | at {instances:,} over {jobs} jobs: CPU s | GB |")
    print("|---|---|---|---|---|")
    # A job asks its part, and reads and collects the whole.
    loads = {"collect": instances, "ask": instances / jobs, "merge": instances}
    for step, load in loads.items():
        each = f"{1000 * cpu[step].each:.2f} | {rss[step].each * 2**20:.1f}"
        print(f"| {step} | {each} | {cpu[step].at(load):,.0f} | {rss[step].at(load):.1f} |")
    disk = Model.of(sizes, [sample.disk / 1e9 for sample in samples.values()])
    print(f"\ndisk of the merged suite: {disk.at(instances):.1f} GB")
    ends = {
        f"{step} reaches {what}": model.reaches(most) * instances / loads[step]
        for step in loads
        for what, model, most in (
            ("an hour of CPU time", cpu[step], HOUR),
            (f"{memory:g} GB", rss[step], memory),
        )
    }
    first = min(ends, key=lambda name: ends[name])
    print(f"the first bottleneck over {jobs} jobs: {first} at {ends[first]:,.0f} instances")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m perf.scale", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs=3, default=[600, 2400, 9600])
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--memory", type=float, default=8.0, help="GB that a machine has for a job")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, MockServer(keep=False) as server:
        collection(10, server.url, Path(folder) / "warm")
        samples = {size: measured(size, server.url, Path(folder) / str(size)) for size in options.sizes}
    report(samples, options.instances, options.jobs, options.memory)


if __name__ == "__main__":
    main()
