"""medhelm import-helm: results that HELM or MedHELM wrote, as a suite, beside what is run here."""

from __future__ import annotations

import argparse
from contextlib import closing

from pytest_medhelm.commands.report import write_again
from pytest_medhelm.engine.store import ResponseStore
from pytest_medhelm.errors import DataError
from pytest_medhelm.helm_import.into_suite import import_runs
from pytest_medhelm.helm_import.run_folder import run_folders
from pytest_medhelm.reports.plain import visible
from pytest_medhelm.results.suite import Suite

LISTED = 20
"""Runs that are left out by name."""


def run(arguments: argparse.Namespace) -> int:
    """Import; 0 when every run is in the suite, 1 when some are not. Raises DataError when none could be used."""
    folders = run_folders(arguments.runs)
    suite = Suite(arguments.suite)
    with closing(suite):
        with closing(ResponseStore(arguments.suite / "responses.sqlite")) as store:
            came = import_runs(folders, suite, store)
        for sentence in came.left_out[:LISTED]:
            print(f"left out: {visible(sentence)}")
        if len(came.left_out) > LISTED:
            print(f"left out: {len(came.left_out) - LISTED} more")
        if not came.cells:
            raise DataError(f"none of the {len(folders)} runs in {arguments.runs} could be imported")
        write_again(suite)
    perturbed = f"; {came.perturbed} perturbed copies passed over" if came.perturbed else ""
    print(
        f"imported from HELM: {came.records:,} records of {len(folders) - len(came.left_out)} of {len(folders)} runs, "
        f"{len(came.cells)} cells{perturbed}"
    )
    return 1 if came.left_out else 0
