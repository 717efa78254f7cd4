"""What each comparison with a baseline can show, said before the run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import pvariance
from typing import TYPE_CHECKING, NamedTuple

from pytest_medhelm.gates.gate_file import Gate
from pytest_medhelm.gates.power import DISCORDANCE, LITTLE, graded_needed, graded_power_of, needed, power_of
from pytest_medhelm.gates.rule import Rule
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.paired_cells import pairs_of
from pytest_medhelm.tasks.taxonomy import slug

if TYPE_CHECKING:
    from pytest_medhelm.gates.baseline import Baseline

FEWEST_PAIRS = 30
"""A discordance measured on fewer pairs says little."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A benchmark before it is run."""

    size: int
    """Instances of its evaluation set."""
    scopes: Collection[str] = ()
    """Slugs of its category and subcategory, by which rules may name it too."""


class Discordance(NamedTuple):
    """How often two models differ."""

    variance: float
    """Of a difference on the scale 0..1; for right or wrong the discordance."""
    pairs: int
    models: str
    graded: bool
    """Scores are not all right or wrong."""


def differences_of(first: Cell, second: Cell, metric: str = "") -> list[float]:
    """The differences of two models on the scale 0..1, on the instances that both have measured.

    None where they were not measured by the same metric (the main one, if none is named).
    """
    metric = metric or first.main_metric
    if first.main_metric != second.main_metric or metric not in first.metrics or metric not in second.metrics:
        return []
    if metric not in first.scores or metric not in second.scores:
        return []
    worst, best = first.metrics[metric]["scale"]
    return [difference / (best - worst) for _, difference in pairs_of(first, second, metric)]


def measured(cells: Sequence[Cell], metric: str = "") -> Discordance | None:
    """How often the models of one benchmark differ, the most of any two; None without two on enough instances.

    Sample data says nothing of it. Where no two answers differ, one of the pairs is taken to.
    """
    measures = [
        # About 0: of two models that are equally good, as power assumes.
        Discordance(
            max(pvariance(values, 0.0), 1 / len(values)),
            len(values),
            f"{one.model} and {other.model}",
            graded=any(abs(value) not in (0.0, 1.0) for value in values),
        )
        for one, other in combinations([cell for cell in cells if not cell.sample], 2)
        if len(values := differences_of(one, other, metric)) >= FEWEST_PAIRS
    ]
    return max(measures, default=None)


def planned_as(baseline: Baseline, gate: Gate) -> dict[str, Planned]:
    """The benchmarks of a baseline with their sizes, or those that the gate file states."""
    plans = {}
    for name, cell in baseline.cells.items():
        stated = gate.benchmarks.get(name, {}).get("n")
        scopes = {slug(cell.metadata["category"]), slug(cell.metadata["subcategory"])}
        plans[name] = Planned(stated if isinstance(stated, int) else cell.size, scopes)
    return plans


def power_lines(gate: Gate, planned: Mapping[str, Planned], baseline: Baseline | None = None) -> Iterator[str]:
    """One line for each rule ``>= baseline - margin`` (or ``<= baseline + margin``, where less is better) and benchmark
    that it is about; ``planned``: by benchmark.

    The discordance is measured between the candidates of the baseline where it holds two, else taken as 0.2. Slices
    are left out: how many instances they have is not known before a run.
    """
    for demand in gate.demands:
        for rule in demand.alternatives:
            if not rule.baseline or _allowed(rule) <= 0 or rule.slice:
                continue
            for name, benchmark in sorted(planned.items()):
                if rule.benchmark in ("*", name, *benchmark.scopes):
                    yield from _line(rule, rule.alpha / len(demand.alternatives), name, benchmark.size, baseline)


def _line(rule: Rule, alpha: float, name: str, n: int, baseline: Baseline | None) -> Iterator[str]:
    candidates = [cell for cell in baseline.candidate_cells if cell.benchmark == name] if baseline else []
    margin = _allowed(rule) / _span(rule, baseline.cells.get(name) if baseline else None)
    if not 0 < margin <= 1 or not n:
        return
    differing = measured(candidates, rule.metric)
    variance = differing.variance if differing else DISCORDANCE
    how = (
        f"as measured between {differing.models}"
        if differing
        else "assumed; measured where the baseline has two models"
    )
    if differing and differing.graded:
        chance = graded_power_of(margin, n, variance=variance, alpha=alpha)
        enough = graded_needed(margin, variance=variance, alpha=alpha)
        kind = f"graded scores whose differences have the standard deviation {variance**0.5:.2g}"
    else:
        chance = power_of(margin, n, discordance=variance, alpha=alpha)
        enough = needed(margin, discordance=variance, alpha=alpha)
        kind = f"right or wrong, differing on {100 * variance:.3g} %"
    where = "" if rule.benchmark == name else f" on {name}"
    warning = ": too few instances to show much" if chance < LITTLE else ""
    yield (
        f"{rule.text}{where}: an equal model passes with a chance of {100 * chance:.0f} % on {n:,} instances "
        f"(80 % takes {enough:,}; {kind}, {how}){warning}"
    )


def _allowed(rule: Rule) -> float:
    """How much worse than the baseline a rule lets a model be."""
    return -rule.threshold if rule.comparison == ">=" else rule.threshold


def _span(rule: Rule, cell: Cell | None) -> float:
    """The length of the scale that a margin is on; 1 where it is not known before the run."""
    summary = cell.metrics.get(rule.metric or cell.main_metric) if cell else None
    if summary is None:
        return 1.0
    worst, best = summary["scale"]
    return abs(float(best - worst))
