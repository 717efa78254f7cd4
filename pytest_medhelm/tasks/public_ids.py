"""What may be seen outside a suite's own files: no clinical text, and no record number of private data."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from pytest_medhelm.tasks.task import Task
from pytest_medhelm.util.cache_dir import cache_dir
from pytest_medhelm.util.errors import DataError

KEY_VARIABLE = "MEDHELM_ID_KEY"
KEY_LENGTH = 32
"""Hexadecimal digits."""


def public_id(task: Task, instance: str) -> str:
    """The instance id as it may appear in node ids, logs and reports.

    Public datasets keep theirs. A record number of gated or private data is patient data too and becomes a keyed
    hash; the key is $MEDHELM_ID_KEY, or a file in the cache folder that is made once.
    """
    return public_name(task.access, task.name, instance)


def public_name(access: str, benchmark: str, name: str) -> str:
    """As ``public_id``, for any name in the data of a benchmark: an instance's, or that of its source (a patient)."""
    if access == "public":
        return name
    return hmac.new(_key(), f"{benchmark}:{name}".encode(), hashlib.sha256).hexdigest()[:16]


def public_files(task: Task, digests: Mapping[str, str]) -> dict[str, str]:
    """Checksums by file name as they may be seen: who names a file may name it after a patient."""
    return {public_name(task.access, task.name, name): digest for name, digest in digests.items()}


def without_names(text: str, paths: Iterable[Path], shown: str = "") -> str:
    """A sentence in which a file is "the data file" and not called by its name, longest names first.

    ``shown``: a name that is shown anyway, the benchmark's own, also where its file is called like it.
    """
    names = {name for path in paths for name in (str(path), path.name, path.name.removesuffix(".gz"), path.stem)}
    for name in sorted(names - {"", ".", shown}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "the data file", text)
    return text


def id_key() -> str:
    """The secret text by which this machine names private instances, for workers that must name them alike."""
    return _key().decode()


@functools.cache
def _key() -> bytes:
    given = os.environ.get(KEY_VARIABLE, "").strip()
    return given.encode() if given else _stored_key(cache_dir() / "id.key")


def _stored_key(path: Path) -> bytes:
    """The key in a file, made once. Raises DataError for one without a key: anybody could then guess who is who."""
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes().strip()
    except OSError as error:
        raise DataError(
            f"{path} cannot be used ({error.strerror}): set {KEY_VARIABLE} to a secret of your own"
        ) from None
    if len(key) < KEY_LENGTH:
        raise DataError(
            f"{path} holds no whole key, perhaps since a disk was full: put it back from a backup, or delete it, after "
            "which instances of gated and private data get other public ids than before"
        )
    return key


def _make_key(path: Path) -> None:
    """Whole, on disk, or not at all; where several processes make one, the first stays."""
    with tempfile.NamedTemporaryFile(prefix=".id-", dir=path.parent) as file:  # 0600
        file.write(secrets.token_hex(KEY_LENGTH // 2).encode())
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)
