"""Replies in the style of real models, each with what it says, against the readers.

``python -m tests.support.reading`` prints by kind how many are read right, not read, or read wrong, and each reply
that is not read right; it fails when one is read wrong.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.medical_research_assistance.test_medhallu import read_label
from benchmarks.shared.error_detection import read_finding
from benchmarks.shared.script_concordance import read_rating
from benchmarks.shared.sql import read_sql
from pytest_medhelm.scoring.answers import read_choice, read_date, read_number, split_thinking
from tests.support.paths import CHECKOUT

FOLDER = CHECKOUT / "tests" / "scoring" / "replies"
Verdict = Literal["right", "unparsed", "wrong"]


@dataclass(frozen=True)
class Reply:
    """One reply with its right reading, and what the reader made of it."""

    kind: str
    text: str
    expected: str | float | None
    found: str | float | None

    @property
    def verdict(self) -> Verdict:
        """``unparsed``: it says something, and nothing was read."""
        if self.found is None:
            return "right" if self.expected is None else "unparsed"
        if isinstance(self.expected, float | int) and isinstance(self.found, float | int):
            return "right" if math.isclose(self.found, self.expected) else "wrong"
        return "right" if self.found == self.expected else "wrong"


def _lines(name: str) -> Iterator[dict[str, Any]]:
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        yield json.loads(line)


def closed() -> Iterator[tuple[str, str, list[str], str | None]]:
    """Kind, reply, options and the letter that is said, of every reply to a closed question."""
    options = json.loads((FOLDER / "options.json").read_text("utf-8"))
    for entry in _lines("closed.jsonl"):
        yield entry["kind"], entry["reply"], options[entry["options"]], entry["reading"]


def _finding(text: str) -> str | None:
    found = read_finding(text)
    return None if found is None else "ok" if found.sentence is None else str(found.sentence)


def _date(text: str) -> str | None:
    found = read_date(text)
    return found.isoformat() if found else None


def _statement(text: str) -> str | None:
    found = read_sql(text)
    return None if found is None else found.strip().rstrip(";")


READERS: dict[str, Callable[[str], str | float | None]] = {
    "date": _date,
    "finding": _finding,
    "label": read_label,
    "rating": read_rating,
    "sql": _statement,
    "thinking": lambda text: read_choice(split_thinking(text).answer, ("one", "two", "three", "four", "five")),
}
"""Of dates and of single benchmarks; the correct text of MEDEC is "ok", a wrong sentence its number."""


def replies() -> Iterator[Reply]:
    """All of the corpus, read."""
    for kind, text, options, expected in closed():
        yield Reply(kind, text, expected, read_choice(text, options))
    for entry in _lines("numbers.jsonl"):
        found = read_number(entry["reply"], entry["language"], entry["unit"])
        yield Reply(entry["kind"], entry["reply"], entry["reading"], found and found.value)
    for entry in _lines("benchmarks.jsonl"):
        yield Reply(entry["kind"], entry["reply"], entry["reading"], READERS[entry["reader"]](entry["reply"]))


def main() -> int:
    """Print the table; 1 when a reply is read wrong."""
    tally: dict[str, Counter[Verdict]] = defaultdict(Counter)
    for reply in replies():
        tally[reply.kind][reply.verdict] += 1
        if reply.verdict != "right":
            print(f"{reply.verdict}: {reply.text!r} says {reply.expected}, read as {reply.found}")
    print(f"{'kind':40} right unparsed wrong")
    for kind, counts in [*sorted(tally.items()), ("all", sum(tally.values(), Counter()))]:
        print(f"{kind:40} {counts['right']:5} {counts['unparsed']:8} {counts['wrong']:5}")
    return int(any(counts["wrong"] for counts in tally.values()))


if __name__ == "__main__":
    sys.exit(main())
