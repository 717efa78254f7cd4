"""The language of gate rules, read and printed.

pubmed_qa.exact_match >= 0.70               point: the value itself
pubmed_qa.exact_match.lower >= 0.70         the lower end of the interval
pubmed_qa >= 0.70                           the benchmark's main metric
pubmed_qa >= baseline - 0.02                not worse than the baseline by 0.02 or more, on the same instances
pubmed_qa >= baseline + 0.02                better than the baseline by more than 0.02
clear[condition=homelessness] >= 0.60       one slice; quote a value that holds a bracket: [unit="a]b"]
clear[condition=*].exact_match >= 0.50      every value of a slice
clinical_decision_support.refused <= 0.05   every selected benchmark of a category or subcategory
*.request_error <= 0.01                     the share of a status, in every selected benchmark
*.p95_latency <= 20                         seconds, over first attempts that were really asked
cost <= 50                                  what the models' answers and their judging cost
*.must_pass >= 1                            every never-event was measured and held
aci_bench.jury_agreement.lower >= 0.40      how far judges agree with two clinicians an answer, at the least
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace

from pytest_medhelm.util.errors import ConfigError

ALPHA = 0.025
"""One-sided: the 95 % interval that is shown is the one that decides."""

COST = "cost"
"""The scope of a rule about money, which is the whole suite."""

LATENCIES = {"p50_latency": 0.5, "p95_latency": 0.95, "p99_latency": 0.99}
"""Quantiles, by the name that a rule has for them."""

BESIDE_METRICS = (*LATENCIES, COST, "must_pass", "jury_agreement")
"""What a rule may name that is neither a metric nor a status."""

NO_AGGREGATES = frozenset({"win_rate", "mean_win_rate", "macro_average", "category_average"})
"""They depend on which other models and benchmarks are there, so that no promotion may hang on them."""

_EXAMPLE = "a rule reads e.g. 'pubmed_qa.exact_match >= 0.70'"
_NAME = re.compile(r"\*|[a-z][a-z0-9_]*")
_METRIC = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_ -]*")
_VALUE = re.compile(r'"((?:[^"\\\n]|\\["\\])*)"|([^"\]\s](?:[^"\]\n]*[^"\]\s])?)')
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?![\w.])")
_OFFSET = re.compile(r"([+-])\s*([0-9]+(?:\.[0-9]+)?)(?![\w.])")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it was read."""

    benchmark: str
    """A benchmark, the slug of a category or subcategory, "*", or "cost"."""
    slice: tuple[str, str] | None
    """Key and value of a slice; the value "*" means each."""
    metric: str
    """Empty: the main metric."""
    bound: str
    """"lower", "upper", or empty for the value itself."""
    comparison: str
    threshold: float
    """The number that is compared with, or the margin to the baseline."""
    baseline: bool = False
    alpha: float = ALPHA
    """One-sided level of a bound or of a comparison with the baseline."""
    chances: int = 1
    """Among how many models and alternatives the level is shared."""
    why: str = ""
    """The reason that a gate file gives."""
    judges: int = 2
    """A jury's value counts with at least so many judges."""
    jury_agreement: float = 0.40
    """A jury's value counts where the lower bound of its agreement with clinicians is at least this."""
    validated: bool = False
    """Judges that nobody validated may decide too: the rule says so, with its reason."""
    text: str = field(default="", compare=False)
    """As the user wrote it."""

    def __str__(self) -> str:
        parts = [self.benchmark]
        if self.slice is not None:
            key, value = self.slice
            parts.append(f"[{key}={value if _is_bare(value) else _quoted(value)}]")
        parts += [f".{name}" for name in (self.metric, self.bound) if name]
        return f"{''.join(parts)} {self.comparison} {self._right()}"

    def _right(self) -> str:
        if not self.baseline:
            return _decimal(self.threshold)
        if not self.threshold:
            return "baseline"
        return f"baseline {'-' if self.threshold < 0 else '+'} {_decimal(abs(self.threshold))}"

    def met(self, value: float) -> bool:
        """The comparison holds for a value (or a difference), up to rounding errors of the last bit."""
        if self.comparison == ">=":
            return value >= self.threshold - 1e-12
        return value <= self.threshold + 1e-12


def parse_rule(text: str) -> Rule:
    """Read a rule. Raises ConfigError naming the column and what was expected there."""
    reader = _Reader(text)
    benchmark = reader.take(_NAME, "a benchmark, a category, *, or cost")
    reader.refuse_aggregate(benchmark)
    chosen = _read_slice(reader) if reader.follows("[") else None
    metric = bound = ""
    if reader.follows("."):
        metric = reader.take(_METRIC, "a metric after the dot", close=True)
        reader.refuse_aggregate(metric)
        if reader.follows("."):
            bound = reader.take(re.compile("lower|upper"), ".lower or .upper", close=True)
        elif metric in ("lower", "upper"):
            metric, bound = "", metric
    comparison = reader.take(re.compile(">=|<="), ">= or <=")
    threshold, baseline = _read_right(reader)
    reader.end()
    rule = Rule(benchmark, chosen, metric, bound, comparison, threshold, baseline, text=" ".join(text.split()))
    _check(rule, reader)
    return rule


