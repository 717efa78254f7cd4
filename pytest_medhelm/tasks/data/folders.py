"""Folders of files, or a zip file that holds one."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

from pytest_medhelm.tasks.data.limits import DAMAGED, require_members
from pytest_medhelm.util.errors import DataError

NO_DATA = (".", "__", "~$")
"""How the names of files begin that systems put beside others: hidden ones, those of macOS, the locks of Office."""


def files_in(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """The files of a folder whose names match, sorted by name. What a reader can be called with.

    ``folder`` may be a zip file with the files at its top or in one folder. Raises DataError when nothing matches.
    """
    files = sorted(
        (path for path in _listed(folder) if fnmatchcase(path.name, pattern)), key=lambda path: path.name.encode()
    )
    if not files:
        raise DataError(f"{folder.name} holds no file called {pattern}")
    yield from files


@contextmanager
def unnamed(path: Path, number: int) -> Iterator[None]:
    """Errors about a file of a folder call it by its number: it is named after a patient.

    The number is its place among the files as ``files_in`` sorts them, from 1.
    """
    try:
        yield
    except DataError as error:
        raise DataError(str(error).replace(path.name, f"file {number} of the folder, by name")) from None


def listing(folder: Path, pattern: str = "*") -> str:
    """SHA-256 of the files' checksums as ``sha256sum FOLDER/*`` lists them: a checksum of the folder."""
    name = folder.name.removesuffix(".zip")
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}/{path.name}\n" for path in files_in(folder, pattern)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _listed(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.is_file() and not path.name.startswith(NO_DATA))
        return
    try:
        with zipfile.ZipFile(folder) as archive:
            require_members(folder.name, archive.infolist(), folder.stat().st_size)
        top = zipfile.Path(folder)
        inside = [entry for entry in top.iterdir() if not entry.name.startswith(NO_DATA)]
    except (*DAMAGED, OSError):
        raise DataError(f"{folder.name} is neither a folder nor a zip file, or it is damaged") from None
    if len(inside) == 1 and inside[0].is_dir():
        inside = list(inside[0].iterdir())
    # a zipfile.Path offers what the readers use of a Path: name, suffix, read_bytes
    yield from cast("list[Path]", [entry for entry in inside if entry.is_file()])
