"""Random cells and rules: of every kind of score, with sub-tasks, shared sources, missing answers and baselines."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

KINDS = ("binary", "graded", "few_grades", "labels", "harm", "status", "baseline_binary", "baseline_graded")
LABELS = ("y", "n", "u")
ALPHAS = (0.005, 0.0125, 0.025, 0.05, 0.1)


@dataclass
class Case:
    """A cell with a rule, as plain values."""

    kind: str
    metric: str
    scores: list[float | None]
    base: list[float | None] = field(default_factory=list)
    """Scores of the baseline."""
    labels: list[tuple[str, str | None]] = field(default_factory=list)
    """Right label, and the predicted one: empty for none that is usable, None where the answer is missing."""
    sources: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    """Sub-tasks; empty without any."""
    scale: tuple[float, float] = (0.0, 1.0)
    """Worst and best."""
    bound: str = ""
    comparison: str = ">="
    threshold: float = 0.0
    alpha: float = 0.025

    @property
    def rule(self) -> str:
        name = f"b.{self.metric}" + (f".{self.bound}" if self.bound else "")
        if not self.kind.startswith("baseline"):
            return f"{name} {self.comparison} {self.threshold:.6f}"
        return f"{name} {self.comparison} baseline {'-' if self.threshold < 0 else '+'} {abs(self.threshold):.6f}"


def corpus(count: int, seed: int = 13) -> list[Case]:
    """The first ``count`` cases, always the same ones."""
    dice = random.Random(seed)
    return [_case(dice, KINDS[number % len(KINDS)]) for number in range(count)]


def _case(dice: random.Random, kind: str) -> Case:
    n = dice.choice([8, 12, 20, 30, 45, 60, 90, 140])
    case = Case(kind, "exact_match", [], alpha=dice.choice(ALPHAS))
    case.sources = _sources(dice, n)
    case.parts = [dice.choice("pqr"[: dice.choice([2, 3])]) for _ in range(n)] if dice.random() < 0.35 else []
    true = dice.choice([0.3, 0.6, 0.8, 0.9, 0.97, 1.0])
    gaps = set(dice.sample(range(n), dice.choice([0, 0, 1, 3, 8]) if n > 12 else 0))
    by_source = {source: _score(dice, kind, true) for source in set(case.sources)}
    sticky = dice.choice([0.0, 0.5, 0.9])
    drawn = [by_source[source] if dice.random() < sticky else _score(dice, kind, true) for source in case.sources]
    case.scores = [None if place in gaps else score for place, score in enumerate(drawn)]
    if kind == "labels":
        _label(dice, case, true)
    if kind == "harm":
        case.metric, case.scale = dice.choice(["harm_severe", "harm_moderate"]), (1.0, 0.0)
        case.scores = [None if score is None else 1.0 - score for score in case.scores]
    if kind == "status":
        case.metric, case.parts = "request_error", []
    if kind.startswith("baseline"):
        lost = set(dice.sample(range(n), dice.choice([0, 0, 1, 3])))
        same = dice.choice([0.5, 0.9, 1.0])
        case.base = [
            None if place in lost else drawn[place] if dice.random() < same else _score(dice, kind, true)
            for place in range(n)
        ]
    _rule(dice, case)
    return case


def _sources(dice: random.Random, n: int) -> list[str]:
    if dice.random() < 0.65:
        return [f"i{place}" for place in range(n)]
    many = max(3, n // dice.choice([2, 3, 5]))
    return [f"s{dice.randrange(many)}" for _ in range(n)]


def _score(dice: random.Random, kind: str, true: float) -> float:
    if kind in ("graded", "baseline_graded"):
        return round(dice.betavariate(4 * min(true, 0.99), 4 * (1 - min(true, 0.99))), 3)
    if kind == "few_grades":
        return dice.choice([0.0, 0.25, 0.5, 0.75, 1.0]) if dice.random() > true else 1.0
    return float(dice.random() < true)


def _label(dice: random.Random, case: Case, true: float) -> None:
    case.metric = dice.choice(["recall", "precision", "f1", "macro_f1", "micro_f1"])
    used = LABELS[: dice.choice([2, 3])]
    rare = dice.choice([0.1, 0.5])
    for score in case.scores:
        right = used[0] if dice.random() < rare else dice.choice(used[1:])
        said = right if dice.random() < true else dice.choice([*used, ""])
        case.labels.append((right, None if score is None else said))
    if not any(right == "y" or said == "y" for right, said in case.labels if said is not None):
        case.labels[0] = ("y", "y")
        case.scores[0] = 1.0
    case.scores = [None if said is None else float(right == said) for right, said in case.labels]


def _rule(dice: random.Random, case: Case) -> None:
    case.comparison = dice.choice([">=", "<="])
    if case.kind.startswith("baseline"):
        case.threshold = round(dice.uniform(-0.25, 0.15), 4)
        return
    if dice.random() < 0.75:
        case.bound = "lower" if case.comparison == ">=" else "upper"
    known = [score for score in case.scores if score is not None]
    middle = sum(known) / len(known) if known else 0.5
    if case.kind == "status":
        middle = case.scores.count(None) / len(case.scores)
    case.threshold = round(min(0.999, max(0.001, middle + dice.uniform(-0.3, 0.3))), 4)
