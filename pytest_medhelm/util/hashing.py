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


def _normalised(source: str) -> str:
    try:
        tree = ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError):
        return source
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [line for line in node.body if not _is_text_alone(line)]
    return ast.dump(tree)


def _is_text_alone(node: ast.stmt) -> bool:
    """A docstring, or the text below an attribute that describes it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
