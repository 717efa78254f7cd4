"""medhelm gate lock: write to the ledger, before the run, that a gate file is fixed."""

from __future__ import annotations

import argparse
from dataclasses import replace

from pytest_medhelm.cli.gate_known import known_of
from pytest_medhelm.gates.check import require
from pytest_medhelm.gates.gate_file import read_gate
from pytest_medhelm.gates.ledger.attempts import LOCKED, digests, late
from pytest_medhelm.gates.ledger.chain import append, read
from pytest_medhelm.gates.starter import PLACEHOLDER
from pytest_medhelm.util.errors import ConfigError


def lock(arguments: argparse.Namespace) -> int:
    """Write to the ledger that a gate file is fixed from now on. Raises ConfigError, DataError where it cannot be."""
    gate = read_gate(arguments.file)
    # A benchmark of one's own may be written, or found, later than the rule about it.
    require([gate], replace(known_of(None), all_names=False))
    idle = [rule.text for rule in gate.rules if rule.why == PLACEHOLDER]
    if idle:
        raise ConfigError(f"{arguments.file}: the rule {idle[0]!r} still has the reason that 'gate new' wrote: say why")
    gates = digests([gate])
    earlier = [entry for entry in read(arguments.ledger) if entry.kind == LOCKED and entry.facts.get("gates") == gates]
    if earlier:
        entry = earlier[0]
        print(
            f"{arguments.file} is already locked since {entry.time}: entry {entry.number} of {arguments.ledger}, hash "
            f"{entry.hash}; nothing is written"
        )
        return 0
    benchmarks = {name: dict(stated) for name, stated in gate.benchmarks.items()}
    try:
        entry = append(
            arguments.ledger,
            LOCKED,
            {"gates": gates, "evaluation": dict(gate.evaluation), "benchmarks": benchmarks},
        )
    except OSError as error:
        raise ConfigError(f"--ledger: {arguments.ledger} cannot be written ({error.strerror}); name another") from None
    print(
        f"{arguments.file} is locked since {entry.time}: entry {entry.number} of {arguments.ledger}, hash {entry.hash}"
    )
    if said := late(arguments.ledger, gate, entry.number):
        print(said)
    if not gate.benchmarks:
        print("it states no evaluation set: results on any data can be judged by it")
    return 0
