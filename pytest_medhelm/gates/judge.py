"""Gates: rules that decide promotion.

    pubmed_qa.exact_match >= 0.70          point: the value itself
    pubmed_qa.exact_match.lower >= 0.70    the lower end of the 95 % interval
    pubmed_qa >= 0.70                      the benchmark's main metric
    *.request_error <= 0.01                the share of a status, in every benchmark

Verdicts: ``pass``; ``fail`` (shown to be worse); ``inconclusive`` (missing data could turn it, or the interval
holds the threshold); ``not evaluated`` (sample data, a partial evaluation set, no records). Only ``pass`` is a pass.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from pytest_medhelm.errors import ConfigError
from pytest_medhelm.response import STATUSES

if TYPE_CHECKING:
    from pytest_medhelm.leaderboard.aggregate import Cell

Verdict = Literal["pass", "fail", "inconclusive", "not evaluated"]

_PARTS = (
    ("a benchmark name or *", re.compile(r"\s*(\*|[a-z][a-z0-9_]*)")),
    ("a metric after the dot", re.compile(r"(?:\.([A-Za-z][A-Za-z0-9_-]*))?")),
    (".lower or .upper", re.compile(r"(?:\.(lower|upper))?")),
    (">= or <=", re.compile(r"\s*(>=|<=)")),
    ("a number", re.compile(r"\s*([+-]?\d+(?:\.\d+)?)(?![\w.])")),
    ("nothing more", re.compile(r"\s*$()")),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A parsed rule."""

    text: str
    benchmark: str
    metric: str
    """Empty: the main metric."""
    bound: str
    """"lower", "upper" or empty for the value itself."""
    comparison: str
    threshold: float

    def met(self, value: float) -> bool:
        """The comparison holds for a value, up to rounding errors of the last bit."""
        if self.comparison == ">=":
            return value >= self.threshold - 1e-12
        return value <= self.threshold + 1e-12


@dataclass(frozen=True, slots=True)
class GateResult:
    """A judged rule for one model and benchmark."""

    rule: str
    model: str
    benchmark: str
    value: float | None
    low: float | None
    high: float | None
    threshold: float
    verdict: Verdict
    reason: str
    interval: str = "95 % interval"
    """What the two ends are."""

    def sentence(self) -> str:
        """The one sentence that the terminal, JUnit, JSON and HTML show."""
        value = "no value" if self.value is None else f"{self.value:.3f}"
        interval = (
            "" if self.low is None or self.high is None else f" ({self.interval} {self.low:.3f} to {self.high:.3f})"
        )
        return f"{self.verdict}: {self.rule}: {self.model} on {self.benchmark} has {value}{interval}: {self.reason}"

    def as_json(self) -> dict[str, object]:
        """Plain values with the sentence."""
        return asdict(self) | {"sentence": self.sentence()}


def parse_rule(text: str) -> Rule:
    """Parse a rule. Raises ConfigError naming the column and what was expected there."""
    found, position = [], 0
    for expected, pattern in _PARTS:
        match = pattern.match(text, position)
        if match is None:
            column = position + len(text[position:]) - len(text[position:].lstrip()) + 1
            raise ConfigError(
                f"gate {text!r}, column {column}: expected {expected}; "
                "a rule reads e.g. 'pubmed_qa.exact_match >= 0.70'"
            )
        found.append(match.group(1) or "")
        position = match.end()
    benchmark, metric, bound, comparison, number, _ = found
    if metric in ("lower", "upper") and not bound:
        metric, bound = "", metric
    return Rule(text.strip(), benchmark, metric, bound, comparison, float(number))


