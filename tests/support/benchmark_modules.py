"""All benchmark modules, and what tests do to copies of their data."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_medhelm.tasks.data.sources import locate
from pytest_medhelm.tasks.task import DataFile, DataFolder, Excluded, Instance
from tests.support.paths import BENCHMARKS
from tests.support.real_data import real

SAMPLES = BENCHMARKS / "samples"

MODULES: Sequence[ModuleType] = [
    import_module(f"benchmarks.{path.parent.name}.{path.stem}") for path in sorted(BENCHMARKS.glob("*/test_*.py"))
]


def benchmarks(wanted: Callable[[ModuleType], object] = bool) -> pytest.MarkDecorator:
    """Run a test for each benchmark that it is about."""
    return pytest.mark.parametrize("module", list(filter(wanted, MODULES)), ids=lambda module: module.TASK.name)


every_benchmark = benchmarks()


def paths_in(folder: Path, files: Sequence[DataFile | DataFolder]) -> list[Path]:
    """One path per data file; fails when one is missing."""
    found = [locate(folder, file) for file in files]
    assert all(found), f"{folder} lacks {[file.name for file, path in zip(files, found, strict=True) if path is None]}"
    return [path for path in found if path]


def load(module: ModuleType, folder: Path) -> list[Instance]:
    """The instances of a benchmark whose files lie in a folder."""
    return [entry for entry in read(module, folder) if isinstance(entry, Instance)]


def read(module: ModuleType, folder: Path) -> list[Instance | Excluded]:
    """All that the loader yields, records that its rule leaves out too."""
    return list(module.TASK.load(*paths_in(folder, module.TASK.files)))


def sample_folder(module: ModuleType) -> Path:
    return SAMPLES / module.TASK.name


def real_folder(module: ModuleType) -> Path:
    """The folder of real files; skips the test where they are absent."""
    folder = real(module.TASK.name)
    if any(locate(folder, file) is None for file in module.TASK.files):
        pytest.skip(f"{folder} does not hold the files of {module.TASK.name}")
    return folder


def copied(source: Path, target: Path) -> Path:
    """A copy of a benchmark's folder."""
    return Path(shutil.copytree(source, target / source.name))


def data_files(module: ModuleType, folder: Path) -> Iterator[Path]:
    """The single files of a benchmark's data, those in folders too."""
    for file, path in zip(module.TASK.files, paths_in(folder, module.TASK.files), strict=True):
        if isinstance(file, DataFolder):
            yield from sorted(entry for entry in path.rglob(file.pattern) if entry.is_file())
        else:
            yield path


# Reordering


def has_an_order(module: ModuleType) -> bool:
    """The benchmark has a file whose records ``reorder`` can put into another order."""
    return any(Path(file.name).suffix in _REORDER or file.name == "." for file in module.TASK.files)


def reorder(path: Path) -> None:
    """Put the last record of a file first and the first one last, where its format allows it."""
    if path.suffix in _REORDER:
        _REORDER[path.suffix](path)


def _json(path: Path) -> None:
    try:
        document = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError:  # MedMCQA's .json files hold JSON lines
        _jsonl(path)
        return
    path.write_text(json.dumps(_reversed(document)), "utf-8")


def _reversed(document: Any) -> Any:
    if isinstance(document, list):
        return document[::-1]
    for key in ("data", "exams"):
        if isinstance(document, dict) and key in document:
            return document | {key: _reversed(document[key])}
    return {key: _reversed(value) if "data" in value else value for key, value in reversed(document.items())}


def _jsonl(path: Path) -> None:
    lines = path.read_text("utf-8").strip("\n").split("\n")
    path.write_text("\n".join(lines[::-1]), "utf-8")


def _table(delimiter: str) -> Callable[[Path], None]:
    def reverse(path: Path) -> None:
        csv.field_size_limit(2**31 - 1)
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""), delimiter=delimiter))
        header = [] if "_test_" in path.name else rows[:1]  # MMLU's tables have no header
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, delimiter=delimiter).writerows([*header, *rows[len(header) :][::-1]])

    return reverse


def _xlsx(path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(path)
    for sheet in book.worksheets:
        header, *rows = list(sheet.iter_rows(values_only=True))
        sheet.delete_rows(1, sheet.max_row)
        for row in (header, *rows[::-1]):
            sheet.append(row)
    book.save(path)


_REORDER: dict[str, Callable[[Path], None]] = {
    ".json": _json,
    ".jsonl": _jsonl,
    ".csv": _table(","),
    ".tsv": _table("\t"),
    ".xlsx": _xlsx,
}
