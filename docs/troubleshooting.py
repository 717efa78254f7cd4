"""Write the table of troubleshooting.md from the mistakes that the tests make: python docs/troubleshooting.py"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.mistakes import COMMANDS, OPTIONS, RUNS, Mistake

PAGE = Path(__file__).parent / "troubleshooting.md"
MARK = "<!-- Below: written by docs/troubleshooting.py. -->\n"


def page(text: str) -> str:
    """``text``, the page, with everything below the mark written anew."""
    above, _, _ = text.partition(MARK)
    parts = (("When a run begins", OPTIONS), ("When benchmarks are collected", RUNS), ("The medhelm command", COMMANDS))
    return above + MARK + "".join(f"\n## {title}\n\n" + "\n".join(_table(rows)) + "\n" for title, rows in parts)


def _table(mistakes: Sequence[Mistake]) -> Iterator[str]:
    yield "| typed | said | exit status |"
    yield "|---|---|---|"
    for mistake in mistakes:
        typed = f"`{_cell(mistake.typed)}`"
        for name, text in mistake.files.items():
            typed += f" with `{_cell(' '.join(text.split()))}` in {name}"
        yield f"| {typed} | {_cell(mistake.said)} | {mistake.status} |"


def _cell(text: str) -> str:
    return text.replace("|", "&#124;").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    print(PAGE)
