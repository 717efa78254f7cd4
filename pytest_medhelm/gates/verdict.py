"""What a rule came to for one model and benchmark: a verdict and the one sentence that says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, cast

from pytest_medhelm.gates.meaning import figure, meaning_of
from pytest_medhelm.gates.rule import Rule
from pytest_medhelm.results.leaderboard.gate_entry import Basis, GateEntry
from pytest_medhelm.results.stats.limits import Limits

Verdict = Literal["pass", "fail", "inconclusive", "not evaluated"]
"""``fail``: shown to be worse; ``inconclusive``: not shown either way. Only ``pass`` is a pass."""

_FROM_BAD_TO_GOOD: tuple[Verdict, ...] = ("not evaluated", "fail", "inconclusive", "pass")


@dataclass(frozen=True, slots=True)
class GateResult:
    """A judged rule for one model and benchmark."""

    rule: str
    model: str
    benchmark: str
    value: float | None
    """The value, or the difference from the baseline."""
    low: float | None
    high: float | None
    threshold: float
    verdict: Verdict
    reason: str
    interval: str = "95 % interval"
    """What the two ends are."""
    why: str = ""
    """The reason that the gate file gives for the rule."""
    baseline: str = ""
    """The model that was compared with."""
    meaning: str = ""
    """What the verdict means, and what it does not."""
    basis: Basis | None = None
    """The numbers that it rests on; None where nothing was measured."""
    alternatives: int = 0
    """How many rules it stands for, of which one is enough; 0 for a rule of its own."""

    @property
    def name(self) -> str:
        """The rule, for whom and on what: the name of its test case."""
        return f"{self.rule} ({', '.join(filter(None, (self.model, self.benchmark)))})"

    def sentence(self) -> str:
        """The one sentence that the terminal, JUnit, JSON and HTML show."""
        if self.value is None and self.alternatives:
            value = f"none of {self.alternatives} alternatives shown"
        elif self.value is None:
            value = "no value"
        else:
            value = figure(self.value, self.threshold, sign="+" if self.baseline else "")
            value += f" against {self.baseline}" if self.baseline else ""
        interval = ""
        if self.low is not None and self.high is not None:
            ends = " to ".join(figure(end, self.threshold) for end in (self.low, self.high))
            interval = f" ({self.interval} {ends})"
        where = f" on {self.benchmark}" if self.benchmark else ""
        return f"{self.verdict}: {self.rule}: {self.model}{where} has {value}{interval}: {self.reason}"

    def as_json(self) -> GateEntry:
        """Plain values with the sentence."""
        plain = asdict(self) | {"sentence": self.sentence()}
        del plain["alternatives"]
        return cast(GateEntry, plain)


@dataclass(frozen=True, slots=True)
class Measured:
    """The number that a rule is about, and how far it is known."""

    value: float
    ends: tuple[float, float] | None = None
    """The smallest and the largest value that missing data leave possible; None: nothing is missing."""
    limits: Limits | None = None
    """Of what was measured."""
    outer: Limits | None = None
    """The lowest low and the highest high limit that missing data leave possible; None: the limits."""
    note: str = ""
    baseline: str = ""
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """Why there is no number, or none that may decide."""

    reason: str
    verdict: Verdict = "not evaluated"


def decide(
    rule: Rule, model: str, benchmark: str, measured: Measured | NotMeasured, doubt: str = "", judged: bool = False
) -> GateResult:
    """The verdict: a pass holds with all missing data at their worst, a fail with all at their best.

    With a ``doubt``, why judges may not be relied on here, nothing passes; ``judged``: the metric is made of verdicts.
    """
    if isinstance(measured, NotMeasured):
        return unread(rule, model, benchmark, measured.reason, measured.verdict)
    verdict, reason = _by_limits(rule, measured) if rule.bound or rule.baseline else _by_point(rule, measured)
    if doubt and verdict == "pass":
        verdict, reason = "inconclusive", doubt
    elif judged and rule.validated and verdict == "pass":
        reason = f"{reason}; judges that nobody validated, which the rule does not require: {rule.why}"
    low, high = (measured.limits.low, measured.limits.high) if measured.limits else (None, None)
    result = GateResult(
        rule.text, model, benchmark, measured.value, low, high, rule.threshold, verdict,
        "; ".join(filter(None, (reason, measured.note))), _named(measured.limits, rule.chances), rule.why,
        measured.baseline, basis=measured.basis,
    )  # fmt: skip
    said = doubt if verdict == "inconclusive" else ""
    return replace(result, meaning=meaning_of(rule, verdict, measured.baseline, measured.basis, judged, said))


def _named(limits: Limits | None, chances: int) -> str:
    """The level as it was asked for, and among how many it is shared."""
    if limits is None:
        return ""
    shared = f" shared among {chances} chances," if chances > 1 else ""
    return f"one-sided {100 * (1 - limits.alpha * chances):.6g} % bounds{shared} by {limits.name}"


def _by_point(rule: Rule, measured: Measured) -> tuple[Verdict, str]:
    low, high = measured.ends or (measured.value, measured.value)
    ends = " to ".join(figure(end, rule.threshold) for end in (low, high))
    reason = f"missing data leave {ends} possible" if low < high else "the value decides"
    checks = [rule.met(low), rule.met(high)]
    return "pass" if all(checks) else "inconclusive" if any(checks) else "fail", reason


def _by_limits(rule: Rule, difference: Measured) -> tuple[Verdict, str]:
    """One limit decides; a fail is shown only when the other one does not reach the threshold either."""
    outer = difference.outer or difference.limits
    if outer is None or difference.limits is None:
        return "not evaluated", "there is no interval"
    ends = (outer.low, outer.high)
    near, far = ends if rule.comparison == ">=" else ends[::-1]
    verdict: Verdict = "pass" if rule.met(near) else "inconclusive" if rule.met(far) else "fail"
    missing = ""
    measured = difference.limits.low if rule.comparison == ">=" else difference.limits.high
    if near != measured:
        missing = f", which missing data could bring to {figure(near, rule.threshold)}"
    return verdict, f"the {'lower' if rule.comparison == '>=' else 'upper'} end decides{missing}"


def unread(rule: Rule, model: str, benchmark: str, reason: str, verdict: Verdict = "not evaluated") -> GateResult:
    """A rule that nothing was measured for, or nothing that may decide."""
    return GateResult(
        rule.text, model, benchmark, None, None, None, rule.threshold, verdict, reason, "", rule.why,
        meaning=meaning_of(rule, verdict, "", None, False, reason),
    )  # fmt: skip


def any_of(text: str, model: str, results: Sequence[Sequence[GateResult]]) -> GateResult:
    """One result for alternatives, each with its results: the best of them counts."""
    verdicts = [worst_of(group) for group in results]
    best = max(verdicts, key=_FROM_BAD_TO_GOOD.index)
    benchmarks = sorted({result.benchmark for group in results for result in group})
    reason = "; ".join(result.sentence() for group in results for result in group)
    # A pass is that of one alternative; that there is none is said by all of them.
    telling = results[verdicts.index(best)] if best == "pass" else [result for group in results for result in group]
    meaning = f"One of {len(results)} alternatives is enough. {' '.join(result.meaning for result in telling)}"
    if best == "pass" and len(telling) == 1:
        return replace(telling[0], rule=text, benchmark=", ".join(benchmarks), reason=reason, meaning=meaning)
    return GateResult(
        text, model, ", ".join(benchmarks), None, None, None, results[0][0].threshold, best, reason, "",
        why=results[0][0].why, meaning=meaning, alternatives=len(results) if best != "pass" else 0,
    )  # fmt: skip


def worst_of(results: Sequence[GateResult]) -> Verdict:
    """What a model comes to when every result must be a pass."""
    return min((result.verdict for result in results), key=_FROM_BAD_TO_GOOD.index, default="not evaluated")
