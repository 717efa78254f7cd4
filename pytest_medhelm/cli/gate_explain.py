"""medhelm gate explain: the numbers behind a verdict, as text and as JSON."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_medhelm.gates.baseline import read_baseline
from pytest_medhelm.gates.explanation import explained
from pytest_medhelm.gates.gate_file import read_gates
from pytest_medhelm.gates.judge import judge
from pytest_medhelm.gates.suite_outcome import evidence_of
from pytest_medhelm.models.spec import gated_of
from pytest_medhelm.results.leaderboard.aggregate import rounded
from pytest_medhelm.results.leaderboard.gate_entry import GateEntry
from pytest_medhelm.results.store.opening import open_suite
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.escaping import visible

WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    parser.add_argument("gate", nargs="+", metavar="FILE|RULE", help="gate file, or a rule such as 'pubmed_qa >= 0.70'")
    parser.add_argument("--model", action="append", metavar="NAME", help="only this candidate; repeatable")
    parser.add_argument("--baseline", type=Path, metavar="PATH", help="suite or leaderboard.json that is compared with")
    parser.add_argument("--baseline-model", metavar="NAME", help="which model of the baseline")
    parser.add_argument("--json", action="store_true", help="print JSON, as leaderboard.json has the verdicts")


def explain(arguments: argparse.Namespace) -> int:
    """Judge stored results and say what each verdict rests on; nothing is written. Exit status 0 whatever it is.

    Raises ConfigError when the folder is no suite, a rule or file cannot be read, or the model is not there.
    """
    baseline = read_baseline(arguments.baseline, arguments.baseline_model) if arguments.baseline else None
    gates = read_gates(arguments.gate)
    suite = open_suite(arguments.suite)
    try:
        models = gated_of({name: facts["kind"] for name, facts in suite.models().items()})
        chosen = chosen_candidates(arguments.model, models)
        selected = {benchmark for benchmark, model in suite.cells() if model in chosen}
        evidence = evidence_of(suite, selected, baseline)
    finally:
        suite.close()
    entries = [result.as_json() for gate in gates for result in judge(gate, evidence, chosen)]
    if arguments.json:
        print(json.dumps(rounded(entries), indent=1, ensure_ascii=False))
    else:
        print("\n".join(map(visible, _text(entries))))
    return 0


def chosen_candidates(named: Sequence[str] | None, candidates: Sequence[str]) -> Sequence[str]:
    """Those that ``--model`` names, or all. Raises ConfigError for a name that the suite does not have."""
    for model in named or ():
        if model not in candidates:
            known = ", ".join(candidates) or "none"
            raise ConfigError(f"--model={model}: the suite has no such candidate; it has {known}")
    return named or candidates


def _text(entries: list[GateEntry]) -> Iterator[str]:
    for number, entry in enumerate(entries):
        if number:
            yield ""
        yield from textwrap.wrap(entry["sentence"], WIDTH)
        yield from textwrap.wrap(entry["meaning"], WIDTH, initial_indent="  ", subsequent_indent="  ")
        for line in explained(entry):
            yield from textwrap.wrap(line, WIDTH, initial_indent="  - ", subsequent_indent="    ")
        if entry["why"]:
            yield from textwrap.wrap(f"why this rule: {entry['why']}", WIDTH, initial_indent="  - ")
