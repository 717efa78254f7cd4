"""A checksum is remembered for the very file that was hashed, and for no other."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_medhelm.tasks.data import checksums
from pytest_medhelm.tasks.data.checksums import SMALL, known_listing, known_sha256
from pytest_medhelm.tasks.data.folders import listing

CONTENT = b"x" * (SMALL + 1)
WAS = hashlib.sha256(CONTENT).hexdigest()
OTHER = b"y" * len(CONTENT)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose checksum is remembered, as if time had passed since it was written."""
    monkeypatch.setenv("MEDHELM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(checksums, "SETTLED_NS", -1)
    path = tmp_path / "data.csv"
    path.write_bytes(CONTENT)
    assert known_sha256(path) == WAS
    return path


def test_it_is_not_hashed_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "content_sha256", lambda path: pytest.fail("hashed again"))
    assert known_sha256(path) == WAS


def _same_times(path: Path) -> None:
    times = path.stat()
    path.write_bytes(OTHER)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _another_file(path: Path) -> None:
    beside = path.with_name("other")
    beside.write_bytes(OTHER)
    beside.replace(path)


@pytest.mark.parametrize("change", [_same_times, _another_file, lambda path: path.write_bytes(OTHER)])
def test_a_file_that_changed_is_hashed(path: Path, change: Callable[[Path], object]) -> None:
    time.sleep(0.02)  # The clock of a file system ticks in steps.
    change(path)
    assert known_sha256(path) == hashlib.sha256(OTHER).hexdigest()


def test_what_has_just_changed_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHELM_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(os.urandom(SMALL)))
    assert known_sha256(path) == hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
    assert not (tmp_path / "cache" / "checksums.json").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', "null", "\xff"])
def test_a_memory_that_cannot_be_read_costs_nothing_but_time(path: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "cache" / "checksums.json").write_text(text, "latin-1")
    assert known_sha256(path) == WAS


def test_the_memory_names_no_file(path: Path, tmp_path: Path) -> None:
    text = (tmp_path / "cache" / "checksums.json").read_text()
    assert path.name not in text
    assert len(json.loads(text)) == 1


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose listing is remembered."""
    monkeypatch.setenv("MEDHELM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(checksums, "SETTLED_NS", -1)
    folder = tmp_path / "notes"
    folder.mkdir()
    for name in ("a.txt", "b.txt", "c.csv"):
        (folder / name).write_bytes(name.encode() + CONTENT)
    assert known_listing(folder, "*.txt") == listing(folder, "*.txt")
    return folder


def test_a_folder_is_not_hashed_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    was = listing(folder, "*.txt")
    (folder / "c.csv").write_text("not of the data")
    monkeypatch.setattr(checksums, "listing", lambda folder, pattern: pytest.fail("hashed again"))
    assert known_listing(folder, "*.txt") == was
    (folder / "link").symlink_to(folder, target_is_directory=True)
    with pytest.raises(pytest.fail.Exception):  # The name of a folder is part of its listing.
        known_listing(folder / "link", "*.txt")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: _same_times(folder / "a.txt"),
        lambda folder: _another_file(folder / "a.txt"),
        lambda folder: (folder / "a.txt").unlink(),
        lambda folder: (folder / "a.txt").rename(folder / "d.txt"),
        lambda folder: (folder / "d.txt").write_text("new"),
    ],
)
def test_a_folder_that_changed_is_hashed(folder: Path, change: Callable[[Path], object]) -> None:
    was = listing(folder, "*.txt")
    time.sleep(0.02)
    change(folder)
    assert known_listing(folder, "*.txt") == listing(folder, "*.txt") != was


def test_a_zip_file_is_remembered_as_the_folder_that_it_holds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = Path(shutil.make_archive(str(folder), "zip", folder))
    (packed.parent / "stored.zip").write_bytes(os.urandom(SMALL) + packed.read_bytes())  # Large enough.
    packed = (packed.parent / "stored.zip").rename(packed)
    was = listing(folder, "*.txt")
    assert known_listing(packed, "*.txt") == was
    monkeypatch.setattr(checksums, "listing", lambda folder, pattern: pytest.fail("hashed again"))
    assert known_listing(packed, "*.txt") == was
