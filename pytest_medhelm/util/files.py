"""Write files that only their owner can read, whole or not at all, and read them again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically; mode 0600."""
    with replacing(path) as file:
        file.write(text.encode())


def make_private_folder(path: Path) -> None:
    """Make a folder and those above it that are missing, each for its owner only, whatever the umask."""
    if path.parent != path and not path.parent.is_dir():
        make_private_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def create_private(path: Path) -> int:
    """The descriptor of a new file that only its owner can read, whatever the umask. Raises FileExistsError."""
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)


def open_to_append(path: Path) -> int:
    """The descriptor of a file to add to; a new one can be read by its owner only."""
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to that takes the place of ``path`` in the end, mode 0600; after an error nothing has changed."""
    make_private_folder(path.parent)
    partial = path.with_name(path.name + ".part")
    # What a killed process left behind may have other rights, or be a link to elsewhere.
    partial.unlink(missing_ok=True)
    try:
        with os.fdopen(create_private(partial), "wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def parse_json(text: str) -> Any:
    """The value of a JSON text that anybody may have written. Raises ValueError, also where it is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def write_json(path: Path, value: Any) -> None:
    """JSON with sorted keys: the same value gives the same bytes."""
    write_private(path, json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """An object that was written so; empty where there is none."""
    with suppress(OSError, ValueError):
        content = parse_json(path.read_text("utf-8"))
        return content if isinstance(content, dict) else {}
    return {}
