"""What a suite comes to: its cells, the verdicts of the gates, and the leaderboard that reports show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_medhelm.models.engine.store import ResponseStore
from pytest_medhelm.results.leaderboard.aggregate import Cell, make_leaderboard, read_cells
from pytest_medhelm.results.leaderboard.document import CellMeasurements, Leaderboard
from pytest_medhelm.results.leaderboard.published import published_rows
from pytest_medhelm.results.leaderboard.spending import paid_by, with_payment
from pytest_medhelm.results.leaderboard.stored_results import earlier
from pytest_medhelm.results.store.manifest import shown, with_benchmarks
from pytest_medhelm.results.store.opening import is_writable, open_responses
from pytest_medhelm.results.store.run_manifest import RunManifest
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.files import write_json

if TYPE_CHECKING:
    from pytest_medhelm.gates.baseline import Baseline
    from pytest_medhelm.gates.gate_file import Gate
    from pytest_medhelm.gates.judge import Evidence
    from pytest_medhelm.gates.verdict import GateResult
    from pytest_medhelm.results.agreement.preference_entries import PreferenceSection
    from pytest_medhelm.results.store.ratings import Ratings


@dataclass(frozen=True)
class Outcome:
    """What a session came to."""

    cells: Sequence[Cell]
    gates: Sequence[GateResult]
    leaderboard: Leaderboard


def evidence_of(suite: Suite, selected: Collection[str], baseline: Baseline | None = None) -> Evidence:
    """What rules are judged on, read from a suite; ``selected``: the benchmarks that ``*`` stands for."""
    cells, measured, _ = read_cells(suite)
    return _evidence(suite, cells, measured, selected, baseline, _ratings(suite))


def _evidence(
    suite: Suite,
    cells: Sequence[Cell],
    measured: Mapping[str, CellMeasurements],
    selected: Collection[str],
    baseline: Baseline | None,
    ratings: Ratings | None,
) -> Evidence:
    # Where there are gates alone: judging them takes modules that most runs do not need.
    from pytest_medhelm.gates.judge import Evidence

    return Evidence(cells, measured, selected, suite.runs()[-1]["settings"], baseline, ratings)


def conclude(
    suite: Suite,
    gates: Sequence[Gate],
    models: Sequence[str],
    selected: Collection[str],
    stopped: str = "",
    *,
    baseline: Baseline | None = None,
    published: bool | None = None,
) -> Outcome:
    """Aggregate a suite, judge the gates and write manifest.json; what the reports show is in the outcome.

    No rule is judged of a run that was ``stopped`` before its end, for this reason. With ``published`` the paper's
    figures stand beside; None: where they did before.
    """
    suite.commit()
    cells, measured, spent = read_cells(suite)
    runs = suite.runs()
    ratings = _ratings(suite)
    results: list[GateResult] = []
    if gates:
        evidence = _evidence(suite, cells, measured, selected, baseline, ratings)
        results = _judged(gates, models, stopped, evidence)
    if published is None:
        before = earlier(suite.folder)
        published = before is not None and bool(before["results"]["published"])
    shown_beside = published_rows(cells) if published else None
    leaderboard = make_leaderboard(
        suite,
        cells,
        measured,
        with_payment(spent, *_paid_now(suite, runs)),
        [result.as_json() for result in results],
        shown_beside,
        _agreement(ratings),
        _preferences(suite),
    )
    if is_writable(suite.folder):
        latest = with_benchmarks(shown(runs[-1]), leaderboard["results"]["benchmarks"])
        manifest = {"runs": [*map(shown, runs[:-1])], "latest": latest, "last_record": suite.last_record()}
        write_json(suite.folder / "manifest.json", manifest)
    return Outcome(cells, results, leaderboard)


def _judged(gates: Sequence[Gate], models: Sequence[str], stopped: str, evidence: Evidence) -> list[GateResult]:
    from pytest_medhelm.gates.judge import judge, unjudged

    return [
        result
        for gate in gates
        for result in (unjudged(gate, models, stopped) if stopped else judge(gate, evidence, models))
    ]


def _ratings(suite: Suite) -> Ratings | None:
    """Of clinicians, with what judges said of the same answers; None where no clinician rated."""
    if not suite.annotations.ratings():
        return None
    from pytest_medhelm.results.store.ratings import suite_ratings

    return suite_ratings(suite)


def _agreement(ratings: Ratings | None) -> Mapping[str, object] | None:
    """How far judges and metrics agree with clinicians' ratings; None where there are none."""
    if not ratings:
        return None
    from pytest_medhelm.results.agreement.assessment import assess
    from pytest_medhelm.results.agreement.document import document

    return document(assess(ratings))


def _preferences(suite: Suite) -> PreferenceSection | None:
    """Which answers clinicians prefer; None where nobody was asked."""
    given = suite.annotations.preferences()
    if not given:
        return None
    from pytest_medhelm.results.agreement.preferences import Preference, assess_preferences

    return assess_preferences([Preference(*row) for row in given])


def _paid_now(suite: Suite, runs: Sequence[RunManifest]) -> tuple[str, float | None]:
    """The currency, which an import does not know and does not change, and what the newest run paid."""
    store = open_responses(suite.folder)
    try:
        currency, paid = paid_now(store, runs[-1])
        known = [str(run["settings"]["currency"]) for run in runs if "currency" in run["settings"]]
        return known[-1] if known else currency, paid
    finally:
        store.close()


def paid_now(store: ResponseStore, manifest: RunManifest) -> tuple[str, float | None]:
    """The currency, and what a run paid; None without prices."""
    prices = manifest.get("prices")
    return (
        str(manifest["settings"].get("currency", "USD")),
        paid_by(store.usages(manifest["run"]), prices) if prices else None,
    )
