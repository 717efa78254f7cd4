"""Under which terms a benchmark's data may be used, and which of them the user has accepted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pytest_medhelm.tasks.task import Task
from pytest_medhelm.util.cache_dir import cache_dir
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.files import write_private
from pytest_medhelm.util.hashing import json_hash
from pytest_medhelm.util.locks import locked

_ANSWERS = {True: "allowed", False: "not allowed", None: "not stated"}


def terms(task: Task) -> dict[str, str]:
    """What is shown before data is fetched: the licence, whom to name, and what may be done with the data."""
    return {
        "licence": task.licence,
        "attribution": task.attribution or task.source,
        "passing it on": _ANSWERS[task.redistribution],
        "third-party services": _ANSWERS[task.may_use_hosted_api],
    }


def accepted(task: Task) -> str | None:
    """The day on which these very terms were accepted, as YYYY-MM-DD; None: they were not, or they have changed.

    Raises ConfigError when the record cannot be read.
    """
    entry = _read(_record()).get(task.name)
    return entry["accepted"] if entry and entry["sha256"] == json_hash(terms(task), 64) else None


def accept(tasks: Iterable[Task]) -> None:
    """Keep in the cache folder that the terms were accepted today. Raises ConfigError when it cannot be written."""
    path = _record()
    try:
        with locked(path.with_suffix(".lock"), lambda: None):
            today = datetime.now(UTC).date().isoformat()
            new = {
                task.name: {"accepted": today, "sha256": json_hash(terms(task), 64), **terms(task)} for task in tasks
            }
            write_private(path, json.dumps({**_read(path), **new}, indent=2, ensure_ascii=False))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror or error})") from None


def _record() -> Path:
    return cache_dir() / "licences.json"


def _read(path: Path) -> dict[str, dict[str, str]]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
        return {
            name: {"accepted": entry["accepted"], "sha256": entry["sha256"], **entry} for name, entry in content.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(f"{path} is damaged: delete it, and accept the licences again") from None
