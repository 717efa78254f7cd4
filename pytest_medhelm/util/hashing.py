"""Hashes by which things are told apart: of plain values, and of code by what it does."""

from __future__ import annotations

import ast
import hashlib
import json
import textwrap
from typing import Any


def json_hash(value: Any, digits: int = 16) -> str:
    """Hexadecimal digits of a SHA-256 over plain values, whatever the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:digits]


def code_hash(*sources: str) -> str:
    """Hash of Python sources, in their order, in which comments, formatting and docstrings do not count.

    What cannot be parsed counts as it stands.
    """
    return json_hash([_normalised(source) for source in sources])


def _normalised(source: str) -> Any:
    try:
        tree = ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError):
        return source
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [line for line in node.body if not _is_text_alone(line)]
    return _as_json(tree)


def _as_json(value: Any) -> Any:
    """A syntax tree as lists, alike under every version of Python: what is empty or newer than 3.11 is left out."""
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if not isinstance(value, ast.AST):
        return repr(value)
    if isinstance(value, ast.JoinedStr):  # Python 3.12.1 divides the texts of an f-string otherwise.
        return ["JoinedStr", _joined(value.values)]
    fields = [(name, part) for name, part in ast.iter_fields(value) if part not in (None, [])]
    return [type(value).__name__, *([name, _as_json(part)] for name, part in fields)]


def _is_text_alone(node: ast.stmt) -> bool:
    """A docstring, or the text below an attribute that describes it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _joined(parts: list[ast.expr]) -> list[Any]:
    joined: list[Any] = [""]
    for part in parts:
        if isinstance(part, ast.Constant):
            joined[-1] += str(part.value)
        else:
            joined += [_as_json(part), ""]
    return joined
