"""A benchmark's public files, fetched from their pinned addresses or from a mirror into its folder.

    BASE/NAME/...        the files, each put there whole and checked
    BASE/.NAME.part/     what was cut, kept for the next time
    BASE/.NAME.lock      one process at a time

A mirror serves URL/NAME/FILE or URL/NAME/FILE.gz, and a folder of files as URL/NAME/FOLDER.zip.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from pytest_medhelm.tasks.data.download import NotThere, Progress, download
from pytest_medhelm.tasks.data.limits import bounded, require_members
from pytest_medhelm.tasks.data.sources import checksum, locate
from pytest_medhelm.tasks.task import DataFile, DataFolder, Task
from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.locks import locked

_BLOCK = 1 << 20


@dataclass(slots=True)
class Fetched:
    """What one call brought."""

    files: list[str] = field(default_factory=list)
    """Names of the files and folders fetched."""
    size: int = 0
    """Bytes on disk of what was fetched."""
    unpinned: list[str] = field(default_factory=list)
    """Those of them that have no pinned checksum: whatever came was taken."""
    without: list[str] = field(default_factory=list)
    """Files that are not to be had there, although that is no failure: the mirror lacks solved examples, or a file
    that upstream gives to nobody without an agreement."""


def wanted(task: Task) -> tuple[DataFile | DataFolder, ...]:
    """All that the benchmark reads: the evaluated files, then those that solved examples come from."""
    examples = task.examples.files if task.examples else ()
    return tuple(dict.fromkeys((*task.files, *examples)))


def lacking(task: Task, folder: Path) -> list[DataFile | DataFolder]:
    """What of ``wanted`` is not in the folder, or is there with another checksum than the pinned one."""
    return [file for file in wanted(task) if not _intact(file, locate(folder, file))]


def has_address(task: Task, file: DataFile | DataFolder, mirror: str = "") -> bool:
    """Whether there is somewhere to take it from. Only public benchmarks are fetched, from a mirror too."""
    return task.access == "public" and bool(file.url or mirror)


def fetch(task: Task, base: Path, *, mirror: str = "", replace: bool, progress: Progress) -> Fetched:
    """Bring what ``lacking`` names and has an address into ``base``/NAME.

    ``replace`` lets a file with another checksum than the pinned one be replaced: right for the cache folder, where
    it is a damaged one, and wrong for a folder of the user's. With a ``mirror`` no other address is asked.

    Raises DataError with a sentence: an address that does not deliver, a file that is not the pinned one, a full disk.
    Files that were complete before stay.
    """
    folder, work = base / task.name, base / f".{task.name}.part"
    fetched = Fetched()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        waiting = f"Waiting for another process that is fetching {task.name} ..."
        with locked(base / f".{task.name}.lock", lambda: progress.note(waiting)):
            job = _Job(task, folder, work, mirror, replace, progress)
            try:
                _bring_all(job, fetched)
                shutil.rmtree(work, ignore_errors=True)
            finally:
                for path in (work, folder):
                    with suppress(OSError):  # it holds something
                        path.rmdir()
    except OSError as error:
        raise DataError(
            f"{task.name} cannot be stored in {base} ({error.strerror or error}): make room there, or name another "
            "folder with --to or MEDHELM_CACHE"
        ) from None
    return fetched


def _bring_all(job: _Job, fetched: Fetched) -> None:
    for file in lacking(job.task, job.folder):
        if not has_address(job.task, file, job.mirror):
            fetched.without.append(file.name)
            continue
        try:
            fetched.size += job.bring(file)
        except NotThere:
            if file.url and file in job.task.files:
                raise
            fetched.without.append(file.name)
            continue
        fetched.files.append(file.name)
        if not file.sha256:
            fetched.unpinned.append(file.name)


@dataclass
class _Job:
    """The fetching of one benchmark, under its lock."""

    task: Task
    folder: Path
    work: Path
    mirror: str
    replace: bool
    progress: Progress
    complete: set[Path] = field(default_factory=set)
    """Archives that hold several of the files are downloaded once."""

    def bring(self, file: DataFile | DataFolder) -> int:
        """Fetch, unpack, check and place one file or folder; returns its size."""
        there = locate(self.folder, file)
        if there and not self.replace:
            raise DataError(
                f"{self.task.name}: {there} is there already and is not the pinned one (sha256 {file.sha256[:12]}...); "
                "move it away, or fetch into another folder"
            )
        self.work.mkdir(exist_ok=True)
        addresses = self._addresses(file)
        for url in addresses:
            try:
                return self._from(url, file)
            except NotThere:
                continue
        verb = "are" if len(addresses) > 1 else "is"
        raise NotThere(f"{self.task.name}: {' and '.join(addresses)} {verb} not there (HTTP 404)")

    def _addresses(self, file: DataFile | DataFolder) -> Sequence[str]:
        if not self.mirror:
            return (file.url,)
        address = f"{self.mirror.rstrip('/')}/{quote(str(PurePosixPath(self.task.name, file.name)))}"
        return (f"{address}.zip",) if isinstance(file, DataFolder) else (address, f"{address}.gz")

    def _from(self, url: str, file: DataFile | DataFolder) -> int:
        part = self.work / f"{hashlib.sha256(url.encode()).hexdigest()[:12]}.part"
        # What an earlier call left can be of an older file; only a checksum tells.
        resumed = part.exists() and bool(file.sha256) and part not in self.complete
        self._download(url, part, resume=resumed)
        try:
            return self._put_in_place(self._checked(url, part, file), file)
        except DataError:
            part.unlink(missing_ok=True)
            self.complete.discard(part)
            if not resumed:
                raise
        finally:
            shutil.rmtree(self.work / "unpacked", ignore_errors=True)
        return self._from(url, file)

    def _download(self, url: str, part: Path, *, resume: bool) -> None:
        if part in self.complete:
            return
        try:
            download(url, part, resume=resume, progress=self.progress)
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror or error}, while fetching {url}") from None
        self.complete.add(part)

    def _checked(self, url: str, part: Path, file: DataFile | DataFolder) -> Path:
        """The unpacked file or folder, still in the working folder."""
        staged = self.work / "unpacked" / (self.folder / file.name).name  # a folder's checksum knows its name
        shutil.rmtree(staged.parent, ignore_errors=True)
        try:
            self._unpack(url, part, file, staged)
        except (zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile, RuntimeError, ValueError) as error:
            raise DataError(f"{url} is damaged or no archive ({error})") from None
        digest = checksum(file, staged)
        if file.sha256 and digest != file.sha256:
            raise DataError(
                f"{url} is another file than expected (sha256 {digest[:12]}..., not {file.sha256[:12]}...); it was "
                "removed: check the mirror or the proxy"
            )
        return staged

    def _unpack(self, url: str, part: Path, file: DataFile | DataFolder, staged: Path) -> None:
        if isinstance(file, DataFolder):
            staged.mkdir(parents=True)
            with zipfile.ZipFile(part) as archive:
                members = list(_members(url, archive, file))
                require_members(url, members, part.stat().st_size)
                for member in members:
                    with (
                        archive.open(member) as source,
                        (staged / PurePosixPath(member.filename).name).open("wb") as sink,
                    ):
                        shutil.copyfileobj(source, sink, _BLOCK)
            return
        staged.parent.mkdir(parents=True)
        if file.member and not self.mirror:
            with zipfile.ZipFile(part) as archive:
                if file.member not in archive.namelist():
                    raise DataError(f"{url} does not hold {file.member}")
                require_members(url, [archive.getinfo(file.member)], part.stat().st_size)
                with archive.open(file.member) as source, staged.open("wb") as sink:
                    shutil.copyfileobj(source, sink, _BLOCK)
        elif self.mirror and url.endswith(".gz") and not file.name.endswith(".gz"):
            with gzip.open(part) as unpacked, staged.open("wb") as sink:
                sink.writelines(bounded(url, unpacked, part.stat().st_size))
        else:
            part.replace(staged)
            self.complete.discard(part)

    def _put_in_place(self, staged: Path, file: DataFile | DataFolder) -> int:
        target = self.folder / file.name
        paths = [staged] if staged.is_file() else list(staged.iterdir())
        size = sum(path.stat().st_size for path in paths)
        target.parent.mkdir(parents=True, exist_ok=True)
        if staged.is_file():
            staged.replace(target)
        elif file.name == ".":
            for stale in target.glob(file.pattern if isinstance(file, DataFolder) else "*"):
                stale.unlink()
            for path in paths:
                path.replace(target / path.name)
        else:
            replaced = self.work / "replaced"
            shutil.rmtree(replaced, ignore_errors=True)
            if target.exists():
                target.rename(replaced)
            staged.rename(target)
        return size


def _members(url: str, archive: zipfile.ZipFile, file: DataFolder) -> Iterator[zipfile.ZipInfo]:
    """The entries that belong to the folder: below its path in the archive, else at the top or in the only folder."""
    entries = [member for member in archive.infolist() if not member.is_dir()]
    for member in entries:
        if member.filename.startswith("/") or "\\" in member.filename or ".." in PurePosixPath(member.filename).parts:
            raise DataError(f"{url} is refused: it holds a path that leaves the folder")
    folder = PurePosixPath(file.member)
    if not any(PurePosixPath(member.filename).parent == folder for member in entries):
        parents = {PurePosixPath(member.filename).parent for member in entries}
        folder = PurePosixPath(".") if PurePosixPath(".") in parents or len(parents) != 1 else parents.pop()
    members = [
        member
        for member in entries
        if PurePosixPath(member.filename).parent == folder
        and fnmatchcase(PurePosixPath(member.filename).name, file.pattern)
    ]
    if not members:
        raise DataError(f"{url} holds no file {file.pattern} of {file.member or file.name}")
    yield from members


def _intact(file: DataFile | DataFolder, path: Path | None) -> bool:
    if path is None:
        return False
    try:
        return not file.sha256 or checksum(file, path) == file.sha256
    except DataError:
        return False
