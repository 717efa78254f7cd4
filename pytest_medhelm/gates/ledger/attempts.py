"""Attempts: every evaluation of a candidate, however it ended, and whether a gate was fixed before its results were.

A session writes ``started`` before anything is asked and ``finished`` with what it came to, aborted where it was
interrupted; one that was killed has the first alone. ``medhelm gate apply`` and ``medhelm merge`` write ``finished``
alone: they ask nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_medhelm.gates.ledger.chain import LedgerEntry, append, read
from pytest_medhelm.gates.ledger.facts import Facts
from pytest_medhelm.results.leaderboard.document import AttemptStanding
from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.hashing import json_hash

if TYPE_CHECKING:
    from pytest_medhelm.gates.gate_file import Gate
    from pytest_medhelm.gates.suite_outcome import Outcome
    from pytest_medhelm.results.store.suite import Suite

STARTED, FINISHED, LOCKED = "started", "finished", "lock"
ABORTED, NOTHING = "aborted", "nothing asked"
"""How an evaluation ended that came to no verdict; others are complete or partial."""


class EvaluatedCell(NamedTuple):
    """What an evaluation holds of one benchmark and model."""

    benchmark: str
    model: str
    settings: Any
    """Of the model."""
    evaluation: str
    data: Any
    """Checksum by file."""
    sample: bool


@dataclass(frozen=True)
class AttemptHistory:
    """What the ledger says of an attempt that has just ended."""

    number: int
    """How many attempts there have been on this evaluation set, this one included."""
    models: int
    """By how many models."""
    since: str
    """Date of the first."""
    gates: Mapping[str, str]
    """By gate file: since when it is fixed, or that it is post hoc."""
    post_hoc: bool

    def as_json(self) -> AttemptStanding:
        """For leaderboard.json, under ``measurements``: it depends on what was run before."""
        return {
            "number": self.number,
            "models": self.models,
            "since": self.since,
            "gates": dict(self.gates),
            "post_hoc": self.post_hoc,
        }


def begin(path: Path, run: str, suite: str, models: Sequence[str], gates: Collection[Gate], cache: bool) -> str:
    """Write that an evaluation begins; returns why that could not be done, in a sentence, or nothing."""
    facts: Facts = {"run": run, "suite": suite, "models": sorted(models), "gates": digests(gates), "cache": cache}
    return _appended(path, STARTED, facts)


def _appended(path: Path, kind: str, facts: Facts) -> str:
    """Append; returns why that could not be done, in a sentence, or nothing."""
    try:
        append(path, kind, facts)
    except OSError as error:
        return f"the ledger {path} could not be written ({error.strerror}); this attempt is not in it"
    except DataError as error:
        return f"{error}; this attempt is not in it"
    return ""


def finish(
    path: Path,
    outcome: Outcome,
    models: Collection[str],
    gates: Collection[Gate],
    run: str,
    *,
    source: str,
    stopped: str = "",
    parts: Sequence[str] = (),
    runs: Sequence[str] = (),
) -> str:
    """Write that an evaluation ended, and where it stands into the leaderboard's measurements.

    ``source``: run, apply or merge; ``stopped``: why it did not come to its end; ``parts``: the runs whose records
    a merge united, which are one attempt with it; ``runs``: all that the united suites had. Returns as ``begin``.
    """
    cells = [cell for cell in outcome.cells if cell.model in models]
    if not cells:
        return ""
    measured = outcome.leaderboard["measurements"]["cells"]
    evaluated = [
        EvaluatedCell(cell.benchmark, cell.model, cell.provenance.get("model"), cell.eval_set_hash,
                      cell.provenance.get("data"), cell.sample)
        for cell in cells
    ]  # fmt: skip
    facts = _facts_of(run, outcome.leaderboard["suite"], evaluated, gates) | {
        "source": source,
        "parts": sorted(parts),
        "runs": sorted(runs),
        "verdicts": dict(sorted(Counter(result.verdict for result in outcome.gates).items())),
        "ended": ABORTED if stopped else "partial" if any(cell.partial for cell in cells) else "complete",
        "asked": sum(measured[f"{cell.benchmark} {cell.model}"]["asked"] for cell in cells),
    }
    problem = _appended(path, FINISHED, facts)
    if problem:
        return problem
    try:
        history = attempt_history(read(path), gates, run)
    except DataError as error:
        return f"{error}; this attempt is in it, and where it stands cannot be said"
    outcome.leaderboard["measurements"]["attempt"] = history.as_json()
    return ""


def cut_off(
    path: Path,
    run: str,
    folder: Path,
    suite: Suite | None,
    models: Collection[str],
    gates: Collection[Gate],
    asked: bool,
) -> str:
    """Write that an evaluation was interrupted, and on what: or that nothing was asked in it, and so it is none.

    ``suite``: the records that it came to, if any; ``asked``: there are answers of it. Where there are some without a
    record nobody knows on what, and ``started`` stands alone as for one that was killed. Returns as ``begin``.
    """
    evaluated = [] if suite is None else [*_evaluated_cells(suite, models)]
    if not evaluated and asked:
        return ""
    facts = _facts_of(run, folder.name, evaluated, gates) | {
        "source": "run",
        "parts": [],
        "runs": [],
        "verdicts": {},
        "ended": ABORTED if evaluated else NOTHING,
    }
    return _appended(path, FINISHED, facts)


def _evaluated_cells(suite: Suite, models: Collection[str]) -> Iterator[EvaluatedCell]:
    suite.commit()
    for benchmark, model in suite.cells():
        if model in models:
            evaluation, key = suite.newest(benchmark, model)
            data = suite.benchmark(benchmark, evaluation)["data"]
            inputs = suite.fingerprint_inputs(key)
            settings = inputs and inputs["model"]
            yield EvaluatedCell(benchmark, model, settings, evaluation, data["sha256"], data["origin"] == "sample")


def _facts_of(run: str, suite: str, evaluated: Sequence[EvaluatedCell], gates: Collection[Gate]) -> Facts:
    """What an evaluation was about: no value, instance or text is in it."""
    cells = sorted(evaluated, key=lambda cell: cell.model)
    return {
        "run": run,
        "suite": suite,
        "models": {cell.model: json_hash(cell.settings) for cell in cells},
        "evaluation": {cell.benchmark: cell.evaluation for cell in cells},
        "data": {cell.benchmark: json_hash(cell.data) for cell in cells},
        "sample": any(cell.sample for cell in cells),
        "gates": digests(gates),
        "version": version("pytest-medhelm"),
    }


def attempt_history(entries: Sequence[LedgerEntry], gates: Collection[Gate], run: str) -> AttemptHistory:
    """Where the attempt of a run, which has just been finished, stands among all."""
    this = next(entry for entry in reversed(entries) if entry.kind == FINISHED and entry.facts["run"] == run)
    others = [entry for entry in _attempts(entries) if _same_set(entry, this)] or [this]
    models = {model for entry in others for model in entry.facts["models"]}
    files = digests([gate for gate in gates if gate.path is not None])
    said_and_late = {
        name: fixed(entries, digest, this.facts["data"], this.facts["models"]) for name, digest in files.items()
    }
    return AttemptHistory(
        number=len(others),
        models=len(models),
        since=min(entry.time for entry in others)[:10],
        gates={name: said for name, (said, _) in said_and_late.items()},
        post_hoc=any(late for _, late in said_and_late.values()),
    )


def fixed(
    entries: Sequence[LedgerEntry], digest: str, data: Mapping[str, str], models: Collection[str]
) -> tuple[str, bool]:
    """Since when a gate file is fixed, in words, and whether it is post hoc.

    It is post hoc when, before its content first stood in the ledger, results on the same data (``data``: hash by
    benchmark) were there that could have shaped it: those judged by any gate, or those of one of these ``models``.
    Results of other models without a gate, such as the model in use, do not count: margins are set from them. What a
    run that never ended was about, nobody wrote down: it counts as one on the same data.
    """
    first = first_of(entries, digest)
    if first is None:
        return "not in the ledger", True
    said = f"locked {first.time[:10]}" if first.kind == LOCKED else f"first used {first.time[:10]}, never locked"
    ended = {entry.facts["run"] for entry in entries if entry.kind == FINISHED}
    for entry in entries[: entries.index(first)]:
        facts = entry.facts
        if entry.kind not in (STARTED, FINISHED):
            continue
        if not facts["gates"] and not set(models) & set(facts["models"]):
            continue
        if entry.kind == FINISHED and any(facts["data"].get(name) == sha256 for name, sha256 in data.items()):
            return f"post hoc: {said}, after results of {entry.time[:10]} on the same data", True
        if entry.kind == STARTED and facts["run"] not in ended:
            return f"post hoc: {said}, after a run of {entry.time[:10]} that was cut off, on whatever data", True
    return said, False


def late(path: Path, gate: Gate, number: int) -> str:
    """What is to be said of a file that has just been locked, by the entry of this number; empty where all is well.

    Results on the data that it states, or on any where it states none, were there before.
    """
    data = {name: json_hash(stated["data"]) for name, stated in gate.benchmarks.items() if "data" in stated}
    for entry in read(path):
        facts = entry.facts
        if entry.number >= number or entry.kind != FINISHED:
            continue
        if (not data and facts["data"]) or any(facts["data"].get(name) == sha256 for name, sha256 in data.items()):
            return (
                f"it is post hoc already: results of {entry.time[:10]} on the same data are in the ledger, and every "
                "verdict by this file will say so; lock a file before the run"
            )
    return ""


def first_of(entries: Sequence[LedgerEntry], digest: str) -> LedgerEntry | None:
    """The entry that fixed a gate file: the first that names its content."""
    return next((entry for entry in entries if digest in entry.facts.get("gates", {}).values()), None)


def sentences(attempt: AttemptStanding) -> list[str]:
    """What the reports say of ``measurements.attempt``."""
    models = f"{attempt['models']} model{'s' if attempt['models'] != 1 else ''}"
    counted = f"attempt {attempt['number']} on this evaluation set, by {models}, since {attempt['since']}"
    return [counted, *(f"gate file {name}: {said}" for name, said in attempt["gates"].items())]


def digests(gates: Collection[Gate]) -> dict[str, str]:
    """Digest of each gate by the name of its file, or "rules" for those of the command line or of a benchmark."""
    by_name: dict[str, str] = {}
    for gate in gates:
        name = gate.path.name if gate.path else "rules"
        digest = gate.digest or json_hash([rule.text for rule in gate.rules])
        by_name[name if by_name.get(name, digest) == digest else f"{name} {digest[:8]}"] = digest
    return by_name


def _attempts(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Each evaluation once, as it ended last, or as started where that is all there is of it.

    Judging stored results again is no further attempt, nor is a run that asked nothing; the parts of a merge are one
    with it.
    """
    by_run: dict[str, LedgerEntry] = {}
    for entry in entries:
        for part in entry.facts.get("parts", ()):
            by_run.pop(part, None)
        if entry.kind == FINISHED or (entry.kind == STARTED and entry.facts["run"] not in by_run):
            by_run[entry.facts["run"]] = entry
    # Everything was read from the store: the same answers again.
    idle = {
        entry.facts["run"]
        for entry in entries
        if entry.kind == FINISHED and entry.facts.get("source") == "run" and entry.facts.get("asked") == 0
    }
    return [entry for run, entry in by_run.items() if run not in idle]


def _same_set(entry: LedgerEntry, other: LedgerEntry) -> bool:
    """One that was killed counts where it had the same gate: what it was evaluated on, nobody wrote down. One that was
    aborted counts too where it had come to a part of the set."""
    facts, others = entry.facts, other.facts
    if entry.kind == STARTED or facts["ended"] == ABORTED:
        part = facts.get("evaluation", {}).items() & others["evaluation"].items()
        return bool(part or set(facts["gates"].values()) & set(others["gates"].values()))
    return bool(facts["evaluation"] == others["evaluation"])
