"""Simulated cells: do the limits of rules, and the intervals of the page, hold for every kind of cell?

Each setting has a true value; ``passes`` counts rules on a limit that pass a model just below their threshold,
``covered`` the intervals of the page that hold the true value (those that are not shown are counted apart).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pytest_medhelm.results.leaderboard.columns import Columns
from pytest_medhelm.results.leaderboard.measure import measures_of, outer_limits

Draw = Callable[[np.random.Generator], Columns]


class Setting(NamedTuple):
    """A kind of cell with a known true value of one metric."""

    name: str
    metric: str
    true: float
    draw: Draw


@dataclass
class Outcome:
    """Of many cells of one setting."""

    runs: int
    passes: int = 0
    """Lower limits above the true value."""
    fails: int = 0
    """Upper limits below it."""
    covered: int = 0
    shown: int = 0
    """Cells with an interval on the page."""


def simulate(setting: Setting, alpha: float, runs: int, seed: int = 13) -> Outcome:
    """Draw cells, and look at the limits at ``alpha`` and at the 95 % interval of the page."""
    generator = np.random.default_rng(seed)
    outcome = Outcome(runs)
    for _ in range(runs):
        columns = setting.draw(generator)
        names = sorted({name for name in columns.sub_tasks if name})
        metadata: Any = {"sub_tasks": names, "positive": "y", "label_count": 2}
        measure = measures_of(columns, metadata).get(setting.metric)
        if measure is None or measure.value() is None:
            continue
        limits, interval = outer_limits(measure, alpha), measure.interval(0.95)
        outcome.passes += limits is not None and limits.low > setting.true
        outcome.fails += limits is not None and limits.high < setting.true
        outcome.shown += interval is not None
        outcome.covered += interval is not None and interval.low <= setting.true <= interval.high
    return outcome


def settings() -> Iterator[Setting]:
    """The kinds of cells that the reviews asked for."""
    for share in (0.5, 0.9, 0.98):
        yield Setting(
            f"two sub-tasks of 450 and 50, true {share:g} each", "m", share, sub_tasks([(450, share), (50, share)])
        )
    yield Setting("sub-tasks of 450 at 0.95 and 50 at 0.5", "m", 0.725, sub_tasks([(450, 0.95), (50, 0.5)]))
    for sizes in ([250, 250], [450, 50], [20] * 5):
        for name, levels in GRADES.items():
            yield Setting(f"sub-tasks of {sizes}, {name}", "m", sum(g * p for g, p in levels), graded(sizes, levels))
    for share, gone in ((0.9, 0.05), (0.8, 0.15)):
        yield Setting(f"true {share:g}, {gone:g} missing", "m", share, shares(100, share, gone))
    for share in (0.0, 0.02, 0.1):
        yield Setting(f"harm in {share:g} of 100", "harm_severe", share, shares(100, share, 0.0, "harm_severe"))
    for positive in (0.01, 0.1, 0.5):
        yield Setting(f"recall 0.9, {positive:g} positive of 1,000", "recall", 0.9, labels(1_000, positive, 0.9, 0.05))
    for positive in (0.02, 0.2, 0.5):
        right, false = 0.9 * positive, 0.05 * (1 - positive)
        yield Setting(f"f1, {positive:g} positive of 200", "f1", 2 * right / (right + false + positive),
                      labels(200, positive, 0.9, 0.05))  # fmt: skip
    for n, positive in ((30, 0.05), (30, 0.5), (200, 0.1), (200, 0.5)):
        yield Setting(f"macro f1, {positive:g} positive of {n}", "macro_f1", _macro(positive, 0.9, 0.05),
                      labels(n, positive, 0.9, 0.05))  # fmt: skip
    for correlation in (0.1, 0.2, 0.5):
        for share in (0.7, 0.9):
            yield Setting(
                f"100 sources of 5, ICC {correlation:g}, true {share:g}",
                "m",
                share,
                sources(100, 5, correlation, share),
            )


def _columns(scores: list[float | None], metric: str = "m", **more: Any) -> Columns:
    names = [str(index) for index in range(len(scores))]
    return Columns(
        ids=names, clusters=more.get("clusters", names), sub_tasks=more.get("parts", [""] * len(names)),
        statuses=["request_error" if score is None else "ok" for score in scores],
        scores={metric: scores}, scales={metric: [1.0, 0.0] if metric.startswith("harm") else [0.0, 1.0]},
        labels=more.get("labels", [None] * len(names)), references=[""] * len(names),
    )  # fmt: skip


def sub_tasks(parts: list[tuple[int, float]]) -> Draw:
    """Sub-tasks of so many instances, each with its true share."""

    def draw(generator: np.random.Generator) -> Columns:
        scores = [float(right) for n, share in parts for right in generator.random(n) < share]
        names = [f"part {number}" for number, (n, _) in enumerate(parts) for _ in range(n)]
        return _columns([*scores], parts=names)

    return draw


GRADES = {
    "right or wrong at 0.995": ((0.0, 0.005), (1.0, 0.995)),
    "0.99 and 1 and a rare 0": ((0.0, 0.02), (0.99, 0.3), (1.0, 0.68)),
    "1 to 5, mostly 5": ((0.0, 0.02), (0.25, 0.03), (0.5, 0.05), (0.75, 0.2), (1.0, 0.7)),
}
"""Scores of 0..1 with the chance of each."""


def graded(sizes: Sequence[int], levels: Sequence[tuple[float, float]]) -> Draw:
    """Sub-tasks of so many instances, each with the same grades."""
    values, chances = zip(*levels, strict=True)

    def draw(generator: np.random.Generator) -> Columns:
        scores = [float(each) for each in generator.choice(values, size=sum(sizes), p=chances)]
        return _columns([*scores], parts=[f"part {number}" for number, n in enumerate(sizes) for _ in range(n)])

    return draw


def shares(n: int, share: float, gone: float, metric: str = "m") -> Draw:
    """Right or wrong, some missing whatever they would have been."""

    def draw(generator: np.random.Generator) -> Columns:
        scores, missing = generator.random(n) < share, generator.random(n) < gone
        return _columns([None if lost else float(right) for right, lost in zip(scores, missing, strict=True)], metric)

    return draw


def labels(n: int, positive: float, recall: float, alarms: float) -> Draw:
    """Two labels; so many of the positive ones are found, and so many of the others are called positive."""

    def draw(generator: np.random.Generator) -> Columns:
        gold = generator.random(n) < positive
        said = np.where(gold, generator.random(n) < recall, generator.random(n) < alarms)
        pairs = [("ny"[one], "ny"[two]) for one, two in zip(gold.tolist(), said.tolist(), strict=True)]
        return _columns([float(one == two) for one, two in pairs], labels=pairs)

    return draw


def _macro(positive: float, recall: float, alarms: float) -> float:
    true, false = positive * recall, (1 - positive) * alarms
    other, missed = (1 - positive) * (1 - alarms), positive * (1 - recall)
    return (2 * true / (2 * true + false + missed) + 2 * other / (2 * other + false + missed)) / 2


def sources(count: int, size: int, correlation: float, share: float) -> Draw:
    """Right or wrong; with the chance sqrt(ICC) an instance has the value of its source."""

    def draw(generator: np.random.Generator) -> Columns:
        common = np.repeat(generator.random(count) < share, size)
        own = generator.random(count * size) < share
        mixed = np.where(generator.random(count * size) < correlation**0.5, common, own)
        return _columns(
            [float(right) for right in mixed], clusters=[f"s{number}" for number in range(count) for _ in range(size)]
        )

    return draw
