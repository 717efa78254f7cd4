"""Do gates keep their promise? A simulation of models exactly as much worse as a rule still forbids.

``python -m perf.gates [RUNS]`` prints, for each kind of score, how often a rule passes such a model, and exits with 1
where that is more than alpha and two Monte-Carlo errors. The limits are those that gates use.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from perf.gate_cells import settings, simulate
from perf.paired_size import scan
from pytest_medhelm.gates.power import power_of
from pytest_medhelm.results.stats.exact_limits import share_limits
from pytest_medhelm.results.stats.intervals import mean_interval
from pytest_medhelm.results.stats.paired_limits import difference_limits, exact_limits

SIZES = (100, 500)
ALPHAS = (0.025, 0.05)
DISCORDANCES = (0.01, 0.02, 0.05, 0.2)
RUNS = 2_000
AGAIN = 10
"""Times as many runs judge a row that exceeds its limit: of 200 true rows about five do so by chance."""
SEED = 6

Floats = npt.NDArray[np.float64]
Sample = tuple[Floats, "npt.NDArray[np.intp] | None"]
"""Paired differences (or scores) and the cluster of each; None: every instance stands alone."""


@dataclass(frozen=True)
class Scenario:
    """A model whose true difference, or mean, is exactly the threshold of the rule."""

    name: str
    threshold: float
    draw: Callable[[np.random.Generator], Sample]
    against: bool = True
    """Compared with a baseline; else the lower bound of a score."""


def error_rate(scenario: Scenario, alpha: float, runs: int, seed: int = SEED) -> float:
    """How often the rule passes, 0 to 1: its type I error."""
    generator = np.random.default_rng(seed)
    passes = 0
    for _ in range(runs):
        passes += lower_limit(*scenario.draw(generator), alpha, against=scenario.against) >= scenario.threshold
    return passes / runs


def tolerated(alpha: float, runs: int) -> float:
    """Alpha and two Monte-Carlo errors."""
    return alpha + 2 * math.sqrt(alpha * (1 - alpha) / runs)


def lower_limit(values: Floats, clusters: npt.NDArray[np.intp] | None, alpha: float, *, against: bool) -> float:
    """The limit that decides, as gates compute it."""
    if against and clusters is None and set(np.unique(values)) <= {-1.0, 0.0, 1.0}:
        return _of_counts(int((values > 0).sum()), int((values < 0).sum()), values.size, alpha)
    if against:
        names = None if clusters is None else clusters.tolist()
        return difference_limits(values.tolist(), names, None, span=1.0, alpha=alpha).low
    labels = None if clusters is None else list(map(str, clusters.tolist()))
    if set(np.unique(values)) <= {0.0, 1.0}:
        return (
            _of_share(int(values.sum()), values.size, alpha)
            if labels is None
            else share_limits(values.tolist(), labels, alpha)[0]
        )
    interval = mean_interval(values.tolist(), scale=(0.0, 1.0), clusters=labels, confidence=1 - 2 * alpha)
    assert interval is not None
    return interval.low


@cache
def _of_share(right: int, n: int, alpha: float) -> float:
    return share_limits([1.0] * right + [0.0] * (n - right), None, alpha)[0]


@cache
def _of_counts(better: int, worse: int, n: int, alpha: float) -> float:
    return exact_limits(better, worse, n, alpha)[0]


def scenarios(n: int) -> Iterator[Scenario]:
    """Every kind of score, at n instances."""
    for discordance in DISCORDANCES:
        for margin in sorted({discordance, discordance / 2, min(0.02, discordance), min(0.05, discordance)}):
            sides = "only worse" if margin == discordance else "both ways"
            yield Scenario(
                f"binary, discordance {discordance:g} {sides}, margin {margin:g}",
                -margin,
                binary(n, discordance, margin),
            )
    for spread, margin in ((0.05, 0.02), (0.3, 0.02), (0.3, 0.1)):
        yield Scenario(f"graded, sd {spread:g}, margin {margin:g}", -margin, graded(n, spread, margin))
    for share, margin in ((0.02, 0.01), (0.05, 0.02), (0.2, 0.05)):
        yield Scenario(f"graded, {share:g} differ by fifths, margin {margin:g}", -margin, ties(n, share, margin))
    for share in (0.02, 0.05, 0.2):
        yield Scenario(f"graded, {share:g} lost entirely, else noise", -share, skewed(n, share))
    for correlation in (0.1, 0.5, 0.9):
        for discordance, margin in ((0.01, 0.01), (0.02, 0.02), (0.05, 0.05), (0.2, 0.05)):
            yield Scenario(
                f"clustered, ICC {correlation:g}, discordance {discordance:g}, margin {margin:g}",
                -margin,
                clustered(n, correlation, discordance, margin),
            )
        yield Scenario(
            f"clustered graded, ICC {correlation:g}, margin 0.05", -0.05, clustered_graded(n, correlation, 0.05)
        )
    for share in (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99):
        yield Scenario(f"lower bound, binary, true {share:g}", share, share_of(n, share), against=False)
    for correlation in (0.1, 0.5):
        for share in (0.5, 0.8, 0.9, 0.95):
            yield Scenario(
                f"lower bound, binary clustered, ICC {correlation:g}, true {share:g}",
                share,
                clustered_share(n, correlation, share),
                against=False,
            )
    for discordance, margin in ((0.05, 0.02), (0.2, 0.05)):
        yield Scenario(
            f"5 % missing, discordance {discordance:g}, margin {margin:g}",
            -margin,
            with_missing(binary(n, discordance, margin)),
        )
    for mean in (0.5, 0.9, 0.98):
        yield Scenario(f"lower bound, graded, true {mean:g}", mean, beta(n, mean), against=False)


def binary(n: int, discordance: float, margin: float) -> Callable[[np.random.Generator], Sample]:
    """Right or wrong: worse in (discordance + margin) / 2 of the instances."""
    shares = [(discordance + margin) / 2, 1 - discordance, (discordance - margin) / 2]

    def draw(generator: np.random.Generator) -> Sample:
        counts = generator.multinomial(n, shares)
        return np.repeat([-1.0, 0.0, 1.0], counts), None

    return draw


def graded(n: int, spread: float, margin: float) -> Callable[[np.random.Generator], Sample]:
    """Differences symmetric about -margin, bounded."""
    half = spread * math.sqrt(3)
    return lambda generator: (generator.uniform(-margin - half, -margin + half, n), None)


def ties(n: int, share: float, margin: float) -> Callable[[np.random.Generator], Sample]:
    """Most are equal; the others differ by 0.2 to 1 in fifths, more often downwards."""
    steps = np.array([0.2, 0.4, 0.6, 0.8, 1.0])
    down = (margin / (share * float(steps.mean())) + 1) / 2

    def draw(generator: np.random.Generator) -> Sample:
        sizes = generator.choice(steps, n) * np.where(generator.random(n) < down, -1.0, 1.0)
        return np.where(generator.random(n) < share, sizes, 0.0), None

    return draw


def skewed(n: int, share: float) -> Callable[[np.random.Generator], Sample]:
    """A few answers fail altogether, the others differ by a little noise of mean 0."""

    def draw(generator: np.random.Generator) -> Sample:
        noise = generator.uniform(-0.02, 0.02, n)
        return np.where(generator.random(n) < share, -1.0, noise), None

    return draw


def _groups(generator: np.random.Generator, n: int) -> npt.NDArray[np.intp]:
    """Clusters of 2 to 10 instances."""
    sizes = generator.integers(2, 11, n)
    return np.repeat(np.arange(n), sizes)[:n]


def clustered(n: int, correlation: float, discordance: float, margin: float) -> Callable[[np.random.Generator], Sample]:
    """Right or wrong; with the chance sqrt(ICC) an instance has the value of its cluster."""
    shares = [(discordance + margin) / 2, 1 - discordance, (discordance - margin) / 2]

    def draw(generator: np.random.Generator) -> Sample:
        groups = _groups(generator, n)
        common = generator.choice([-1.0, 0.0, 1.0], n, p=shares)[groups]
        own = generator.choice([-1.0, 0.0, 1.0], n, p=shares)
        return np.where(generator.random(n) < math.sqrt(correlation), common, own), groups

    return draw


def clustered_graded(n: int, correlation: float, margin: float) -> Callable[[np.random.Generator], Sample]:
    """Graded differences of standard deviation 0.2 that share a part with their cluster."""

    def draw(generator: np.random.Generator) -> Sample:
        groups = _groups(generator, n)
        common, own = generator.uniform(-1, 1, n)[groups], generator.uniform(-1, 1, n)
        mixed = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own
        return 0.2 * math.sqrt(3) * mixed - margin, groups

    return draw


def share_of(n: int, share: float) -> Callable[[np.random.Generator], Sample]:
    """Right or wrong scores of one model."""
    return lambda generator: ((generator.random(n) < share).astype(float), None)


def clustered_share(n: int, correlation: float, share: float) -> Callable[[np.random.Generator], Sample]:
    """Right or wrong scores of one model; with the chance sqrt(ICC) an instance has the value of its cluster."""

    def draw(generator: np.random.Generator) -> Sample:
        groups = _groups(generator, n)
        common = (generator.random(n) < share)[groups]
        own = generator.random(n) < share
        return np.where(generator.random(n) < math.sqrt(correlation), common, own).astype(float), groups

    return draw


def with_missing(draw: Callable[[np.random.Generator], Sample]) -> Callable[[np.random.Generator], Sample]:
    """5 % of the candidate's scores are missing: gates count each as wrong, so lost where the baseline was right."""

    def drawn(generator: np.random.Generator) -> Sample:
        values, clusters = draw(generator)
        right = (values < 0) | ((values == 0) & (generator.random(values.size) < 0.7))
        missing = generator.random(values.size) < 0.05
        return np.where(missing, -right.astype(float), values), clusters

    return drawn