def _read_slice(reader: _Reader) -> tuple[str, str]:
    key = reader.take(_KEY, "the name of a slice").strip()
    reader.expect("=")
    quoted, bare = reader.groups(_VALUE, "the slice's value")
    reader.expect("]")
    return key, bare if bare is not None else re.sub(r"\\(.)", r"\1", quoted or "")


def _read_right(reader: _Reader) -> tuple[float, bool]:
    expected = "a number, or baseline with a margin such as 'baseline - 0.02'"
    if reader.word("baseline"):
        if reader.at_end():
            return 0.0, True
        sign, margin = reader.groups(_OFFSET, "+ or - and a margin, such as '- 0.02'")
        return _finite(f"{sign}{margin}", reader), True
    return _finite(reader.take(_NUMBER, expected), reader), False


def _finite(digits: str, reader: _Reader) -> float:
    number = float(digits) + 0.0
    if not math.isfinite(number):
        raise reader.error("expected a smaller number", len(digits))
    return number


def _check(rule: Rule, reader: _Reader) -> None:
    if rule.benchmark == COST and (rule.slice or rule.metric or rule.bound or rule.baseline or rule.comparison == ">="):
        raise ConfigError(f"gate {reader.text!r}: a rule about money reads 'cost <= 50'")
    if rule.baseline and rule.bound:
        raise ConfigError(
            f"gate {reader.text!r}: a comparison with the baseline already uses the {rule.bound} end of its interval: "
            f"leave out .{rule.bound}"
        )
    if rule.slice and (rule.metric == COST or rule.metric.endswith("_latency")):
        raise ConfigError(f"gate {reader.text!r}: {rule.metric} is not known for each slice: leave out the brackets")
    if rule.bound and (rule.bound == "lower") != (rule.comparison == ">="):
        raise ConfigError(
            f"gate {reader.text!r}: a lower bound is compared with >= and an upper bound with <=, "
            "or else the rule passes where nothing is known"
        )
    if rule.metric == "must_pass" and str(replace(rule, benchmark="*", slice=None)) != "*.must_pass >= 1":
        raise ConfigError(
            f"gate {reader.text!r}: never-events know no tolerance: write '{rule.benchmark}.must_pass >= 1'"
        )


class _Reader:
    """A rule and the place up to which it is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._at = 0

    def error(self, message: str, back: int = 0) -> ConfigError:
        return ConfigError(f"gate {self.text!r}, column {self._at - back + 1}: {message}; {_EXAMPLE}")

    def refuse_aggregate(self, name: str) -> None:
        """Raises ConfigError for the name, just taken, of a value over several models or benchmarks."""
        if name in NO_AGGREGATES:
            raise self.error(
                f"{name} depends on which other models and benchmarks are there and decides nothing: "
                "name a benchmark's metric",
                len(name),
            )

    def groups(self, pattern: re.Pattern[str], expected: str) -> tuple[str | None, ...]:
        self._skip()
        match = pattern.match(self.text, self._at)
        if match is None:
            raise self.error(f"expected {expected}")
        self._at = match.end()
        return match.groups()

    def take(self, pattern: re.Pattern[str], expected: str, *, close: bool = False) -> str:
        """What the pattern finds here; ``close``: with no space before it."""
        if not close:
            self._skip()
        start = self._at
        match = pattern.match(self.text, start)
        if match is None:
            raise self.error(f"expected {expected}")
        self._at = match.end()
        return match.group()

    def follows(self, sign: str) -> bool:
        """The sign stands here, and is passed."""
        is_next = self.text.startswith(sign, self._at)
        self._at += len(sign) * is_next
        return is_next

    def word(self, word: str) -> bool:
        self._skip()
        match = re.compile(rf"{word}(?!\w)").match(self.text, self._at)
        self._at = match.end() if match else self._at
        return match is not None

    def expect(self, sign: str) -> None:
        self._skip()
        if not self.follows(sign):
            raise self.error(f"expected {sign}")

    def at_end(self) -> bool:
        self._skip()
        return self._at == len(self.text)

    def end(self) -> None:
        if not self.at_end():
            if re.match(r",[0-9]", self.text[self._at :]):
                raise self.error("a decimal number is written with a point, e.g. 0.5")
            raise self.error("expected nothing more")

    def _skip(self) -> None:
        while self._at < len(self.text) and self.text[self._at].isspace():
            self._at += 1


def _decimal(number: float) -> str:
    """Digits without an exponent, as the language has them."""
    return f"{number:.17f}".rstrip("0").rstrip(".") if "e" in f"{number!r}" else f"{number!r}".removesuffix(".0")


def _is_bare(value: str) -> bool:
    match = _VALUE.fullmatch(value)
    return match is not None and match.group(2) is not None


def _quoted(value: str) -> str:
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return f'"{escaped}"'
