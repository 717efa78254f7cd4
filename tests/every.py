"""All benchmark modules, and what tests do to copies of their data."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_medhelm.datasets.sources import locate
from pytest_medhelm.task import DataFile, DataFolder, Instance, LeftOut
from tests.conftest import BENCHMARKS, CHECKOUT

DATA = Path(os.environ.get("MEDHELM_TEST_DATA", CHECKOUT.parent / "shared" / "data"))
SAMPLES = BENCHMARKS / "samples"

MODULES: Sequence[ModuleType] = [
    import_module(f"benchmarks.{path.parent.name}.{path.stem}") for path in sorted(BENCHMARKS.glob("*/test_*.py"))
]

every_benchmark = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.TASK.name)


def name_of(value: Any) -> str | None:
    """A readable test id for modules; pytest's own for everything else."""
    return value.TASK.name if isinstance(value, ModuleType) else None


def paths_in(folder: Path, files: Sequence[DataFile | DataFolder]) -> list[Path]:
    """One path per data file; fails when one is missing."""
    found = [locate(folder, file) for file in files]
    assert all(found), f"{folder} lacks {[file.name for file, path in zip(files, found, strict=True) if path is None]}"
    return [path for path in found if path]


def load(module: ModuleType, folder: Path) -> list[Instance]:
    """The instances of a benchmark whose files lie in a folder."""
    return [entry for entry in read(module, folder) if isinstance(entry, Instance)]


def read(module: ModuleType, folder: Path) -> list[Instance | LeftOut]:
    """All that the loader yields, records that its rule leaves out too."""
    return list(module.TASK.load(*paths_in(folder, module.TASK.files)))


def sample_folder(module: ModuleType) -> Path:
    return SAMPLES / module.TASK.name


def real_folder(module: ModuleType) -> Path:
    """The folder of real files; skips the test where they are absent."""
    folder = DATA / module.TASK.name
    if any(locate(folder, file) is None for file in module.TASK.files):
        pytest.skip(f"{folder} does not hold the files of {module.TASK.name}; set MEDHELM_TEST_DATA")
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


def shuffled(path: Path, order: random.Random) -> bool:
    """Put the records of a file into another order; False for formats whose order has a meaning or that hold one."""
    shuffle = _SHUFFLES.get(path.suffix)
    if shuffle is None:
        return False
    shuffle(path, order)
    return True


def _json(path: Path, order: random.Random) -> None:
    document = json.loads(path.read_text("utf-8"))
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        order.shuffle(document["data"])
    elif isinstance(document, dict):
        entries = list(document.items())
        order.shuffle(entries)
        document = dict(entries)
    else:
        order.shuffle(document)
    path.write_text(json.dumps(document), "utf-8")


def _jsonl(path: Path, order: random.Random) -> None:
    lines = path.read_text("utf-8").strip("\n").split("\n")
    order.shuffle(lines)
    path.write_text("\n".join(lines), "utf-8")


def _table(delimiter: str) -> Callable[[Path, random.Random], None]:
    def shuffle(path: Path, order: random.Random) -> None:
        csv.field_size_limit(2**31 - 1)
        header, *rows = csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""), delimiter=delimiter)
        order.shuffle(rows)
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, delimiter=delimiter).writerows([header, *rows])

    return shuffle


def _xlsx(path: Path, order: random.Random) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(path)
    for sheet in book.worksheets:
        header, *rows = list(sheet.iter_rows(values_only=True))
        order.shuffle(rows)
        sheet.delete_rows(1, sheet.max_row)
        for row in (header, *rows):
            sheet.append(row)
    book.save(path)


_SHUFFLES: dict[str, Callable[[Path, random.Random], None]] = {
    ".json": _json,
    ".jsonl": _jsonl,
    ".csv": _table(","),
    ".tsv": _table("\t"),
    ".xlsx": _xlsx,
}
