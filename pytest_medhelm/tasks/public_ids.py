"""What may be seen outside a suite's own files: no clinical text, and no record number of private data."""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
import secrets

from pytest_medhelm.tasks.task import Task
from pytest_medhelm.util.cache_dir import cache_dir

KEY_VARIABLE = "MEDHELM_ID_KEY"


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


@functools.cache
def _key() -> bytes:
    given = os.environ.get(KEY_VARIABLE)
    if given:
        return given.encode()
    path = cache_dir() / "id.key"
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_hex(16).encode())
    return path.read_bytes()
