"""Records go from test reports to the suite: once per session, in the only process or on the xdist controller."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_medhelm.models.roster import ROSTER, describe
from pytest_medhelm.plugin.options import SETTINGS
from pytest_medhelm.plugin.outcomes import ReportStatus
from pytest_medhelm.plugin.request_builder import REQUESTS
from pytest_medhelm.results.store.manifest import locations, make_manifest
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.scoring.record import Record
from pytest_medhelm.tasks.loading import where
from pytest_medhelm.util.errors import StoreFailed
from pytest_medhelm.util.sqlite import unusable

if TYPE_CHECKING:
    from pytest_medhelm.models.engine.parcels import Parcel


class SuiteWriter:
    """The suite of a session, opened with the first record."""

    def __init__(self, config: pytest.Config, run: str, folder: Path) -> None:
        self._config = config
        self._run = run
        self._folder = folder
        self.suite: Suite | None = None
        self.selected: set[str] = set()
        """Benchmarks that have a record."""
        self.rules: set[str] = set()
        """Gate rules that these benchmarks bring along."""

    def take(self, report: pytest.TestReport, session: pytest.Session | None) -> None:
        """Put the record of a report, if it has one, into the suite."""
        self.receive(report.__dict__.pop("medhelm_parcel", None))
        record: Record | None = getattr(report, "medhelm", None)
        if record is None or isinstance(record, ReportStatus):
            return
        self.selected.add(record["benchmark"])
        # With the first record of each process: what the benchmark itself demands.
        if metadata := record.get("benchmark_metadata"):
            self.rules.update(metadata["gates"])
        try:
            self._config.hook.pytest_medhelm_update_record(record=record)
        except Exception as error:
            # What it was to take out of the record must not be stored.
            raise StoreFailed(
                f"the hook pytest_medhelm_update_record ends with {where(error)}: fix it and type the same command, "
                "which asks nothing again"
            ) from None
        self.open(session).add(record)
        # pytest keeps every report until the end: of the record it still needs what the terminal shows.
        report.medhelm = ReportStatus(record["status"], record["scores"].get(record["main_metric"]))  # type: ignore[attr-defined]

    def receive(self, parcel: Parcel | None) -> None:
        """Put the texts that a worker sent, since it does not share this disk, into the suite. Raises StoreFailed."""
        if parcel:
            from pytest_medhelm.models.engine.parcels import unpack

            file = self._folder / "responses.sqlite"
            try:
                unpack(parcel, file)
            except sqlite3.Error as error:
                raise StoreFailed(unusable(file, error)) from None

    def open(self, session: pytest.Session | None) -> Suite:
        """The suite, with the manifest of this run in it."""
        if self.suite is None:
            settings, roster = self._config.stash[SETTINGS], self._config.stash[ROSTER]
            self.suite = Suite(self._folder)
            manifest = make_manifest(settings, roster, self._config.invocation_params.args, self._run)
            manifest["tests"] = session.testscollected if session else 0
            manifest["place"] = locations(self._config, settings, roster)
            self.suite.before_commit = self._flush_texts
            self.suite.begin(self._run, manifest, {model.name: describe(model) for model in roster.models})
        return self.suite

    def _flush_texts(self) -> None:
        requests = self._config.stash.get(REQUESTS, None)
        if requests is not None:
            requests.flush()

    def close(self) -> None:
        """Commit what is held back."""
        if self.suite is not None:
            self.suite.close()
