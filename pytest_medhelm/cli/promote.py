"""medhelm promote: record that a model may be used, by whom it was asked for and approved, and until when."""

from __future__ import annotations

import argparse
import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

from pytest_medhelm.cli.gate import apart_from, ledger_beside
from pytest_medhelm.gates.baseline import Baseline, read_baseline
from pytest_medhelm.gates.gate_file import Gate, is_gate_file, read_gate
from pytest_medhelm.gates.ledger.attempts import FINISHED, STARTED, digests, finish, first_of
from pytest_medhelm.gates.ledger.chain import LedgerEntry, append, read
from pytest_medhelm.gates.ledger.facts import Promotion
from pytest_medhelm.gates.suite_outcome import Outcome, conclude
from pytest_medhelm.models.spec import CANDIDATE
from pytest_medhelm.reports.model_card import card
from pytest_medhelm.reports.write import print_reports
from pytest_medhelm.results.leaderboard.aggregate import candidates_of, rounded
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.escaping import visible
from pytest_medhelm.util.files import write_private
from pytest_medhelm.util.hashing import json_hash

PROMOTION = "promotion"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    for name, metavar, text in (
        ("gate", "FILE", "gate file that must pass; lock it before the run with 'medhelm gate lock'"),
        ("requested-by", "NAME", "who asks for it"),
        ("approved-by", "NAME", "who approves it; somebody else"),
        ("intended-use", "TEXT", "what the model may be used for"),
        ("expires", "YYYY-MM-DD", "until when"),
        ("rollback", "MODEL", "the model to go back to"),
    ):
        parser.add_argument(f"--{name}", required=True, metavar=metavar, help=text)
    parser.add_argument("--model", metavar="NAME", help="candidate to promote (default: the suite's only one)")
    parser.add_argument("--baseline", type=Path, metavar="PATH", help="suite or leaderboard.json to compare with")
    parser.add_argument("--baseline-model", metavar="NAME", help="which model of the baseline")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="ledger (default: ledger.jsonl next to the suite)")
    parser.add_argument("--override", action="store_true", help="promote although the gate file was not fixed before")
    parser.add_argument("--reason", metavar="TEXT", help="why; is kept in the ledger and on the model card")


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
        baseline = read_baseline(arguments.baseline, arguments.baseline_model) if arguments.baseline else None
        outcome = _judge(suite, gate, baseline, ledger)
        refusal = _failure(outcome, model)
        doubts = [*_post_hoc(outcome), *_unrecorded(suite, gate, read(ledger))]
        if not refusal and doubts and not arguments.override:
            refusal = f"{'; '.join(doubts)}; add --override --reason='...' to promote all the same"
        if refusal:
            raise ConfigError(f"{model} is not promoted: {refusal}")
        facts = _facts(suite, gate, outcome, model, arguments, doubts, baseline)
        entry = append(ledger, PROMOTION, facts)
        target = suite.folder / "model-card.md"
        write_private(target, card(outcome.leaderboard, model, facts))
    _print(facts, entry, ledger, target, overridden=arguments.override)
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
    names = [_letters(name) for name in (arguments.requested_by, arguments.approved_by)]
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
    if arguments.rollback.strip() in (model, ""):
        raise ConfigError("--rollback must name another model: the one to go back to")
    if arguments.override and not (arguments.reason or "").strip():
        raise ConfigError("--override needs --reason='...': it is kept in the ledger and on the model card")
    if arguments.reason and not arguments.override:
        raise ConfigError("--reason goes with --override: add it, or leave the reason out")


def _letters(name: str) -> str:
    """A name as it is compared: without case, spaces, full stops and what cannot be seen."""
    return "".join(character for character in unicodedata.normalize("NFKC", name).casefold() if character.isalnum())


def _judge(suite: Suite, gate: Gate, baseline: Baseline | None, ledger: Path) -> Outcome:
    """All candidates of the suite are put to the gate, so that Holm's correction counts them all."""
    candidates = apart_from(baseline, suite, candidates_of(suite.models()))
    selected = {benchmark for benchmark, name in suite.cells() if name in candidates}
    outcome = conclude(suite, [gate], candidates, selected, baseline=baseline)
    newest = suite.runs()[-1]["run"]
    problem = finish(ledger, outcome, candidates, [gate], newest, source="promote")
    print_reports(suite, outcome.leaderboard)
    if problem:
        raise ConfigError(f"nothing is promoted: {problem}")
    return outcome


