"""Rules that cannot mean what they say: a name that nothing has, a threshold that every value meets or none can, a
comparison that passes what is worse.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from pytest_medhelm.gates.gate_file import Gate, misspelt
from pytest_medhelm.gates.known import Known, Scale
from pytest_medhelm.gates.rule import COST, LATENCIES, Rule
from pytest_medhelm.scoring.response import STATUSES
from pytest_medhelm.util.errors import ConfigError

LISTED = 12
"""Metrics of a benchmark, or values of a slice, that a sentence names."""
_BELOW_NOTHING = "seconds and money are above 0, so that no value can meet it: write a larger number"


def problems(gate: Gate, known: Known) -> Iterator[str]:
    """One sentence for each rule, or stated benchmark, that cannot mean what it says."""
    for rule in gate.rules:
        yield from (f"gate {rule.text!r}: {problem}" for problem in _of_rule(rule, gate, known))
    for name, stated in gate.benchmarks.items():
        # What was written from a suite names its data; what somebody typed may be misspelt.
        if known.all_names and name not in known.names and not stated.keys() & {"data", "set"}:
            yield f"[benchmarks.{name}]: {_no_benchmark(name, known)}"


def require(gates: list[Gate], known: Known) -> None:
    """Raises ConfigError with the first problem of a rule."""
    for gate in gates:
        for problem in problems(gate, known):
            raise ConfigError(problem)


def _of_rule(rule: Rule, gate: Gate, known: Known) -> Iterator[str]:
    name = rule.benchmark
    if name == COST:
        if rule.threshold < 0:
            yield _BELOW_NOTHING
        return
    if name != "*" and name not in known.names:
        if known.all_names:
            yield _no_benchmark(name, known)
        return
    if name in known.own and name not in known.tasks and name not in known.scales:
        return
    wrong = misspelt(rule.metric, known.perturbations)
    if wrong and rule.metric not in known.all_metrics():
        yield wrong
        return
    there = known.in_scope(rule)
    unreadable = any(known.metrics_of(benchmark) is None and benchmark in known.tests for benchmark in there)
    if rule.metric and not unreadable and not known.is_metric(rule.metric):
        meant = _meant(rule.metric, _near(there, known))
        yield f"no benchmark records a metric {rule.metric!r}{meant}: 'medhelm tasks NAME' shows those of one"
        return
    for problem_of in (_no_metric, _no_slice, _no_never_event, _off_scale, _wrong_way):
        sentences = [problem_of(rule, benchmark, gate, known) for benchmark in there]
        # Which benchmarks of a category will be run nobody knows before the run: one on which it decides is enough.
        if sentences and (any(sentences) if known.scope is not None else all(sentences)):
            yield next(filter(None, sentences))
            return


def _no_benchmark(name: str, known: Known) -> str:
    meant = _meant(name, known.names)
    return f"there is no benchmark, category or subcategory {name!r}{meant}: 'medhelm tasks' lists all"


def _meant(name: str, names: Collection[str]) -> str:
    """The nearest name; one of the same words in another order is the nearest."""
    near = [other for other in sorted(names) if sorted(other.split("_")) == sorted(name.split("_"))]
    near += get_close_matches(name, sorted(names), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _near(there: Collection[str], known: Known) -> set[str]:
    """Metrics that somebody may have meant: of the one benchmark that is named, else all."""
    of_one = known.metrics_of(next(iter(there))) if len(there) == 1 else None
    return of_one or known.all_metrics()


def _no_metric(rule: Rule, benchmark: str, gate: Gate, known: Known) -> str:
    """Why a benchmark never has a metric; empty where it may have it."""
    if not rule.metric or known.has_metric(benchmark, rule.metric):
        return ""
    if rule.benchmark != benchmark and known.scope is not None:
        having = [name for name in known.in_scope(rule) if known.has_metric(name, rule.metric)]
        others = f"name those that have it, e.g. {having[0]}.{rule.metric}" if having else "name another metric"
        return f"{rule.benchmark!r} stands for {benchmark} too, which has no metric {rule.metric!r}: {others}"
    names = sorted(known.metrics_of(benchmark) or ())
    shown = ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")
    return f"{benchmark} has no metric {rule.metric!r}{_meant(rule.metric, names)}: name one of {shown}"


def _no_slice(rule: Rule, benchmark: str, gate: Gate, known: Known) -> str:
    """Why no instance of a benchmark is in a slice; empty where some are, or the instances are not known."""
    if rule.slice is None or benchmark not in known.instances:
        return ""
    slices, (key, value) = known.instances[benchmark].slices, rule.slice
    if key not in slices:
        there = f": name one of {', '.join(sorted(slices))}" if slices else ": leave out the brackets"
        return f"{benchmark} has no slice {key!r}{_meant(key, slices)}{there}"
    values = slices[key]
    if value in ("*", *values):
        return ""
    shown = ", ".join(sorted(values)[:LISTED]) + (", ..." if len(values) > LISTED else "")
    return f"the slice {key!r} of {benchmark} has no value {value!r}{_meant(value, values)}: name one of {shown}"


def _no_never_event(rule: Rule, benchmark: str, gate: Gate, known: Known) -> str:
    """Why a benchmark has no never-event; of a category those are meant that have some."""
    there = known.instances.get(benchmark)
    if rule.metric != "must_pass" or rule.benchmark != benchmark or there is None or there.never_events:
        return ""
    return f"{benchmark} has no never-event (no instance with must_pass): leave the rule out"


def _off_scale(rule: Rule, benchmark: str, gate: Gate, known: Known) -> str:
    """Why a threshold decides nothing on any scale that the metric may have; empty where it does, or none is known."""
    scales = known.scales_of(rule, benchmark)
    if rule.metric in (*LATENCIES, COST) and (rule.threshold < 0 or (rule.threshold == 0 and rule.metric != COST)):
        return _BELOW_NOTHING
    if rule.metric in (*LATENCIES, "must_pass") or not scales or not all(_is_idle(rule, scale) for scale in scales):
        return ""
    low, high = sorted(scales[0])
    if rule.baseline:
        return f"{benchmark} has values from {low:g} to {high:g}: a margin of {abs(rule.threshold):g} is all of it"
    every = rule.threshold <= low if rule.comparison == ">=" else rule.threshold >= high
    what = "every value meets it" if every else "no value can meet it"
    return f"{benchmark} has values from {low:g} to {high:g}, so that {what}: write a number between them"


def _is_idle(rule: Rule, scale: Scale) -> bool:
    low, high = sorted(scale)
    if rule.baseline:
        return abs(rule.threshold) >= high - low
    # The share of a status may be let be: that is how a rule tolerates it.
    whole = rule.metric in STATUSES and rule.threshold == high
    if rule.comparison == ">=":
        return rule.threshold <= low or rule.threshold > high
    return (rule.threshold >= high and not whole) or rule.threshold < low


def _wrong_way(rule: Rule, benchmark: str, gate: Gate, known: Known) -> str:
    """Why a rule passes what is worse; empty where it does not, where it is one end of a range, or nobody knows."""
    low_is_good = known.low_is_good(rule, benchmark)
    right = "<=" if low_is_good else ">="
    if low_is_good is None or rule.comparison == right:
        return ""
    if (other := _other_end(rule, right, gate)) is not None:
        low, high = sorted((rule, other), key=lambda end: end.comparison, reverse=True)
        return f"no value can meet it and {other.text!r} as well" if low.threshold > high.threshold else ""
    better, what = "lower" if low_is_good else "higher", rule.metric or known.main_metric(benchmark) or "value"
    return (
        f"a {better} {what} is better, so that this passes what is worse: write {right} (or, for a range, another rule "
        f"with {right} besides)"
    )


def _other_end(rule: Rule, right: str, gate: Gate) -> Rule | None:
    """Another rule that must pass and bounds the same on the other side: together they are a range.

    None for an alternative: it passes alone.
    """
    alone = [demand.alternatives[0] for demand in gate.demands if len(demand.alternatives) == 1]
    about = (rule.benchmark, rule.slice, rule.metric, rule.baseline, right)
    others = (
        other for other in alone
        if (other.benchmark, other.slice, other.metric, other.baseline, other.comparison) == about
    )  # fmt: skip
    return next(others, None) if any(rule is other for other in alone) else None
