"""medhelm ledger: look at the ledger of evaluations, and see whether a line was changed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import cast

from pytest_medhelm.cli.arguments import LEDGER
from pytest_medhelm.gates.ledger.chain import LedgerEntry, problems, read
from pytest_medhelm.gates.ledger.facts import Promotion
from pytest_medhelm.util.errors import ConfigError, DataError
from pytest_medhelm.util.escaping import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", dest="verb")
    for verb, text in (
        ("verify", "say which line is not as it was written; exit status 1 when there is one"),
        ("show", "list the entries"),
    ):
        parser = verbs.add_parser(verb, help=text)
        parser.add_argument("file", type=Path, nargs="?", default=LEDGER, metavar="FILE")
        if verb == "verify":
            parser.add_argument("--hash", metavar="HASH", help="of an entry, kept elsewhere: it must still be there")


def run(arguments: argparse.Namespace) -> int:
    """Do what the verb says. Raises ConfigError without a file, DataError for one that cannot be listed."""
    if not arguments.file.is_file():
        raise ConfigError(f"there is no ledger {arguments.file}: name one, e.g. medhelm-results/ledger.jsonl")
    return verify(arguments.file, arguments.hash) if arguments.verb == "verify" else show(arguments.file)


def verify(path: Path, kept: str | None = None) -> int:
    """Name every line that is not as it was written; ``kept``: a hash that must be in it, which was kept elsewhere.

    Raises DataError when there is such a line, or no such hash.
    """
    faults = problems(path)
    if faults:
        print("\n".join(faults))
        raise DataError(f"{path} is not whole: do not rely on it, and find out who changed it")
    entries = read(path)
    if kept is not None and not any(entry.hash == kept for entry in entries):
        raise DataError(
            f"{path} holds no entry with the hash {kept}: lines at its end are missing, or all are new ones"
        )
    last = f", the last of {entries[-1].time} with hash {entries[-1].hash}" if entries else ""
    print(f"{path} is whole: {len(entries)} entries{last}")
    return 0


def show(path: Path) -> int:
    """List the entries, oldest first."""
    for entry in read(path):
        print(f"{entry.number:>4}  {entry.time}  {entry.kind:<9} {visible(_in_words(entry))}")
    return 0


def _in_words(entry: LedgerEntry) -> str:
    if entry.kind == "promotion":
        facts = cast(Promotion, entry.facts)
        override = ", OVERRIDDEN: " + facts["reason"] if facts["override"] else ""
        return (
            f"{facts['model']} for {facts['intended_use']}, asked for by {facts['requested_by']}, approved by "
            f"{facts['approved_by']}, until {facts['expires']}, back to {facts['rollback']}{override}"
        )
    attempt = entry.facts
    gates = ", ".join(f"{name} {digest[:12]}" for name, digest in attempt.get("gates", {}).items())
    models = ", ".join(attempt.get("models", ()))
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in attempt.get("verdicts", {}).items())
    parts = (attempt.get("suite", ""), models, attempt.get("ended", ""), verdicts, gates)
    return "; ".join(part for part in parts if part)
