"""medhelm batch collect: the answers of a batch go into the suite whose requests they answer."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.escaping import visible

SUITE = Path("medhelm-results/default")
LISTED = 5
"""Reasons of errors that are shown."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("collect", help="store the answers of a batch, so that the next run finds them")
    action.add_argument("results", nargs="+", type=Path, help="files of results, and of errors, that the batch wrote")
    action.add_argument(
        "--suite", type=Path, default=SUITE, metavar="DIR", help=f"suite that wrote the batch (default: {SUITE})"
    )


def run(arguments: argparse.Namespace) -> int:
    """Store them and say what became of each. Raises ConfigError, with nothing stored, for files of anything else."""
    from pytest_medhelm.models.engine.batch_results import collect

    responses = arguments.suite / "responses.sqlite"
    if not responses.is_file():
        raise ConfigError(
            f"{arguments.suite} holds no responses.sqlite: name the suite that wrote the batch with --suite=DIR"
        )
    collected = collect(arguments.results, responses)
    print(
        f"{collected.stored:,} answers stored, {collected.failed:,} errors, {collected.known:,} answered before; "
        f"of all requests {collected.waiting:,} have no result and {collected.errors:,} an error"
    )
    for reason, count in collected.reasons.most_common(LISTED):
        print(f"  {count:,} x {visible(reason)}")
    if collected.waiting or collected.errors:
        print("the next run asks these again; with --medhelm-batch=FILE it writes them, and what judges are asked now")
    else:
        print("the next run finds them all; with --medhelm-batch=FILE it writes what judges are asked now")
    return 0
