"""Before the first request: rules that cannot mean what they say end the session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.gates.check import Known, problems
from pytest_medhelm.plugin.item_params import benchmarks
from pytest_medhelm.plugin.marks import COLLECTED
from pytest_medhelm.plugin.options import PLAN

if TYPE_CHECKING:
    from pytest_medhelm.gates.gate_file import Gate


def check_gates(gates: Sequence[Gate], config: pytest.Config, items: Sequence[pytest.Item], *, judged: bool) -> None:
    """Raises UsageError with the first problem of a rule; ``items``: those that were collected.

    The package's other benchmarks are imported only where a rule seems to name nothing: it may be one that was not
    selected.
    """
    collected = {entry.task.name: entry.task for entry in benchmarks(items)}
    scope = frozenset(collected)
    known = Known(
        config.stash.setdefault(COLLECTED, {}) | collected, judged=judged, scope=scope, perturbations=_asked(config)
    )
    if not any(next(problems(gate, known), "") for gate in gates):
        return
    from pytest_medhelm.tasks.catalogue import catalogue

    packaged = {entry.task.name: entry.task for entry in catalogue().entries}
    known = replace(known, tasks={**packaged, **known.tasks})
    for gate in gates:
        for problem in problems(gate, known):
            raise pytest.UsageError(problem)


def _asked(config: pytest.Config) -> frozenset[str]:
    return frozenset(perturbation.name for perturbation in config.stash[PLAN].perturbations)


def check_without_items(gates: Sequence[Gate], config: pytest.Config, *, judged: bool) -> None:
    """As ``check_gates`` where workers collect: names of somebody's own benchmarks are not known here."""
    from pytest_medhelm.tasks.catalogue import catalogue

    known = Known({entry.task.name: entry.task for entry in catalogue().entries}, judged=judged, all_names=False,
                  scope=frozenset(), perturbations=_asked(config))  # fmt: skip
    for gate in gates:
        for problem in problems(gate, known):
            raise pytest.UsageError(problem)
