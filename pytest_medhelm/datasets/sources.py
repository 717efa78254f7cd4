"""Where a benchmark's files come from: --medhelm-data, the cache folder, else the sample data; always checked."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_medhelm.cachedir import cache_dir
from pytest_medhelm.errors import DataError, DataMissing
from pytest_medhelm.task import Task

Origin = Literal["given", "cache", "sample"]


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one benchmark as found on this machine."""

    origin: Origin
    """``given`` by --medhelm-data, from the ``cache`` folder, or ``sample`` data."""
    paths: tuple[Path, ...]
    """One per data file of the task, in its order; may end in .gz."""
    sha256: Mapping[str, str]
    """Of the unpacked content, by upstream file name."""
    accepted: tuple[str, ...] = ()
    """Files taken although their checksum is not the pinned one, because the config file says so."""


def find_source(task: Task, *, data: Path | None, samples: Path, accept: Collection[str]) -> Source:
    """Find and check the files of a benchmark.

    Raises DataMissing when there are none, DataError when one has another checksum than the pinned one.
    """
    for origin, folder in _places(task, data, samples):
        found = [_plain_or_gz(folder / file.name) for file in task.files]
        if all(found):
            paths = tuple(path for path in found if path)
            return _checked(task, origin, paths, accept)
        if any(found):
            missing = [file.name for file, path in zip(task.files, found, strict=True) if path is None]
            raise DataMissing(f"{task.name}: {folder} lacks {', '.join(missing)}; put it there (plain or .gz)")
    names = ", ".join(file.name for file in task.files)
    raise DataMissing(
        f"{task.name} has no data here: get {names} from {task.source} and name its folder's parent with --medhelm-data"
    )


def _places(task: Task, data: Path | None, samples: Path) -> Iterator[tuple[Origin, Path]]:
    if data is not None:
        yield "given", data / task.name
    yield "cache", cache_dir() / "data" / task.name
    yield "sample", samples / task.name


def _plain_or_gz(path: Path) -> Path | None:
    for candidate in (path, path.with_name(path.name + ".gz")):
        if candidate.is_file():
            return candidate
    return None


def _checked(task: Task, origin: Origin, paths: tuple[Path, ...], accept: Collection[str]) -> Source:
    digests, accepted = {}, []
    for file, path in zip(task.files, paths, strict=True):
        digest = digests[file.name] = content_sha256(path)
        if origin == "sample" or digest == file.sha256:
            continue
        if file.name not in accept:
            raise DataError(
                f"{task.name}: {path} is not the pinned file (sha256 {digest[:12]}..., not {file.sha256[:12]}...); "
                f"get it again, or accept it in medhelm.toml: [data.{task.name}] accept = [{file.name!r}]"
            )
        accepted.append(file.name)
    return Source(origin, paths, digests, tuple(accepted))


def content_sha256(path: Path) -> str:
    """SHA-256 of a file's content, unpacked if it ends in .gz. Raises DataError when it cannot be read."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
