"""Early stop: a benchmark is asked until no completion of the rest can change a verdict about it.

The controller looks at the records as they arrive, and tells those who ask through a file in the suite's folder: a
line for each benchmark and model that need not be asked any further.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_medhelm.gates.baseline import Baseline
from pytest_medhelm.gates.gate_file import Gate, gate_of
from pytest_medhelm.gates.judge import Evidence, is_settled
from pytest_medhelm.results.leaderboard.aggregate import read_cell
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.record import Record
from pytest_medhelm.tasks.public_ids import public_id
from pytest_medhelm.util.files import open_to_append

if TYPE_CHECKING:
    from pytest_medhelm.tasks.benchmark import Benchmark

LOOKS = 50
"""How often the rules of a benchmark and model are tried while it runs, evenly spread."""


def curtail_file(folder: Path, run: str) -> Path:
    """Where the controller of a run says what need not be asked any further."""
    return folder / f".curtail-{run}"


def plan_of(benchmark: Benchmark, binary: Sequence[str], gates: Sequence[str]) -> dict[str, Any]:
    """What the controller must know beforehand of a benchmark, as plain values without texts.

    ``unasked``: public id, cluster, sub-run, slices of each instance; ``must_pass``: ids of never-events; ``binary``:
    right-or-wrong metrics; ``gates``: the rules that the benchmarks of this session bring along.
    """
    task = benchmark.task
    unasked, never = [], []
    for packed in benchmark.instances:
        instance = packed.unpack()
        name = public_id(task, instance.id)
        stratum = instance.slices.get(task.strata, "") if task.strata else ""
        unasked.append([name, instance.cluster, stratum, dict(instance.slices)])
        if instance.must_pass is not None:
            never.append(name)
    return {"unasked": unasked, "must_pass": never, "binary": sorted(binary), "gates": sorted(gates)}


class StopList:
    """Reads what need not be asked any further; in the process that asks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = 0
        self._cells: set[tuple[str, str]] = set()

    def __contains__(self, cell: tuple[str, str]) -> bool:
        """Whether a (benchmark, model) is curtailed."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return False
        if size != self._size:
            lines = self._path.read_text("utf-8").split("\n")[:-1]  # The last one may still be being written.
            self._size = size
            self._cells = {(name, model) for name, model in map(json.loads, lines)}
        return cell in self._cells


class EarlyStop:
    """Looks at the records of a run as they arrive; on the controller."""

    def __init__(self, gates: Sequence[Gate], models: Sequence[str], baseline: Baseline | None, path: Path) -> None:
        """``models``: those that the gates are judged for."""
        self._gates = gates
        self._models = models
        self._baseline = baseline
        self._path = path
        self._plans: dict[str, Mapping[str, Any]] = {}
        self._seen: dict[tuple[str, str], int] = {}
        self._done: set[tuple[str, str]] = set()

    def see(self, record: Record, plan: Mapping[str, Any] | None, suite: Callable[[], Suite]) -> None:
        """A record was added to the suite; ``plan`` comes with the first one of a benchmark."""
        cell = (record["benchmark"], record["model"])
        if plan is not None:
            self._plans.setdefault(cell[0], plan)
        if cell in self._done or cell[1] not in self._models or cell[0] not in self._plans:
            return
        self._seen[cell] = self._seen.get(cell, 0) + 1
        if self._seen[cell] % max(1, record["evaluation_size"] // LOOKS) == 0:
            self._look(cell, suite())

    def _look(self, cell: tuple[str, str], suite: Suite) -> None:
        plan = self._plans[cell[0]]
        suite.commit()
        found = read_cell(suite, *cell, unasked=plan["unasked"], binary=plan["binary"])
        rest = {entry[0] for entry in found.columns.unasked}
        if not rest or not rest.isdisjoint(plan["must_pass"]):
            return  # A never-event is always asked.
        evidence = Evidence([found], selected={cell[0]}, run=suite.runs()[-1]["settings"], baseline=self._baseline)
        brought = gate_of(plan["gates"])
        settled = [is_settled(gate, evidence, found, len(self._models)) for gate in (*self._gates, brought)]
        if False in settled or True not in settled:
            return
        self._done.add(cell)
        suite.put_curtailed(found.benchmark, found.model, found.columns.evaluation, found.columns.settings, plan)
        with os.fdopen(open_to_append(self._path), "a", encoding="utf-8") as file:
            file.write(json.dumps(cell) + "\n")


def without_effect(gates: Sequence[Gate]) -> list[str]:
    """The rules that only a whole run decides: the benchmarks that they are about are never curtailed."""
    from pytest_medhelm.gates.rule import COST, LATENCIES

    beside = (*LATENCIES, COST, "jury_agreement", "jury")
    return [rule.text for gate in gates for rule in gate.rules if rule.benchmark == COST or rule.metric in beside]
