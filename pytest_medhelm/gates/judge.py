"""From the rules of a gate and the cells of a suite to verdicts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_medhelm.gates.baseline import Baseline, compared_with_baseline
from pytest_medhelm.gates.evaluation_set import deviations
from pytest_medhelm.gates.gate_file import Gate
from pytest_medhelm.gates.jury_rules import agreement, doubt_about, is_judged
from pytest_medhelm.gates.known import SCOPES
from pytest_medhelm.gates.metric_value import measure, never_events_of, slice_of, slice_values, suite_cost
from pytest_medhelm.gates.rule import COST, Rule
from pytest_medhelm.gates.verdict import GateResult, NotMeasured, any_of, decide, unread, worst_of
from pytest_medhelm.results.leaderboard.cell import Cell
from pytest_medhelm.results.leaderboard.document import CellMeasurements
from pytest_medhelm.results.store.ratings import Ratings
from pytest_medhelm.tasks.metadata import BenchmarkMetadata
from pytest_medhelm.tasks.taxonomy import slug

if TYPE_CHECKING:
    from pytest_medhelm.results.agreement.validation import Validation


@dataclass(frozen=True)
class Evidence:
    """What rules are judged on."""

    cells: Sequence[Cell]
    measured: Mapping[str, CellMeasurements] = field(default_factory=dict)
    """The measurements of a cell by "<benchmark> <model>", as leaderboard.json has them."""
    selected: Collection[str] = ()
    """The benchmarks that ``*`` and categories stand for."""
    run: Mapping[str, object] = field(default_factory=dict)
    """Settings of the newest run."""
    baseline: Baseline | None = None
    ratings: Ratings | None = None
    """Of clinicians and judges, from which it follows whether the judges may decide."""

    def validation(self, benchmark: str, alpha: float) -> Validation | None:
        """How far the judges of a benchmark agree with clinicians, with limits at a one-sided level."""
        if self.ratings is None:
            return None
        from pytest_medhelm.results.agreement.validation import validated

        return validated(self.ratings, alpha).get(benchmark)


def judge(gate: Gate, evidence: Evidence, models: Sequence[str]) -> list[GateResult]:
    """Every demand for every model.

    All rules of a gate must pass, so each is judged at its own level and depends on no other. Several candidates
    put to one gate are several chances to pass: Holm's procedure (Scand. J. Stat. 6, 1979) shares the level.
    """
    judged: dict[str, list[GateResult]] = {}
    waiting = list(models)
    while waiting:
        judged |= {model: _judge_model(gate, evidence, model, len(waiting)) for model in waiting}
        passed = [model for model in waiting if worst_of(judged[model]) == "pass"]
        if not passed:
            break
        waiting = [model for model in waiting if model not in passed]
    return [result for model in models for result in judged[model]]


def unjudged(gate: Gate, models: Sequence[str], reason: str) -> list[GateResult]:
    """Every rule as not evaluated, for one reason."""
    return [unread(rule, model, rule.benchmark, reason) for rule in gate.rules for model in models]


def _judge_model(gate: Gate, evidence: Evidence, model: str, candidates: int) -> list[GateResult]:
    results: list[GateResult] = []
    for demand in gate.demands:
        share = candidates * len(demand.alternatives)
        groups = [[*_judge_rule(gate, _shared(rule, share), evidence, model)] for rule in demand.alternatives]
        results += groups[0] if len(groups) == 1 else [any_of(demand.text, model, groups)]
    return [*results, *_stated_only(gate, evidence, model)]


def _stated_only(gate: Gate, evidence: Evidence, model: str) -> Iterator[GateResult]:
    """The benchmarks that the gate file states, that no rule looks at, and that were not run as it states them."""
    cells = {cell.benchmark: cell for cell in evidence.cells if cell.model == model}
    judged = {
        name
        for rule in gate.rules
        if rule.metric != "must_pass" or rule.benchmark in cells
        for name in _benchmarks(rule.benchmark, gate, evidence, cells)
    }
    for name in sorted(gate.benchmarks.keys() - judged):
        refusal = _refusal(gate, cells.get(name), evidence)
        if refusal is not None:
            yield unread(Rule(name, None, "", "", ">=", 0.0, text=f"[benchmarks.{name}]"), model, name, refusal)


def _shared(rule: Rule, chances: int) -> Rule:
    """With several chances to pass, each gets its part of the level (Bonferroni, the first step of Holm)."""
    return replace(rule, alpha=rule.alpha / chances, chances=chances)


def _judge_rule(gate: Gate, rule: Rule, evidence: Evidence, model: str) -> Iterator[GateResult]:
    cells = {cell.benchmark: cell for cell in evidence.cells if cell.model == model}
    if rule.benchmark == COST:
        rows = [evidence.measured[f"{cell.benchmark} {model}"] for cell in cells.values()]
        yield decide(rule, model, "", suite_cost(rows) if rows else NotMeasured("it has no records"))
        return
    names = _benchmarks(rule.benchmark, gate, evidence, cells)
    if rule.metric == "must_pass" and rule.benchmark not in cells:
        names = [name for name in names if name not in cells or never_events_of(cells[name])]
    if not names:
        nothing = "no benchmark of this name or category was selected"
        if rule.metric == "must_pass":
            nothing = "no selected benchmark has a never-event (an instance with must_pass)"
        yield unread(rule, model, rule.benchmark, nothing)
    for name in names:
        cell = cells.get(name)
        refusal = _refusal(gate, cell, evidence)
        if refusal is not None:
            yield unread(rule, model, name, refusal)
        elif cell is not None:
            yield from _judge_cell(rule, cell, evidence)


def _benchmarks(scope: str, gate: Gate, evidence: Evidence, cells: Mapping[str, Cell]) -> list[str]:
    """The benchmarks that a rule is about: those of the run and those that the gate file demands."""
    if scope != "*" and (scope not in SCOPES or scope in cells):
        return [scope]
    there = sorted({*evidence.selected, *gate.benchmarks})
    return [name for name in there if name not in cells or scope == "*" or scope in _scopes_of(cells[name].metadata)]


def _scopes_of(facts: BenchmarkMetadata) -> set[str]:
    return {slug(facts["category"]), slug(facts["subcategory"])}


def _refusal(gate: Gate, cell: Cell | None, evidence: Evidence) -> str | None:
    """Why a benchmark cannot be judged at all, whatever the rule; None where it can."""
    if cell is None:
        return "it has no records; select it, or correct its name"
    if cell.sample:
        return "it ran on sample data; name real data with --medhelm-data"
    if cell.partial and cell.columns.incomplete:
        lacking = f"{cell.columns.incomplete} of {cell.size} instances lack some of their repeats or variants"
        return f"{lacking}: run the same again"
    if cell.partial:
        return f"only {sum(cell.statuses.values())} of {cell.size} instances have records"
    other = deviations(gate, cell, evidence.run)
    return f"the gate file does not describe this run: {'; '.join(other)}" if other else None


def _judge_cell(rule: Rule, cell: Cell, evidence: Evidence) -> Iterator[GateResult]:
    not_run = never_events_of(cell) - len(cell.columns.floors) if rule.metric == "must_pass" else 0
    if not_run:
        reason = f"{not_run} of {never_events_of(cell)} never-events were not run: type --medhelm-limit=all"
        yield unread(rule, cell.model, cell.benchmark, reason, "fail")
        return
    if rule.slice is None:
        yield _judged(rule, cell, cell.benchmark, evidence)
        return
    key, value = rule.slice
    for each in slice_values(cell, key) or [value] if value == "*" else [value]:
        part = slice_of(cell, key, each)
        name = f"{cell.benchmark}[{key}={each}]"
        if isinstance(part, NotMeasured):
            yield decide(rule, cell.model, name, part)
        else:
            yield _judged(rule, part, name, evidence)


def _judged(rule: Rule, cell: Cell, name: str, evidence: Evidence) -> GateResult:
    """The verdict on a cell, or on a slice of one."""
    if rule.metric == "jury_agreement":
        return decide(rule, cell.model, name, agreement(rule, evidence.validation(cell.benchmark, rule.alpha)))
    judged = is_judged(rule, cell)
    doubt = doubt_about(rule, cell, evidence.validation(cell.benchmark, rule.alpha)) if judged else ""
    if rule.baseline:
        measured = compared_with_baseline(rule, cell, evidence.baseline)
    else:
        measured = measure(rule, cell, evidence.measured.get(f"{cell.benchmark} {cell.model}"))
    return decide(rule, cell.model, name, measured, doubt, judged)
