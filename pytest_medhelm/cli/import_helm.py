"""medhelm import-helm: results that HELM or MedHELM wrote, as a suite, next to what is run here."""

from __future__ import annotations

import argparse
import sqlite3
from contextlib import closing
from pathlib import Path

from pytest_medhelm.cli.report import write_again
from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.results.helm_import.into_suite import import_runs, usable_runs
from pytest_medhelm.results.helm_import.run_folder import run_folders
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.escaping import visible

LISTED = 20
"""Runs that are left out by name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "runs", type=Path, metavar="RUNS", help="benchmark_output/runs/SUITE of HELM, or one run folder in it"
    )
    parser.add_argument(
        "--suite",
        type=Path,
        default=Path("medhelm-results/helm"),
        metavar="DIR",
        help="suite to add them to; may hold results already (default: medhelm-results/helm)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Import; 0 when every run is in the suite, 1 when some are not. Raises DataError when none could be used."""
    folders = run_folders(arguments.runs)
    usable = usable_runs(folders)
    for sentence in usable.left_out[:LISTED]:
        print(f"left out: {visible(sentence)}", flush=True)
    if len(usable.left_out) > LISTED:
        print(f"left out: {len(usable.left_out) - LISTED} more", flush=True)
    if not usable.folders:
        raise DataError(f"none of the {len(folders)} runs in {arguments.runs} could be imported")
    with closing(_suite(arguments.suite)) as suite:
        with closing(ResponseStore(arguments.suite / "responses.sqlite")) as store:
            summary = import_runs(usable, suite, store)
        write_again(suite)
    perturbed = f"; {summary.perturbed} perturbed copies passed over" if summary.perturbed else ""
    print(
        f"imported from HELM: {summary.records:,} records of {len(folders) - len(usable.left_out)} of {len(folders)} "
        f"runs, {len(usable.folders)} cell{'s' if len(usable.folders) != 1 else ''}{perturbed}"
    )
    return 1 if usable.left_out else 0


def _suite(folder: Path) -> Suite:
    try:
        return Suite(folder)
    except (OSError, sqlite3.Error) as error:
        raise DataError(
            f"no suite can be made in {folder} ({type(error).__name__}): name a folder with --suite"
        ) from None
