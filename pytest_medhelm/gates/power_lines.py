"""What each comparison with a baseline can show, said before the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import pvariance

from pytest_medhelm.gates.gate_file import Gate
from pytest_medhelm.gates.power import DISCORDANCE, ENOUGH, LITTLE, needed, power_of
from pytest_medhelm.leaderboard.cell import Cell
from pytest_medhelm.leaderboard.paired import pairs_of


def variance_of(first: Cell, second: Cell) -> tuple[float, int]:
    """The variance of a difference on the scale 0..1, for right or wrong the discordance, and the number of pairs.

    (0, 0) where the two share no instance or were not measured by the same metric.
    """
    metric = first.main_metric
    if metric != second.main_metric or metric not in first.metrics or metric not in second.metrics:
        return 0.0, 0
    worst, best = first.metrics[metric]["scale"]
    differences = [difference / (best - worst) for _, difference in pairs_of(first, second, metric)]
    # About 0: of two models that are equally good, as power assumes.
    return (pvariance(differences, 0.0), len(differences)) if differences else (0.0, 0)


def power_lines(gate: Gate, sizes: Mapping[str, int]) -> Iterator[str]:
    """One line for each rule ``>= baseline - margin`` and benchmark it names; ``sizes``: instances by benchmark.

    The discordance is taken as 0.2. ``*`` and categories are left out, as are scales that are not known before a run.
    """
    for rule in gate.rules:
        margin = -rule.threshold
        n = sizes.get(rule.benchmark)
        if not rule.baseline or rule.comparison != ">=" or not 0 < margin <= 1 or rule.slice or not n:
            continue
        chance = power_of(margin, n, alpha=rule.alpha)
        warning = ": too few instances to show much" if chance < LITTLE else ""
        yield (
            f"{rule.text}: an equal model passes with a chance of {100 * chance:.0f} % on {n:,} instances "
            f"(80 % takes {needed(margin, alpha=rule.alpha, power=ENOUGH):,}; right or wrong, "
            f"differing on {100 * DISCORDANCE:g} %){warning}"
        )