def _failure(outcome: Outcome, model: str) -> str:
    """Why the model did not pass; no override changes that."""
    of_model = [result for result in outcome.gates if result.model == model]
    failed = [result for result in of_model if result.verdict != "pass"]
    if of_model and not failed:
        return ""
    count = f"{len(failed)} of {len(of_model)} rules do not pass" if of_model else "no rule was judged for it"
    return f"{count}; an override does not change that"


def _post_hoc(outcome: Outcome) -> Iterator[str]:
    attempt = outcome.leaderboard["measurements"]["attempt"]
    if attempt["post_hoc"]:
        yield f"the gate file is not fixed beforehand ({'; '.join(attempt['gates'].values())})"


def _unrecorded(suite: Suite, gate: Gate, entries: Sequence[LedgerEntry]) -> Iterator[str]:
    """Runs of a candidate that the ledger does not know: they may have been seen before the gate file was written.

    The parts of a merge may have run where this ledger is not; their own clocks must say that they began afterwards.
    """
    first = first_of(entries, gate.digest)
    known = {
        entry.facts["run"]
        for entry in entries
        if entry.kind == STARTED or (entry.kind == FINISHED and entry.facts["source"] == "run")
    }
    parts = {part for entry in entries for part in (*entry.facts.get("parts", ()), *entry.facts.get("runs", ()))}
    runs = [run for run in suite.runs() if any(model["kind"] == CANDIDATE for model in run["models"])]
    missing = [
        run
        for run in runs
        if run["run"] not in known and not (run["run"] in parts and first and run["started"] >= first.time)
    ]
    if missing:
        yield (
            f"{len(missing)} of {len(runs)} runs of the suite, the first of {missing[0]['started'][:10]}, are not in "
            "the ledger (if another has them, name it with --ledger=FILE)"
        )


def _facts(
    suite: Suite,
    gate: Gate,
    outcome: Outcome,
    model: str,
    arguments: argparse.Namespace,
    doubts: Sequence[str],
    baseline: Baseline | None,
) -> Promotion:
    cells = [cell for cell in outcome.cells if cell.model == model]
    return {
        "model": model,
        "served": suite.models()[model]["served"],
        "fingerprint": json_hash([suite.models()[model], [cell.provenance.get("model") for cell in cells]], 64),
        "suite": suite.folder.name,
        "gates": digests([gate]),
        "requested_by": arguments.requested_by,
        "approved_by": arguments.approved_by,
        "intended_use": arguments.intended_use,
        "expires": arguments.expires,
        "rollback": arguments.rollback,
        "override": bool(doubts),
        "overridden": list(doubts),
        "reason": arguments.reason if doubts else "",
        "attempt": outcome.leaderboard["measurements"]["attempt"]["number"],
        "baseline": baseline.model if baseline else "",
        "evidence": {
            "results": json_hash(outcome.leaderboard["results"], 64),
            "manifest.json": hashlib.sha256((suite.folder / "manifest.json").read_bytes()).hexdigest(),
            "leaderboard.json": hashlib.sha256((suite.folder / "leaderboard.json").read_bytes()).hexdigest(),
            **({"baseline": _scores_digest(baseline)} if baseline else {}),
        },
    }


def _scores_digest(baseline: Baseline) -> str:
    """Of what the candidate was compared with: scores and instances, alike from a suite and its leaderboard.json."""
    cells = [
        [
            name,
            cell.eval_set_hash,
            cell.instances,
            {metric: rounded(list(kept)) for metric, kept in cell.scores.items()},
        ]
        for name, cell in sorted(baseline.cells.items())
    ]
    return json_hash([baseline.model, cells], 64)


def _print(facts: Promotion, entry: LedgerEntry, ledger: Path, target: Path, *, overridden: bool) -> None:
    if facts["override"]:
        print(visible(f"OVERRIDDEN: {'; '.join(facts['overridden'])}; reason: {facts['reason']}"))
    elif overridden:
        print("there was nothing to override: the promotion is recorded without an override")
    print(
        visible(
            f"promoted: {facts['model']} for {facts['intended_use']}, until {facts['expires']}; asked for by "
            f"{facts['requested_by']}, approved by {facts['approved_by']}; to go back to: {facts['rollback']}"
        )
    )
    print(f"ledger: entry {entry.number} of {ledger}, hash {entry.hash}")
    print(f"model card: {target}")
