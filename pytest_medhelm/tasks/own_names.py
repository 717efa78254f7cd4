"""The names of benchmarks of somebody's own in a folder, without running anything of theirs."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

PASSED_OVER = ("venv", "node_modules", "site-packages", "medhelm-results", "__pycache__")
YAML_ENDINGS = (".medhelm.yaml", ".medhelm.yml")
MOST_FILES = 20_000
"""After so many files nobody looks further."""
_YAML = re.compile(r"^name:\s*['\"]?(\w+)", re.MULTILINE)
_PYTHON = re.compile(r"\bname\s*=\s*['\"](\w+)['\"]|\bTASK\s*=\s*\w+\(\s*['\"](\w+)['\"]")


def own_names(folder: Path) -> frozenset[str]:
    """Names in files NAME.medhelm.yaml and in test modules with a TASK, as their text says them."""
    names: set[str] = set()
    for path in own_files(folder):
        if path.name.endswith(YAML_ENDINGS):
            names |= set(_YAML.findall(_text(path))) | {path.name.partition(".")[0]}
        elif "TASK" in (text := _text(path)):
            names |= {word for words in _PYTHON.findall(text) for word in words if word}
    return frozenset(names)


def own_files(folder: Path) -> Iterator[Path]:
    """Files NAME.medhelm.yaml and test modules."""
    looked = 0
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in PASSED_OVER]
        looked += len(files)
        if looked > MOST_FILES:
            break
        for name in files:
            if name.endswith(YAML_ENDINGS) or (name.startswith("test_") and name.endswith(".py")):
                yield Path(path, name)


def has_own_data(module: Path) -> bool:
    """Whether a module declares a Task with a folder of its own: its data are whole there, and there is no sample."""
    try:
        calls = [node for node in ast.walk(ast.parse(_text(module))) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError):
        return False
    return any(
        isinstance(call.func, ast.Name)
        and call.func.id == "Task"
        and any(word.arg == "folder" for word in call.keywords)
        for call in calls
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