def judge(
    rules: Sequence[Rule], cells: Sequence[Cell], models: Sequence[str], selected: Collection[str]
) -> list[GateResult]:
    """Judge every rule for every model on the suite's records; ``*`` stands for the selected benchmarks."""
    results = []
    for rule in rules:
        for model in models:
            mine = {cell.benchmark: cell for cell in cells if cell.model == model}
            names = sorted(selected) if rule.benchmark == "*" else [rule.benchmark]
            if not names:
                results.append(_not_evaluated(rule, model, "*", "no benchmark was selected"))
            results += [_judge_cell(rule, model, name, mine.get(name)) for name in names]
    return results


def unjudged(rules: Sequence[Rule], models: Sequence[str], reason: str) -> list[GateResult]:
    """Every rule as not evaluated, for one reason."""
    return [_not_evaluated(rule, model, rule.benchmark, reason) for rule in rules for model in models]


def _judge_cell(rule: Rule, model: str, name: str, cell: Cell | None) -> GateResult:
    if cell is None:
        return _not_evaluated(rule, model, name, "it has no records; select it, or correct its name")
    if cell.sample:
        return _not_evaluated(rule, model, name, "it ran on sample data; name real data with --medhelm-data")
    if cell.partial:
        measured = sum(cell.statuses.values())
        return _not_evaluated(rule, model, name, f"only {measured} of {cell.size} instances have records")
    metric = rule.metric or cell.main_metric
    if metric in STATUSES:
        share = cell.statuses.get(metric, 0) / cell.size
        verdict: Verdict = "pass" if rule.met(share) else "fail"
        return _result(rule, model, name, share, None, verdict, f"{cell.statuses.get(metric, 0)} of {cell.size}")
    summary = cell.metrics.get(metric)
    if summary is None and metric in cell.absent:
        return _not_evaluated(rule, model, name, f"metric {metric!r} is absent: {cell.absent[metric]['reason']}")
    if summary is None:
        known = ", ".join(sorted(cell.metrics))
        return _not_evaluated(rule, model, name, f"metric {metric!r} was not recorded; known are: {known}")
    if summary["value"] is None:
        return _not_evaluated(rule, model, name, summary["note"] or "nothing was measured")
    return _judge_metric(rule, model, name, summary)


def _judge_metric(rule: Rule, model: str, name: str, summary: Mapping[str, float]) -> GateResult:
    """A pass must hold with all missing data at their worst, a fail with all at their best."""
    ends = sorted((summary["worst"], summary["best"]))
    if not rule.bound:
        checks = [rule.met(end) for end in ends]
        asked = summary["missing"] + summary["n"]
        reason = f"{summary['missing']} of {asked} missing, bounds {ends[0]:.3f} to {ends[1]:.3f}"
    else:
        interval = sorted((summary["low"], summary["high"]))
        bound = interval[0] if rule.bound == "lower" else interval[1]
        other = interval[1] if rule.bound == "lower" else interval[0]
        # Missing data widen the interval by as much as they can move the value.
        down, up = ends[0] - summary["value"], ends[1] - summary["value"]
        checks = [
            rule.met(bound + min(0.0, down)),
            rule.met(bound + max(0.0, up)),
            rule.met(other + max(0.0, up)),
        ]
        reason = f"the {rule.bound} end decides"
    if all(checks):
        return _result(rule, model, name, summary["value"], summary, "pass", reason)
    if any(checks):
        return _result(rule, model, name, summary["value"], summary, "inconclusive", reason)
    return _result(rule, model, name, summary["value"], summary, "fail", reason)


def _result(
    rule: Rule,
    model: str,
    name: str,
    value: float,
    summary: Mapping[str, float] | None,
    verdict: Verdict,
    reason: str,
) -> GateResult:
    low, high = (summary["low"], summary["high"]) if summary else (None, None)
    kind = "one-sided 95 % bounds" if summary and "one_sided" in summary else "95 % interval"
    return GateResult(rule.text, model, name, value, low, high, rule.threshold, verdict, reason, kind)


def _not_evaluated(rule: Rule, model: str, name: str, reason: str) -> GateResult:
    return GateResult(rule.text, model, name, None, None, None, rule.threshold, "not evaluated", reason)
