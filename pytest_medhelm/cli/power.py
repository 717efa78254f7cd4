"""medhelm power: how many instances a comparison with a baseline takes, and what a number of them can show."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pytest_medhelm.gates.power import DISCORDANCE, LITTLE, graded_needed, graded_power_of, needed, power_of
from pytest_medhelm.util.errors import ConfigError

MARGINS = (0.01, 0.02, 0.03, 0.05, 0.10)
"""Shown next to the margin that was asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "--margin", type=float, default=0.02, metavar="M", help="how much worse is acceptable (default: 0.02)"
    )
    parser.add_argument(
        "--discordance", type=float, metavar="D", help="share of instances on which two models differ (default: 0.2)"
    )
    parser.add_argument("--power", type=float, default=0.8, metavar="P", help="chance that is wanted (default: 0.8)")
    parser.add_argument("--alpha", type=float, default=0.025, metavar="A", help="one-sided (default: 0.025)")
    parser.add_argument("--n", type=int, metavar="N", help="say as well what N instances can show")
    parser.add_argument("--baseline", type=Path, metavar="PATH", help="suite of two models: measure how they differ")
    parser.add_argument("--benchmark", metavar="NAME", help="of the suite, e.g. pubmed_qa")


def run(arguments: argparse.Namespace) -> int:
    """Print the numbers. Raises ConfigError for a value out of range or a suite that does not tell the discordance."""
    try:
        print("\n".join(_lines(arguments, _differing(arguments))))
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return 0


class Differing(NamedTuple):
    """How two models differ, as far as power depends on it."""

    text: str
    power_of: Callable[[float, int], float]
    """By margin and number of instances."""
    needed: Callable[[float], int]
    """By margin."""


def _differing(arguments: argparse.Namespace) -> Differing:
    if arguments.baseline is None:
        if arguments.benchmark is not None:
            raise ConfigError("--benchmark needs the suite it is in: add --baseline=SUITE")
        if arguments.discordance is None:
            return _on_share(arguments, DISCORDANCE, "assumed; measure it with --baseline=SUITE")
        return _on_share(arguments, arguments.discordance, "given")
    if arguments.benchmark is None:
        raise ConfigError("--baseline needs a benchmark: add e.g. --benchmark=pubmed_qa")
    if arguments.discordance is not None:
        raise ConfigError("--discordance and --baseline both say how often models differ: leave one out")
    return _measured(arguments)


def _on_share(arguments: argparse.Namespace, discordance: float, source: str) -> Differing:
    """Right or wrong scores."""
    return Differing(
        f"The two models differ on {100 * discordance:.3g} % of the instances ({source}).",
        partial(power_of, discordance=discordance, alpha=arguments.alpha),
        partial(needed, discordance=discordance, alpha=arguments.alpha, power=arguments.power),
    )


def _measured(arguments: argparse.Namespace) -> Differing:
    """Between the two candidates of a suite that differ most."""
    from pytest_medhelm.gates.power_lines import FEWEST_PAIRS, measured
    from pytest_medhelm.results.leaderboard.stored_results import read_stored

    path, benchmark = arguments.baseline, arguments.benchmark
    stored = read_stored(path)
    cells = [cell for cell in stored.cells if cell.benchmark == benchmark]
    if not cells:
        known = ", ".join(sorted({cell.benchmark for cell in stored.cells})) or "none"
        raise ConfigError(f"{path} has no benchmark {benchmark!r}; it has {known}")
    candidates = [cell for cell in cells if cell.model in stored.candidates]
    if any(cell.sample for cell in candidates):
        raise ConfigError(f"{benchmark} in {path} ran on sample data, which says nothing about how often models differ")
    differing = measured(candidates)
    if differing is None:
        raise ConfigError(
            f"{path} does not hold two models with at least {FEWEST_PAIRS} instances of {benchmark} in common: "
            "say how often models differ with --discordance=0.2"
        )
    source = f"measured on {differing.pairs} instances, between {differing.models}"
    if not differing.graded:
        return _on_share(arguments, differing.variance, source)
    deviation = differing.variance**0.5
    return Differing(
        f"The differences of the two models' scores have the standard deviation {deviation:.2g} ({source}).",
        partial(graded_power_of, variance=differing.variance, alpha=arguments.alpha),
        partial(graded_needed, variance=differing.variance, alpha=arguments.alpha, power=arguments.power),
    )


def _lines(arguments: argparse.Namespace, differing: Differing) -> Iterator[str]:
    margin, alpha, n = arguments.margin, arguments.alpha, arguments.n
    chance, enough = f"{100 * arguments.power:g} %", _count(differing.needed(margin))
    yield f"Rule: >= baseline - {margin:g}, one-sided alpha {alpha:g}."
    yield differing.text
    yield f"A model just as good as the baseline passes with a chance of {chance} on {enough}."
    if n is not None:
        power = differing.power_of(margin, n)
        yield f"On {_count(n)} the chance is {100 * power:.0f} %."
        if power < LITTLE:
            yield "That is less than even: it would say more about the number of instances than about the model."
    yield f"A model that is worse by {margin:g} passes with a chance of at most about {100 * alpha:g} %."
    yield ""
    yield f"{'margin':>8}  {'instances needed':>16}" + (f"  {f'chance on {n:,}':>18}" if n is not None else "")
    for row in sorted({*MARGINS, margin}):
        line = f"{row:>8g}  {differing.needed(row):>16,}"
        if n is not None:
            line += f"  {f'{100 * differing.power_of(row, n):.0f} %':>18}"
        yield line


def _count(n: int) -> str:
    return f"{n:,} instance{'s' if n != 1 else ''}"