def beta(n: int, mean: float) -> Callable[[np.random.Generator], Sample]:
    """Graded scores of one model, piled up near the end where the mean is."""
    return lambda generator: (generator.beta(4 * mean, 4 * (1 - mean), n), None)


def power_gap(n: int, margin: float, discordance: float, alpha: float, runs: int) -> tuple[float, float]:
    """The promised chance that an equal model passes ``>= baseline - margin``, and the simulated one."""
    generator = np.random.default_rng(SEED)
    draw = binary(n, discordance, 0.0)
    passes = sum(lower_limit(*draw(generator), alpha, against=True) >= -margin for _ in range(runs))
    return power_of(margin, n, discordance=discordance, alpha=alpha), passes / runs


POWERS: Sequence[tuple[int, float, float, float]] = (
    (3_925, 0.02, 0.2, 0.025),
    (3_092, 0.02, 0.2, 0.05),
    (500, 0.05, 0.2, 0.025),
    (1_000, 0.03, 0.2, 0.05),
    (1_000, 0.02, 0.05, 0.05),
    (500, 0.02, 0.02, 0.025),
    (100, 0.05, 0.02, 0.025),
    (100, 0.02, 0.01, 0.025),
)
"""n, margin, discordance, alpha."""


def _exact_sizes() -> int:
    """Comparisons with a baseline by exact sums, at the worst discordance; how many are above alpha."""
    broken = 0
    for alpha in ALPHAS:
        print(f"\nexact size of a comparison with a baseline at alpha {alpha:g}: n, margin, size, discordance")
        for n, margin, size, discordance in scan(alpha):
            over = size > alpha + 1e-9
            broken += over
            print(f"{size:.4f}{' BROKEN' if over else ''}  n {n}, margin {margin:g}, discordance {discordance:.4f}")
    return broken


