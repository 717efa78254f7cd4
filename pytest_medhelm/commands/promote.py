"""medhelm promote: record that a model may be used, by whom it was asked for and approved, and until when."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pytest_medhelm.commands.gate import ledger_beside
from pytest_medhelm.errors import ConfigError
from pytest_medhelm.gates.against import read_baseline
from pytest_medhelm.gates.gate_file import Gate, is_gate_file, read_gate
from pytest_medhelm.leaderboard.aggregate import candidates_of
from pytest_medhelm.ledger.attempts import digests, finish
from pytest_medhelm.ledger.chain import Entry, append, read
from pytest_medhelm.reports.files import write_private
from pytest_medhelm.reports.model_card import card
from pytest_medhelm.reports.write import Outcome, conclude, print_reports
from pytest_medhelm.results.suite import Suite, open_suite

PROMOTION = "promotion"


def run(arguments: argparse.Namespace) -> int:
    """Judge the stored results once more and write the promotion to the ledger; 1 when it is refused.

    Raises ConfigError for what is missing or contradicts itself, DataError for a ledger that is not whole.
    """
    if not is_gate_file(arguments.gate):
        raise ConfigError(f"--gate={arguments.gate}: a promotion needs a gate file, e.g. --gate=gate.toml")
    gate = read_gate(Path(arguments.gate))
    with closing(open_suite(arguments.suite)) as suite:
        model = _model(suite, arguments.model)
        _check(arguments, model)
        ledger = arguments.ledger or ledger_beside(suite.folder)
        if not read(ledger):
            raise ConfigError(f"there is no ledger {ledger}: name the one of the runs with --ledger=FILE")
        outcome = _judge(suite, gate, arguments, ledger)
        refusal = _refusal(outcome, model, arguments.override)
        if refusal:
            raise ConfigError(f"{model} is not promoted: {refusal}")
        facts = _facts(suite, gate, outcome, model, arguments)
        entry = append(ledger, PROMOTION, facts)
        target = suite.folder / "model-card.md"
        write_private(target, card(outcome.leaderboard, model, facts))
    _print(entry, ledger, target)
    return 0


def _model(suite: Suite, named: str | None) -> str:
    there = candidates_of(suite.models())
    if named is None and len(there) == 1:
        return there[0]
    if named not in there:
        known = ", ".join(there) or "none"
        raise ConfigError(f"--model={named or '?'}: name the candidate to promote; the suite has {known}")
    return named


def _check(arguments: argparse.Namespace, model: str) -> None:
    names = [" ".join(name.split()).casefold() for name in (arguments.requested_by, arguments.approved_by)]
    if not all(names) or names[0] == names[1]:
        raise ConfigError("--requested-by and --approved-by must be two people: name somebody else as approver")
    if not arguments.intended_use.strip():
        raise ConfigError("--intended-use is empty: say what the model may be used for")
    try:
        expires = date.fromisoformat(arguments.expires)
    except ValueError:
        raise ConfigError(f"--expires={arguments.expires}: write a date as 2027-06-30") from None
    if expires <= datetime.now(UTC).date():
        raise ConfigError(f"--expires={arguments.expires} is not in the future: name a later date")
    if arguments.rollback in (model, ""):
        raise ConfigError("--rollback must name another model: the one to go back to")
    if arguments.override and not (arguments.reason or "").strip():
        raise ConfigError("--override needs --reason='...': it stands in the ledger and on the model card")
    if arguments.reason and not arguments.override:
        raise ConfigError("--reason goes with --override: add it, or leave the reason out")


def _judge(suite: Suite, gate: Gate, arguments: argparse.Namespace, ledger: Path) -> Outcome:
    """All candidates of the suite are put to the gate, so that Holm's correction counts them all."""
    against = read_baseline(arguments.baseline, arguments.baseline_model) if arguments.baseline else None
    candidates = candidates_of(suite.models())
    selected = {benchmark for benchmark, name in suite.cells() if name in candidates}
    outcome = conclude(suite, [gate], candidates, selected, baseline=against)
    newest = suite.run(suite.newest_run())["run"]
    problem = finish(ledger, outcome, candidates, [gate], newest, source="promote")
    print_reports(suite, outcome.leaderboard)
    if problem:
        raise ConfigError(f"nothing is promoted: {problem}")
    return outcome


def _refusal(outcome: Outcome, model: str, override: bool) -> str:
    mine = [result for result in outcome.gates if result.model == model]
    failed = [result for result in mine if result.verdict != "pass"]
    if not mine or failed:
        count = f"{len(failed)} of {len(mine)} rules do not pass" if mine else "no rule was judged for it"
        return f"{count}; an override does not change that"
    attempt = outcome.leaderboard["measurements"]["attempt"]
    if attempt["post_hoc"] and not override:
        late = "; ".join(said for said in attempt["gates"].values())
        return f"the gate file is not fixed beforehand ({late}); add --override --reason='...' to promote all the same"
    return ""


def _facts(suite: Suite, gate: Gate, outcome: Outcome, model: str, arguments: argparse.Namespace) -> dict[str, Any]:
    cells = [cell for cell in outcome.cells if cell.model == model]
    return {
        "model": model,
        "served": suite.models()[model]["served"],
        "fingerprint": _digest([suite.models()[model], [cell.provenance.get("model") for cell in cells]]),
        "suite": suite.folder.name,
        "gates": digests([gate]),
        "requested_by": arguments.requested_by,
        "approved_by": arguments.approved_by,
        "intended_use": arguments.intended_use,
        "expires": arguments.expires,
        "rollback": arguments.rollback,
        "override": bool(arguments.override),
        "reason": arguments.reason or "",
        "attempt": outcome.leaderboard["measurements"]["attempt"]["number"],
        "evidence": {
            "results": _digest(outcome.leaderboard["results"]),
            "manifest.json": hashlib.sha256((suite.folder / "manifest.json").read_bytes()).hexdigest(),
            "leaderboard.json": hashlib.sha256((suite.folder / "leaderboard.json").read_bytes()).hexdigest(),
        },
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _print(entry: Entry, ledger: Path, target: Path) -> None:
    facts: Mapping[str, Any] = entry.facts
    if facts["override"]:
        print(f"OVERRIDDEN: {facts['reason']}")
    print(
        f"promoted: {facts['model']} for {facts['intended_use']}, until {facts['expires']}; asked for by "
        f"{facts['requested_by']}, approved by {facts['approved_by']}; to go back to: {facts['rollback']}"
    )
    print(f"ledger: entry {entry.number} of {ledger}, hash {entry.hash}")
    print(f"model card: {target}")
