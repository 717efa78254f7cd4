"""medhelm purge: remove the texts of a suite, or all of it, when a retention rule says so."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_medhelm.results.store.opening import is_writable
from pytest_medhelm.results.store.purge import purge_all, purge_texts
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.escaping import visible

BEYOND = (
    "not in its reach: exports, pages and rating sheets that were written elsewhere, the data files, the logs of the "
    "servers that were asked, backups"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("suite", type=Path, help="folder of the suite, e.g. medhelm-results/default")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--texts", action="store_true", help="prompts, answers, references, reasons; scores and the leaderboard stay"
    )
    what.add_argument("--all", action="store_true", help="the whole suite; the ledger keeps its hashes")


def run(arguments: argparse.Namespace) -> int:
    """Remove it and say what is left. Raises ConfigError when the folder is no suite, or is in use."""
    folder = arguments.suite
    if not any((folder / name).is_file() for name in ("suite.sqlite", "responses.sqlite")):
        raise ConfigError(f"{folder} is no suite: it holds no suite.sqlite; name e.g. medhelm-results/default")
    if not is_writable(folder):
        raise ConfigError(f"{folder} cannot be written: purge it as the user who owns it")
    left = purge_all(folder) if arguments.all else purge_texts(folder)
    what = "the suite is" if arguments.all else "prompts, answers, references and reasons are"
    print(f"{visible(folder)}: {what} removed")
    for line in _left(arguments, left):
        print(line)
    return 0


def _left(arguments: argparse.Namespace, others: list[str]) -> list[str]:
    lines = []
    if not arguments.all:
        lines.append(
            "left: scores, statuses, and the ids of instances and of their sources (suite.sqlite); the leaderboard "
            f"(leaderboard.json; 'medhelm report {visible(arguments.suite)}' writes the pages again, without texts)"
        )
    if others:
        lines.append(f"left, since no suite makes them: {', '.join(map(visible, others))}; look at them yourself")
    return [*lines, f"left: {visible(arguments.suite.parent / 'ledger.jsonl')}, which holds hashes and no text", BEYOND]
