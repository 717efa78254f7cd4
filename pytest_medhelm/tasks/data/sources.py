"""Where a benchmark's files come from: --medhelm-data, the cache folder, else the sample data; always checked.

A benchmark that names its own folder (Task.folder) has its files there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_medhelm.tasks.data.checksums import content_sha256, known_listing, known_sha256
from pytest_medhelm.tasks.data.folders import listing
from pytest_medhelm.tasks.task import DataFile, DataFolder, Task
from pytest_medhelm.util.cache_dir import cache_dir
from pytest_medhelm.util.errors import DataError, DataMissing

Origin = Literal["given", "cache", "sample", "own", "imported"]


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one benchmark as found on this machine."""

    origin: Origin
    """``given`` by --medhelm-data, from the ``cache`` folder, ``sample`` data, or the benchmark's ``own``."""
    folder: Path
    """The benchmark's folder."""
    paths: tuple[Path, ...]
    """One per data file of the task, in its order; may end in .gz."""
    sha256: Mapping[str, str]
    """Of the unpacked content, by upstream file name."""
    accepted: tuple[str, ...] = ()
    """Files taken although their checksum is not the pinned one, because the config file says so."""


def find_source(task: Task, *, data: Path | None, samples: Path, accept: Collection[str]) -> Source:
    """Find and check the files of a benchmark.

    Who names a folder with --medhelm-data wants real data: the sample data then stays out. Raises DataMissing when
    there are none, DataError when one has another checksum than the pinned one.
    """
    for origin, folder in _candidates(task, data, samples):
        paths = [locate(folder, file) for file in task.files]
        if all(paths):
            return _checked(task, origin, folder, tuple(path for path in paths if path), accept)
        if any(paths):
            missing = [file for file, path in zip(task.files, paths, strict=True) if path is None]
            names = ", ".join(file.name for file in missing)
            if all(file.url for file in missing):
                raise DataMissing(
                    f"{task.name}: {folder} lacks {names}; put it there, or type 'medhelm fetch {task.name}'"
                )
            how = task.how_to_obtain or "get it as well"
            raise DataMissing(f"{task.name}: {folder} lacks {names}; {how}; put it there")
    raise DataMissing(f"{task.name} has no data here: {_misplaced(task, data) or how_to_get(task, data)}")


def _misplaced(task: Task, data: Path | None) -> str:
    """What to type where --medhelm-data names a folder one level too deep or too high."""
    if data is None:
        return ""
    here = [file.name for file in task.files if file.name != "." and locate(data, file)]
    if here and data.name == task.name:
        return f"{here[0]} lies in {data} itself: name its parent, --medhelm-data={data.parent}"
    if here:
        return f"{here[0]} lies in {data} itself: put it into {data / task.name}"
    below = next((path.parent for path in sorted(data.glob(f"*/{task.name}")) if path.is_dir()), None)
    return f"it lies one level deeper: name --medhelm-data={below}" if below else ""


def how_to_get(task: Task, data: Path | None = None) -> str:
    """One sentence: what to request or type, and where the files go."""
    target = (data or Path("DIR")) / task.name
    names = ", ".join("the files" if file.name == "." else file.name for file in task.files)
    if task.folder is not None:
        return f"put {names} into {task.folder}, or correct the name"
    if all(file.url for file in task.files):
        return f"type 'medhelm fetch {task.name}', or put {names} into {target} and name --medhelm-data={target.parent}"
    origin = task.how_to_obtain or f"get it from {task.source}"
    return f"{origin}; put {names} into {target} and name --medhelm-data={target.parent} (docs/data.md)"


def find_examples(task: Task, source: Source) -> tuple[Path, ...]:
    """The files of the split that solved examples come from, in the folder of the evaluated ones.

    Raises DataMissing or DataError as ``find_source`` does.
    """
    assert task.examples is not None
    located = [locate(source.folder, file) for file in task.examples.files]
    missing = [file.name for file, path in zip(task.examples.files, located, strict=True) if path is None]
    if missing:
        raise DataMissing(
            f"{task.name}: what --medhelm-shots shows comes from {', '.join(missing)}, which is not in "
            f"{source.folder}; put it there, or type --medhelm-shots=0"
        )
    paths = tuple(path for path in located if path)
    if source.origin != "sample":
        for file, path in zip(task.examples.files, paths, strict=True):
            _require_pinned(task, file, path, checksum(file, path))
    return paths


def locate(folder: Path, file: DataFile | DataFolder) -> Path | None:
    """Where a data file lies in a benchmark's folder: plain or .gz, a folder or its zip file; None: it is not there."""
    path = folder / file.name
    if isinstance(file, DataFolder):
        zipped = path.with_name(f"{path.name}.zip")
        is_filled = path.is_dir() and any(path.glob(file.pattern))
        return path if is_filled else zipped if zipped.is_file() else None
    for candidate in (path, path.with_name(path.name + ".gz")):
        if candidate.is_file():
            return candidate
    return None


def checksum(file: DataFile | DataFolder, path: Path) -> str:
    """SHA-256 of a file's unpacked content, or of a folder's listing. Raises DataError when it cannot be read."""
    return listing(path, file.pattern) if isinstance(file, DataFolder) else content_sha256(path)


def _known_checksum(file: DataFile | DataFolder, path: Path) -> str:
    return known_listing(path, file.pattern) if isinstance(file, DataFolder) else known_sha256(path)


def _candidates(task: Task, data: Path | None, samples: Path) -> Iterator[tuple[Origin, Path]]:
    if task.folder is not None:
        yield "own", task.folder
        return
    if data is not None:
        yield "given", data / task.name
    yield "cache", cache_dir() / "data" / task.name
    if data is None:
        yield "sample", samples / task.name


def _checked(task: Task, origin: Origin, folder: Path, paths: Sequence[Path], accept: Collection[str]) -> Source:
    digests, accepted = {}, []
    for file, path in zip(task.files, paths, strict=True):
        digest = digests[file.name] = _known_checksum(file, path)
        if origin == "sample" or not file.sha256 or digest == file.sha256:
            continue
        if file.name not in accept:
            _require_pinned(task, file, path, digest)
        accepted.append(file.name)
    return Source(origin, folder, tuple(paths), digests, tuple(accepted))


def _require_pinned(task: Task, file: DataFile | DataFolder, path: Path, digest: str) -> None:
    if file.sha256 and digest != file.sha256:
        raise DataError(
            f"{task.name}: {path} is not the pinned file (sha256 {digest[:12]}..., not {file.sha256[:12]}...); "
            f"get it again, or accept it in medhelm.toml: [data.{task.name}] accept = [{file.name!r}]"
        )
