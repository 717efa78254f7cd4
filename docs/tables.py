"""Write the parts of data.md that follow from the benchmarks' declarations and sample files: python docs/tables.py"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from pytest_medhelm.tasks.catalogue import CatalogueEntry, catalogue
from pytest_medhelm.tasks.data.fetch import wanted
from pytest_medhelm.tasks.data.licences import terms
from pytest_medhelm.tasks.data.outline import outline
from pytest_medhelm.tasks.task import DataFile, DataFolder

PAGE = Path(__file__).parent / "data.md"
MARK = "<!-- Below: written by docs/tables.py. -->\n"


def page(text: str) -> str:
    """``text``, the page, with everything below the mark written anew. Raises ValueError when it has no mark."""
    above, mark, _ = text.partition(MARK)
    if not mark:
        raise ValueError(f"{PAGE.name} does not hold the line {MARK.strip()}")
    entries = sorted(catalogue().entries, key=lambda entry: entry.task.name)
    return above + mark + "\n" + "\n".join([*_overview(entries), *_by_hand(entries)]) + "\n"


def _overview(entries: list[CatalogueEntry]) -> Iterator[str]:
    yield "## All benchmarks"
    yield ""
    yield "| benchmark | access | fetched | licence | whom to name | passing it on | third-party services |"
    yield "|---|---|---|---|---|---|---|"
    for entry in entries:
        task = entry.task
        fetched = "yes" if _is_fetched(entry) else "in part" if any(file.url for file in task.files) else "no"
        cells = [f"`{task.name}`", task.access, fetched, *terms(task).values()]
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _by_hand(entries: list[CatalogueEntry]) -> Iterator[str]:
    yield ""
    yield "## Data that is not fetched: how to get it, and what the files hold"
    for entry in entries:
        task = entry.task
        if _is_fetched(entry):
            continue
        yield ""
        yield f"### {task.name}"
        yield ""
        how = task.how_to_obtain or f"see {task.source}"
        yield f"{task.title}, {task.access}. How to get it: {how}. Licence: {task.licence}."
        yield ""
        yield "| file | what it holds |"
        yield "|---|---|"
        for file in wanted(task):
            note = "" if file in task.files else " (solved examples)"
            yield f"| `{task.name}/{_name(file)}`{note} | {_holds(entry, file)} |"


def _is_fetched(entry: CatalogueEntry) -> bool:
    return entry.task.access == "public" and all(file.url for file in entry.task.files)


def _holds(entry: CatalogueEntry, file: DataFile | DataFolder) -> str:
    content = outline(entry.samples, file).replace("|", "&#124;") or "not described"
    return f"in each file: {content}" if isinstance(file, DataFolder) else content


def _name(file: DataFile | DataFolder) -> str:
    inside = "" if file.name == "." else f"{file.name}/"
    return f"{inside}{file.pattern}" if isinstance(file, DataFolder) else file.name


if __name__ == "__main__":
    problems = catalogue().problems
    if problems:
        sys.exit("\n".join(problems))
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