def _cells(runs: int) -> int:
    """Rules on a limit, and the intervals of the page, of every kind of cell; how many do not hold."""
    broken = 0
    for alpha in ALPHAS:
        most = tolerated(alpha, runs)
        print(f"\ncells at alpha {alpha:g}: passes, fails (at most {most:.4f}), covered of those shown")
        for setting in settings():
            outcome = simulate(setting, alpha, runs)
            wrong = max(outcome.passes, outcome.fails) / runs > most
            covered = outcome.covered / outcome.shown if outcome.shown else 1.0
            thin = covered < 0.93 - 2 * math.sqrt(0.93 * 0.07 / max(1, outcome.shown))
            broken += wrong or thin
            print(
                f"{outcome.passes / runs:.4f} {outcome.fails / runs:.4f} {covered:.3f} of {outcome.shown}"
                f"{' BROKEN' if wrong or thin else ''}  {setting.name}",
                flush=True,
            )
    return broken


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 when a rule passes too many truly worse models or power is not as promised."""
    runs = int(arguments[0]) if arguments else RUNS
    broken = 0
    for alpha in ALPHAS:
        most = tolerated(alpha, runs)
        print(f"\none-sided alpha {alpha:g}, {runs} runs: at most {most:.4f}; a row above it is run again,")
        print(f"{AGAIN} times as often with other draws, judged by those: at most alpha and two smaller errors")
        for n in SIZES:
            for scenario in scenarios(n):
                rate, limit, note = error_rate(scenario, alpha, runs), most, ""
                if rate > most:
                    again = AGAIN * runs
                    note = f" (first {rate:.4f}; {again} runs: at most {tolerated(alpha, again):.4f})"
                    rate, limit = error_rate(scenario, alpha, again, SEED + 1), tolerated(alpha, again)
                broken += rate > limit
                print(f"{rate:.4f}{' BROKEN' if rate > limit else ''}  n {n}: {scenario.name}{note}", flush=True)
    broken += _exact_sizes() + _cells(runs)
    print("\npower: promised, simulated")
    for n, margin, discordance, alpha in POWERS:
        promised, power = power_gap(n, margin, discordance, alpha, runs)
        error = 2 * math.sqrt(promised * (1 - promised) / runs) + 0.01
        broken += abs(power - promised) > error
        print(f"{promised:.3f} {power:.3f}  n {n}, margin {margin}, discordance {discordance}, alpha {alpha}")
    print(f"\n{broken} broken" if broken else "\nall as promised")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
