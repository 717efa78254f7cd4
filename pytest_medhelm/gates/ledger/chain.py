"""An append-only file of entries, each of which holds the hash of the one before: an edit anywhere shows.

JSON Lines; an entry has its ``number``, ``time`` (UTC), ``kind``, ``facts``, the hash of the ``previous`` entry and its
own ``hash``, the SHA-256 of all the rest as canonical JSON (sorted keys, no spaces). Whoever can write the file can
write a new chain: keep the newest hash, which every report of a promotion names, where others can see it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TypedDict, cast

from pytest_medhelm.gates.ledger.facts import Facts, LockedGate, Promotion
from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.files import make_private_folder, open_to_append
from pytest_medhelm.util.locks import locked

START = "0" * 64
"""What the first entry names as the one before."""
_KEYS = {"number", "time", "kind", "facts", "previous", "hash"}


class _Content(TypedDict):
    number: int
    time: str
    kind: str
    facts: Facts
    previous: str


class _Line(_Content):
    hash: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A line of the ledger."""

    number: int
    time: str
    kind: str
    facts: Facts
    hash: str


def append(path: Path, kind: str, facts: Facts | LockedGate | Promotion) -> LedgerEntry:
    """Add an entry under a lock, on disk when this returns; several processes may do so at once.

    Raises DataError when the last line is torn or the end is not what its hash says: nothing is added to a chain that
    is broken there. Raises OSError when the file cannot be written.
    """
    make_private_folder(path.parent)
    with locked(path.with_name(f".{path.name}.lock"), lambda: None):
        last = _last(path)
        number, previous = (last["number"] + 1, last["hash"]) if last else (1, START)
        content: _Content = {
            "number": number,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "kind": kind,
            "facts": json.loads(json.dumps(facts)),
            "previous": previous,
        }
        line: _Line = {**content, "hash": hash_of(content)}
        with os.fdopen(open_to_append(path), "ab") as file:
            file.write(_canonical(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    return LedgerEntry(number, line["time"], kind, line["facts"], line["hash"])


def read(path: Path) -> list[LedgerEntry]:
    """All entries, oldest first; none where there is no file.

    Raises DataError, naming the line, for a broken chain, and for a file that cannot be read.
    """
    broken = problems(path)
    if broken:
        raise DataError(f"ledger {path}: {broken[0]}; type 'medhelm ledger verify {path}'")
    return [
        LedgerEntry(line["number"], line["time"], line["kind"], line["facts"], line["hash"])
        for line in map(json.loads, _lines(path))
    ]


def problems(path: Path) -> list[str]:
    """What is wrong, one sentence for each line that is; empty for a whole chain. Raises DataError as ``read``."""
    faults = []
    previous, number = START, 0
    lines = _lines(path)
    for number_of_line, text in enumerate(lines, 1):
        line = _parsed(text)
        if line is None:
            torn = number_of_line == len(lines) and not text.endswith(b"\n")
            faults.append(
                f"line {number_of_line} is {'torn: its writing was cut off' if torn else 'no entry of a ledger'}"
            )
            previous, number = "", number + 1
            continue
        if line["hash"] != hash_of(line):
            faults.append(f"line {number_of_line} was edited: its content does not have its hash")
        elif text.removesuffix(b"\n") != _canonical(line):
            faults.append(f"line {number_of_line} was edited: it is not written as the ledger writes")
        if previous and line["previous"] != previous:
            before = (
                f"does not follow line {number_of_line - 1}" if number_of_line > 1 else "is not the first of a ledger"
            )
            faults.append(f"line {number_of_line} {before}: a line was edited, removed, added or moved")
        elif line["number"] != number + 1:
            faults.append(f"line {number_of_line} has number {line['number']}, not {number + 1}")
        previous, number = line["hash"], line["number"]
    if lines and not lines[-1].endswith(b"\n") and not faults:
        faults.append(f"line {len(lines)} is torn: its writing was cut off")
    return faults


def hash_of(content: Mapping[str, object]) -> str:
    """The hash of an entry, over all of it but the hash."""
    return hashlib.sha256(_canonical({key: value for key, value in content.items() if key != "hash"})).hexdigest()


def _canonical(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _lines(path: Path) -> Sequence[bytes]:
    try:
        return BytesIO(path.read_bytes()).readlines()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise DataError(
            f"the ledger {path} cannot be read ({error.strerror}): name another, or ask for the right to it"
        ) from None


def _parsed(text: bytes) -> _Line | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or line.keys() != _KEYS:
        return None
    good = isinstance(line["number"], int) and isinstance(line["facts"], dict)
    good = good and all(isinstance(line[key], str) for key in ("time", "kind", "previous", "hash"))
    return cast(_Line, line) if good else None


def _last(path: Path) -> _Line | None:
    lines = _lines(path)
    if not lines:
        return None
    line = _parsed(lines[-1])
    if line is None or not lines[-1].endswith(b"\n") or line["hash"] != hash_of(line):
        raise DataError(f"ledger {path}: its last line is torn or was edited; type 'medhelm ledger verify {path}'")
    return line
