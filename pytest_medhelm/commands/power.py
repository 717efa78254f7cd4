"""medhelm power: how many instances a comparison with a baseline takes, and what a number of them can show."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from pytest_medhelm.errors import ConfigError
from pytest_medhelm.gates.power import DISCORDANCE, LITTLE, needed, power_of

MARGINS = (0.01, 0.02, 0.03, 0.05, 0.10)
"""Shown beside the margin that was asked for."""


def run(arguments: argparse.Namespace) -> int:
    """Print the numbers. Raises ConfigError for a value out of range or a suite that does not tell the discordance."""
    discordance, source = _discordance(arguments)
    try:
        print("\n".join(_lines(arguments, discordance, source)))
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return 0


def _discordance(arguments: argparse.Namespace) -> tuple[float, str]:
    if arguments.baseline is None:
        if arguments.benchmark is not None:
            raise ConfigError("--benchmark needs the suite it is in: add --baseline=SUITE")
        if arguments.discordance is None:
            return DISCORDANCE, "assumed; measure it with --baseline=SUITE"
        return arguments.discordance, "given"
    if arguments.benchmark is None:
        raise ConfigError("--baseline needs a benchmark: add e.g. --benchmark=pubmed_qa")
    if arguments.discordance is not None:
        raise ConfigError("--discordance and --baseline both say how often models differ: leave one out")
    return _measured(arguments.baseline, arguments.benchmark)


def _measured(path: Path, benchmark: str) -> tuple[float, str]:
    """The variance of a difference between two candidates of a suite, the largest where it holds more than two."""
    from pytest_medhelm.gates.power_lines import FEWEST_PAIRS, measured
    from pytest_medhelm.leaderboard.stored import read_stored

    stored = read_stored(path)
    cells = [cell for cell in stored.cells if cell.benchmark == benchmark]
    if not cells:
        known = ", ".join(sorted({cell.benchmark for cell in stored.cells})) or "none"
        raise ConfigError(f"{path} has no benchmark {benchmark!r}; it has {known}")
    candidates = [cell for cell in cells if cell.model in stored.candidates]
    if any(cell.sample for cell in candidates):
        raise ConfigError(f"{benchmark} in {path} ran on sample data, which says nothing about how often models differ")
    found = measured(candidates)
    if found is None:
        raise ConfigError(
            f"{path} does not hold two models with at least {FEWEST_PAIRS} instances of {benchmark} in common: "
            "say how often models differ with --discordance=0.2"
        )
    return found.variance, f"measured on {found.pairs} instances, between {found.models}"


def _lines(arguments: argparse.Namespace, discordance: float, source: str) -> Iterator[str]:
    margin, alpha, power, n = arguments.margin, arguments.alpha, arguments.power, arguments.n
    enough = needed(margin, discordance=discordance, alpha=alpha, power=power)
    yield f"Rule: >= baseline - {margin:g}, one-sided alpha {alpha:g}."
    yield f"The two models differ on {100 * discordance:.3g} % of the instances ({source})."
    yield f"A model just as good as the baseline passes with a chance of {100 * power:g} % on {enough:,} instances."
    if n is not None:
        chance = power_of(margin, n, discordance=discordance, alpha=alpha)
        yield f"On {n:,} instances the chance is {100 * chance:.0f} %."
        if chance < LITTLE:
            yield "That is less than even: it would say more about the number of instances than about the model."
    yield f"A model that is worse by {margin:g} passes with a chance of at most about {100 * alpha:g} %."
    yield ""
    yield f"{'margin':>8}  {'instances needed':>16}" + (f"  {f'chance on {n:,}':>18}" if n is not None else "")
    for row in sorted({*MARGINS, margin}):
        line = f"{row:>8g}  {needed(row, discordance=discordance, alpha=alpha, power=power):>16,}"
        if n is not None:
            line += f"  {f'{100 * power_of(row, n, discordance=discordance, alpha=alpha):.0f} %':>18}"
        yield line
