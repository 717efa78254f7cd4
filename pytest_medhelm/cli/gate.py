"""medhelm gate: check a gate file without a run, apply one to stored results, write one to start from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from pytest_medhelm.cli import gate_explain
from pytest_medhelm.cli.arguments import LEDGER, add_judging
from pytest_medhelm.cli.gate_known import known_of, scales_in
from pytest_medhelm.cli.gate_lock import lock
from pytest_medhelm.gates.baseline import Baseline, read_baseline
from pytest_medhelm.gates.check import problems, require
from pytest_medhelm.gates.gate_file import Gate, is_gate_file, read_gate, read_gates
from pytest_medhelm.gates.starter import starter
from pytest_medhelm.gates.verdict import worst_of
from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.escaping import visible
from pytest_medhelm.util.files import write_private


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", dest="verb")
    check = verbs.add_parser("check", help="say what a gate file demands, without a run")
    check.add_argument("file", type=Path, metavar="FILE", help="gate file, e.g. gate.toml")
    check.add_argument("--suite", type=Path, metavar="DIR", help="suite with benchmarks and metrics of your own")
    check.add_argument("--baseline", type=Path, metavar="PATH", help="say as well what comparisons with it can show")
    check.add_argument("--baseline-model", metavar="NAME", help="which model of the baseline")
    apply = verbs.add_parser("apply", help="judge stored results; exit status 1 unless every rule passes")
    apply.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    apply.add_argument("gate", nargs="+", metavar="FILE|RULE", help="gate file, or a rule such as 'pubmed_qa >= 0.70'")
    add_judging(apply)
    card = verbs.add_parser("card", help="print a model card's section on the evaluation, in Markdown")
    card.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    card.add_argument("--model", metavar="NAME", help="one model (default: all)")
    gate_explain.add_arguments(
        verbs.add_parser("explain", help="say what a verdict rests on: every number, and what it means")
    )
    lock = verbs.add_parser("lock", help="write to the ledger, before the run, that a gate file is fixed")
    lock.add_argument("file", type=Path, metavar="FILE", help="gate file, e.g. gate.toml")
    lock.add_argument("--ledger", type=Path, default=LEDGER, metavar="FILE", help=f"default: {LEDGER}")
    new = verbs.add_parser("new", help="write a gate file for the evaluation set of a suite")
    new.add_argument("file", type=Path, metavar="FILE", help="file to write, e.g. gate.toml")
    new.add_argument("--suite", type=Path, required=True, metavar="DIR", help="suite whose evaluation set is stated")


def run(arguments: argparse.Namespace) -> int:
    """Do what the verb says. Raises ConfigError as the functions below."""
    verbs = {"check": check, "apply": apply, "new": new, "lock": lock, "card": card, "explain": gate_explain.explain}
    return verbs[arguments.verb](arguments)


def check(arguments: argparse.Namespace) -> int:
    """Say what a gate file demands, and what its comparisons with a baseline can show.

    Raises ConfigError where it or the baseline cannot be read.
    """
    gate = read_gate(arguments.file)
    lines = [*described(gate)]
    wrong = [*problems(gate, known_of(arguments.suite))]
    if arguments.baseline is not None:
        from pytest_medhelm.gates.power_lines import planned_as, power_lines

        baseline = read_baseline(arguments.baseline, arguments.baseline_model)
        lines += power_lines(gate, planned_as(baseline, gate), baseline)
    elif arguments.baseline_model is not None:
        raise ConfigError("--baseline-model names a model of a baseline: add --baseline=SUITE")
    print("\n".join(map(visible, [*lines, *wrong])))
    return 1 if wrong else 0


def apply(arguments: argparse.Namespace) -> int:
    """Judge stored results and write the pages again; 1 unless every rule passes.

    Raises ConfigError when the folder is no suite, a rule or file cannot be read, or the model is not there.
    """
    demands = demanded(arguments)
    suite = open_suite(arguments.suite)
    try:
        return judged(suite, demands, arguments, source="apply")
    finally:
        suite.close()


def demanded(arguments: argparse.Namespace) -> tuple[Sequence[Gate], Baseline | None]:
    """The gates and the baseline that are named, read before anything is written. Raises ConfigError as they do."""
    baseline = read_baseline(arguments.baseline, arguments.baseline_model) if arguments.baseline else None
    return read_gates(arguments.gate), baseline


def judged(
    suite: Suite, demands: tuple[Sequence[Gate], Baseline | None], arguments: argparse.Namespace, *, source: str
) -> int:
    """Judge a suite by rules and files, record that, write its reports and print them; 1 when a rule does not pass.

    ``demands``: gates and baseline; ``arguments`` are those that ``gate apply`` and ``merge`` share: model, ledger
    (default: ledger.jsonl beside the suite), junitxml; ``source``, apply or merge, stands in the ledger.
    """
    from pytest_medhelm.gates.junit import write_junit
    from pytest_medhelm.gates.ledger.attempts import finish
    from pytest_medhelm.gates.suite_outcome import conclude
    from pytest_medhelm.models.spec import gated_of
    from pytest_medhelm.reports.write import print_reports

    gates, baseline = demands
    scales = scales_in(suite)
    require(list(gates), replace(known_of(None), scales=scales, scope=frozenset(scales)))
    there = apart_from(baseline, suite, gated_of({name: facts["kind"] for name, facts in suite.models().items()}))
    chosen = gate_explain.chosen_candidates(arguments.model, there)
    selected = {benchmark for benchmark, model in suite.cells() if model in chosen}
    outcome = conclude(suite, gates, chosen, selected, baseline=baseline)
    runs = [run["run"] for run in suite.runs()]
    # A run whose records others have replaced was an attempt of its own, and is not one with this.
    held = {number for cell in outcome.cells if cell.model in chosen for number in cell.columns.runs}
    parts = sorted(run["run"] for number in held if (run := suite.run(number))) if source == "merge" else []
    ledger = arguments.ledger or ledger_beside(suite.folder)
    problem = finish(ledger, outcome, chosen, gates, runs[-1], source=source, parts=parts, runs=runs if parts else ())
    if arguments.junitxml is not None:
        write_junit(arguments.junitxml, outcome.gates)
    print_reports(suite, outcome.leaderboard)
    if problem:
        print(f"medhelm: {problem}")
    if not gates:
        return 0
    return 0 if outcome.gates and worst_of(outcome.gates) == "pass" else 1


def apart_from(baseline: Baseline | None, suite: Suite, models: Sequence[str]) -> list[str]:
    """The models without the baseline, where it is one of this very suite: it is no candidate for its own place."""
    is_baseline_itself = baseline is not None and suite.folder.resolve() in (
        baseline.source.resolve(),
        baseline.source.resolve().parent,
    )
    return [name for name in models if baseline is None or not is_baseline_itself or name != baseline.model]


def card(arguments: argparse.Namespace) -> int:
    """Print the section of a model card for each candidate of a suite, as its newest report says.

    Raises ConfigError when the folder holds no leaderboard or no such model.
    """
    from pytest_medhelm.reports.model_card import card as section
    from pytest_medhelm.results.leaderboard.aggregate import SCHEMA
    from pytest_medhelm.util.files import read_json

    file = arguments.suite / "leaderboard.json"
    if not file.is_file():
        raise ConfigError(f"{file} is not there: name a suite, or write its reports with 'medhelm report'")
    leaderboard = cast(Leaderboard, read_json(file))
    if leaderboard.get("schema") != SCHEMA:
        raise ConfigError(
            f"{file} was written by another version: write it again with 'medhelm report {arguments.suite}'"
        )
    names = [facts["name"] for facts in leaderboard["results"]["models"]]
    if arguments.model and arguments.model not in names:
        raise ConfigError(f"--model={arguments.model}: the suite has {', '.join(names)}")
    print("\n".join(section(leaderboard, name) for name in ([arguments.model] if arguments.model else names)), end="")
    return 0


def ledger_beside(suite: Path) -> Path:
    """The ledger of the folder that holds a suite."""
    return suite.resolve().parent / "ledger.jsonl"


def new(arguments: argparse.Namespace) -> int:
    """Write a gate file for the evaluation set of a suite. Raises ConfigError when there is a file of this name."""
    target: Path = arguments.file
    if not is_gate_file(target.name):
        raise ConfigError(f"{target} should end in .toml, e.g. {target.with_suffix('.toml')}")
    if target.exists():
        raise ConfigError(f"{target} is there already: name another file, or delete it")
    suite = open_suite(arguments.suite)
    try:
        text = starter(suite)
    finally:
        suite.close()
    try:
        write_private(target, text)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written ({error.strerror}): name another file") from None
    print(f"{target} is written: change its rules, then type 'medhelm gate check {target}'")
    return 0


def described(gate: Gate) -> Iterator[str]:
    """What a gate demands, line by line."""
    count = len(gate.demands)
    yield f"{gate.title or gate.path}: {count} rule{'s' if count != 1 else ''}, all of which must pass"
    for demand in gate.demands:
        yield f"  {' or '.join(map(str, demand.alternatives))}  (one-sided alpha {demand.alternatives[0].alpha:g})"
        if demand.alternatives[0].why:
            yield f"    because {demand.alternatives[0].why}"
    stated = [_as_toml(key, value) for key, value in gate.evaluation.items()]
    if stated:
        yield f"every benchmark was run with {', '.join(stated)}"
    for name, required in gate.benchmarks.items():
        yield f"{name}: {', '.join(_as_toml(key, value) for key, value in required.items()) or 'must have been run'}"
    if not gate.benchmarks:
        yield "no evaluation set is stated: any benchmark that is complete on real data is judged"


def _as_toml(key: str, value: Any) -> str:
    """A key of a gate file with its value, in words."""
    if isinstance(value, list):
        value = ", ".join(value) or "none"
    if isinstance(value, dict):
        value = ", ".join(f"{name} {checksum}" for name, checksum in value.items())
    return f"{key} = {value}"
