"""Do 95 % intervals hold the truth? A simulation of every kind of figure that has one.

``python -m perf.coverage [RUNS]`` prints how often each interval holds the true value, and exits with 1 where that is
under 93 %. A row below that is run again, ten times as often with other draws, and judged by those runs, less two
Monte-Carlo errors.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial

import numpy as np

from perf.repeated import of_repeats
from perf.scenario import Draw, Floats, Limits, Scenario, mean_limits
from pytest_medhelm.results.stats.calibration import ece_limits
from pytest_medhelm.results.stats.discrimination import auroc, auroc_limits, selective_accuracy, selective_limits
from pytest_medhelm.results.stats.intervals import mean_interval
from pytest_medhelm.results.stats.losses import WORST_NLL, brier, log_loss
from pytest_medhelm.results.stats.paired import paired_interval

SIZES = (30, 100, 1000)
RUNS = 1_000
AGAIN = 10
SEED = 18
PROMISED = 0.93
_POPULATION = 400_000
"""Draws from which a true value is computed that has no formula."""


def coverage(scenario: Scenario, runs: int, seed: int = SEED) -> tuple[float, int]:
    """The share of intervals that hold the truth, and how many there were."""
    generator = np.random.default_rng(seed)
    truth = scenario.truth() if callable(scenario.truth) else scenario.truth
    held = [
        limits[0] - 1e-12 <= truth <= limits[1] + 1e-12
        for limits in (scenario.draw(generator) for _ in range(runs))
        if limits is not None
    ]
    return (sum(held) / len(held) if held else 1.0), len(held)


def scenarios(sizes: Sequence[int] = SIZES) -> Iterator[Scenario]:
    """Every kind of figure, at each number of instances."""
    for n in sizes:
        yield from _means(n)
        yield from of_repeats(n)
        yield from _differences(n)
        for kind in KINDS:
            yield from _confidences(n, kind)
    yield from _clustered()


# Means of scores

CEILING = (np.array([5.0, 14 / 3, 13 / 3, 3.0, 1.0]), np.array([0.93, 0.03, 0.02, 0.01, 0.01]))
"""Grades near the end of their scale, and how frequent each is."""


def _means(n: int) -> Iterator[Scenario]:
    for share in (0.02, 0.5, 0.98):
        yield Scenario(f"n {n}: binary, {share:g}", share, _binary(n, share))
    grades, weights = CEILING
    truth = float(grades @ weights)
    yield Scenario(
        f"n {n}: graded at the ceiling", truth, lambda g: mean_limits(g.choice(grades, n, p=weights), (1.0, 5.0))
    )
    shares = np.linspace(0.5, 0.98, 5)
    strata = [f"s{index % 5}" for index in range(n)]
    yield Scenario(
        f"n {n}: five sub-runs of right or wrong",
        float(shares.mean()),
        lambda g: mean_limits((g.random(n) < np.resize(shares, n)).astype(float), strata=strata),
    )
    yield Scenario(
        f"n {n}: five sub-runs, graded at the ceiling",
        truth,
        lambda g: mean_limits(g.choice(grades, n, p=weights), (1.0, 5.0), strata=strata),
    )


def _binary(n: int, share: float) -> Draw:
    return lambda generator: mean_limits((generator.random(n) < share).astype(float))


def _differences(n: int) -> Iterator[Scenario]:
    for worse, better, sides in ((0.01, 0.0, "only worse"), (0.0075, 0.0025, "both ways"), (0.005, 0.005, "equal")):
        yield Scenario(f"n {n}: paired, 1 % discordant, {sides}", better - worse, _paired(n, worse, better))


def _paired(n: int, worse: float, better: float) -> Draw:
    def draw(generator: np.random.Generator) -> Limits:
        counts = generator.multinomial(n, [worse, 1 - worse - better, better])
        interval = paired_interval(np.repeat([-1.0, 0.0, 1.0], counts).tolist(), None, span=1.0)
        return None if interval is None else (interval.low, interval.high)

    return draw


# Confidences

Sample = tuple[Floats, Floats]
"""How sure, and how probable a right answer is."""
KINDS: dict[str, Callable[[np.random.Generator, int], Sample]] = {
    "calibrated": lambda g, n: _as_said(g.beta(3.0, 1.5, n)),
    "too sure": lambda g, n: _flattened(g.beta(3.0, 1.5, n), 0.4),
    "nearly always right": lambda g, n: _as_said(g.beta(30.0, 1.5, n)),
    "of no use": lambda g, n: (g.beta(3.0, 1.5, n), np.full(n, 0.7)),
    "stated in tens": lambda g, n: _flattened(g.choice([0.6, 0.7, 0.8, 0.9, 1.0], n), 0.7),
}
"""Models, by how their confidence goes with being right."""


def _as_said(says: Floats) -> Sample:
    return says, says


def _flattened(says: Floats, slope: float) -> Sample:
    kept = np.clip(says, 0.001, 0.999)
    return says, 1 / (1 + (1 / kept - 1) ** slope)


def _confidences(n: int, kind: str) -> Iterator[Scenario]:
    for metric in FIGURES:
        yield Scenario(f"n {n}: {metric}, {kind}", partial(_truth, metric, kind), _figure_of(metric, n, kind))


def _figure_of(metric: str, n: int, kind: str) -> Draw:
    def draw(generator: np.random.Generator) -> Limits:
        says, true = KINDS[kind](generator, n)
        return FIGURES[metric](says.tolist(), (generator.random(n) < true).astype(float).tolist(), None)

    return draw


Measured = Callable[[Sequence[float], Sequence[float], "Sequence[str] | None"], Limits]


def _losses(loss: Callable[[float, float], float], worst: float) -> Measured:
    def limits(says: Sequence[float], came: Sequence[float], clusters: Sequence[str] | None) -> Limits:
        interval = mean_interval([*map(loss, says, came)], scale=(worst, 0.0), clusters=clusters)
        return None if interval is None else (interval.low, interval.high)

    return limits


FIGURES: dict[str, Measured] = {
    "brier": _losses(brier, 1.0),
    "nll": _losses(log_loss, WORST_NLL),
    "auroc": lambda says, came, clusters: auroc_limits(says, came, clusters, 0.95),
    "selective_accuracy": lambda says, came, clusters: selective_limits(says, came, clusters, 0.95),
    "ece": lambda says, came, clusters: ece_limits(says, came, clusters, 0.95),
    "ece_1": lambda says, came, clusters: ece_limits(says, came, clusters, 0.95, 1),
}


def _truth(metric: str, kind: str = "") -> float:
    """The true value of a metric for a kind of model, or for instances that share sources."""
    return (_truths(kind) if kind else _of_sources())[metric]


@cache
def _truths(kind: str) -> dict[str, float]:
    """The true values, from so many draws that their own error does not matter."""
    generator = np.random.default_rng(SEED)
    says, true = KINDS[kind](generator, _POPULATION)
    came = (generator.random(_POPULATION) < true).astype(float)
    kept = np.clip(says, 0.001, 0.999)
    parts = np.array_split(np.argsort(says, kind="stable"), 10)
    if np.unique(says).size < 50:
        parts = [np.flatnonzero(says == value) for value in np.unique(says)]
    area = auroc(says.tolist(), came.tolist())
    return {
        "brier": float((true * (1 - says) ** 2 + (1 - true) * says**2).mean()),
        "nll": float(-(true * np.log(kept) + (1 - true) * np.log(1 - kept)).mean()),
        "auroc": math.nan if area is None else area,
        "selective_accuracy": selective_accuracy(says.tolist(), true.tolist()),
        "ece": sum(abs(float((says[part] - true[part]).sum())) for part in parts) / _POPULATION,
        "ece_1": abs(float((says - true).mean())),
    }


# Sources that instances share


def _clustered() -> Iterator[Scenario]:
    """Ten instances of each source, correlated by 0.2: right with a share of its own, from a beta distribution."""
    for sources in (10, 100):
        names = np.repeat([f"c{number}" for number in range(sources)], 10).tolist()
        for share in (0.5, 0.8, 0.98):
            yield Scenario(f"{sources} sources of 10, ICC 0.2: binary, {share:g}", share, _correlated(names, share))
        for metric in ("brier", "auroc", "selective_accuracy", "ece"):
            yield Scenario(
                f"{sources} sources of 10, ICC 0.2: {metric}",
                partial(_truth, metric),
                _sources(names, metric),
            )


def _correlated(names: list[str], share: float) -> Draw:
    def draw(generator: np.random.Generator) -> Limits:
        shares = np.repeat(generator.beta(4 * share, 4 * (1 - share), len(names) // 10), 10)
        return mean_limits((generator.random(len(names)) < shares).astype(float), clusters=names)

    return draw


def _sources(names: list[str], metric: str) -> Draw:
    return lambda generator: FIGURES[metric](*_sure_of(generator, names), names)


def _sure_of(generator: np.random.Generator, names: Sequence[str]) -> tuple[list[float], list[float]]:
    """A source is easier or harder than the model thinks: its confidence says 0.55 or 0.85, the truth varies."""
    says = generator.choice([0.55, 0.85], len(names))
    moved = np.repeat(generator.beta(3.2, 0.8, len(names) // 10) / 0.8, 10)
    came = generator.random(len(names)) < np.minimum(1.0, says * moved)
    return says.tolist(), came.astype(float).tolist()


@cache
def _of_sources() -> dict[str, float]:
    """True values of ``_sure_of``: with two confidences all follows from the share of right answers at each."""
    generator = np.random.default_rng(SEED)
    moved = generator.beta(3.2, 0.8, _POPULATION) / 0.8
    low, high = (float(np.minimum(1.0, says * moved).mean()) for says in (0.55, 0.85))
    apart, tied = high * (1 - low), low * (1 - low) + high * (1 - high)
    return {
        "brier": sum(p * (1 - s) ** 2 + (1 - p) * s**2 for p, s in ((low, 0.55), (high, 0.85))) / 2,
        "auroc": (apart + tied / 2) / ((low + high) * (2 - low - high)),
        # Of a share x kept, up to a half is of the surer alone; then it is low + (high - low) / 2x.
        "selective_accuracy": (low + high) / 2 + (high - low) / 2 * math.log(2),
        "ece": (abs(low - 0.55) + abs(high - 0.85)) / 2,
    }


def judged(scenario: Scenario, runs: int) -> tuple[float, bool, str]:
    """The coverage, whether it is less than promised, and what was done to find out."""
    share, shown = coverage(scenario, runs)
    note = "" if shown == runs else f" (of {shown} that have one)"
    if share >= PROMISED or not shown:
        return share, False, note
    again, count = coverage(scenario, AGAIN * runs, SEED + 1)
    allowed = 2 * math.sqrt(PROMISED * (1 - PROMISED) / max(1, count))
    return again, again < PROMISED - allowed, f"{note} (first {share:.4f}, again of {count})"


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 where intervals hold the truth less often than promised."""
    runs = int(arguments[0]) if arguments else RUNS
    broken = 0
    print(f"95 % intervals, {runs} runs: at least {PROMISED:.0%} hold the truth")
    for scenario in scenarios():
        share, short, note = judged(scenario, runs)
        broken += short
        print(f"{share:.4f}{' BROKEN' if short else ''}  {scenario.name}{note}", flush=True)
    print(f"\n{broken} broken" if broken else "\nall as promised")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
