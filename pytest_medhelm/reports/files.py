"""Write files that only their owner can read, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically; mode 0600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)


def write_json(path: Path, value: Any) -> None:
    """JSON with sorted keys: the same value gives the same bytes."""
    write_private(path, json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n")
