"""How long reading takes as answers grow: python perf/reading.py

Readers look at the beginning and the end of an answer and are linear in the rest: a text of 1 MB takes at most 12 times
as long as one of 100 KB. Exit status 1 where one does not.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from pytest_medhelm.scoring.answers import is_refusal, read_choice, read_date, read_json, read_number, split_thinking

OPTIONS = ("Metformin", "Insulin glargine", "Beta-blocker", "Levothyroxine")
SMALL, LARGE, AT_MOST = 100_000, 1_000_000, 12.0
TEXTS = {
    "prose": "The kidneys fail, so option A can be ruled out; 2.5 mg of B is safe. Is it C? No. ",
    "blanks": " ",
    "brackets": "(",
    "braces": '{"a": ',
    "answers": "Answer: ",
    "boxes": "\\boxed{\\text{",
    "letters": "B\n",
    "tags": "</think>",
    "digits": "9.",
    "turns": "Human: ",
    "quotes": "'",
}
READERS: dict[str, Callable[[str], object]] = {
    "choice": lambda text: read_choice(text, OPTIONS),
    "number": lambda text: read_number(text, "en"),
    "date": read_date,
    "json": read_json,
    "refusal": is_refusal,
    "thinking": split_thinking,
}


def seconds(read: Callable[[str], object], text: str) -> float:
    """CPU time of the faster of three readings."""
    times = []
    for _ in range(3):
        started = time.process_time()
        read(text)
        times.append(time.process_time() - started)
    return min(times)


def main() -> int:
    """Print milliseconds for both sizes and their ratio; below a millisecond a ratio says nothing."""
    slow = 0
    print(f"{'reader':10} {'text':10} {'100 KB':>9} {'1 MB':>9} {'ratio':>6}")
    for name, read in READERS.items():
        read("Answer: B")
        for kind, unit in TEXTS.items():
            small, large = (seconds(read, (unit * (size // len(unit) + 1))[:size]) for size in (SMALL, LARGE))
            ratio = large / max(small, 0.001)
            slow += ratio > AT_MOST
            print(f"{name:10} {kind:10} {1000 * small:7.1f}ms {1000 * large:7.1f}ms {ratio:6.1f}")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
