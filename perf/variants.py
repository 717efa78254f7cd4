"""What a question costs in other words and asked again, against as it is: CPU and seconds a request, 50 ms mock.

    python -m perf.variants [INSTANCES] [RUNS]

PubMedQA as it is, one request an instance; and with six perturbations, six unperturbed askings beside them and the
instance itself, 13 requests an instance. Whole processes in turn, medians; a run of two instances is taken off, so that
what is paid once does not count. Seconds say little where others use the machine.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from perf.processes import Command, medians, mock_server
from perf.promises import LATENCY_MS, Bench, write_data

FEW = 2
ASKED = 13
"""Requests an instance under ``robustness``: as it is, in six ways, and as often unchanged."""


def costs(bench: Bench, count: int, runs: int) -> dict[str, tuple[float, float]]:
    """By kind of run what a request costs: CPU milliseconds, and milliseconds."""
    data, few = write_data(bench.folder, count), write_data(bench.folder, FEW)
    kinds: dict[str, tuple[tuple[str, ...], int]] = {
        "plain": ((), 1),
        "variants": (("--medhelm-perturb=robustness",), ASKED),
    }
    commands: dict[str, Command] = {}
    for kind, (options, _) in kinds.items():
        commands[kind] = bench.ours(data, *options, where=kind)
        commands[f"few {kind}"] = bench.ours(few, *options, where=f"few {kind}")
    figures = medians(commands, runs, warm=False)
    return {
        kind: (
            (figures[kind].cpu - figures[f"few {kind}"].cpu) * 1000 / ((count - FEW) * asked),
            (figures[kind].wall - figures[f"few {kind}"].wall) * 1000 / ((count - FEW) * asked),
        )
        for kind, (_, asked) in kinds.items()
    }


def main(arguments: Sequence[str]) -> None:
    """Print what a request costs in both."""
    count, runs = int(arguments[0]) if arguments else 1000, int(arguments[1]) if len(arguments) > 1 else 3
    with mock_server(LATENCY_MS) as url, tempfile.TemporaryDirectory() as temporary:
        figures = costs(Bench(url, Path(temporary)), count, runs)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for kind, (cpu, wall) in figures.items():
        print(f"{kind:<9} {cpu:.2f} ms CPU, {wall:.2f} ms a request")
    (plain_cpu, plain_wall), (cpu, wall) = figures["plain"], figures["variants"]
    print(f"variants, of plain: CPU {cpu / plain_cpu:.2f}x, seconds {wall / plain_wall:.2f}x (promised: at most 1x)")


if __name__ == "__main__":
    main(sys.argv[1:])
