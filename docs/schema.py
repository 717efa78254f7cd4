"""Write leaderboard.schema.json from the types of leaderboard.json: python docs/schema.py"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from pytest_medhelm.results.leaderboard.document import Leaderboard
from pytest_medhelm.util.json_types import Limits

FILE = Path(__file__).parent / "leaderboard.schema.json"
PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def schema() -> dict[str, Any]:
    """The JSON Schema; every object is closed, and every field has its description."""
    found: dict[type, dict[str, Any]] = {}
    top = _object(Leaderboard, found)
    (version,) = get_args(get_type_hints(Leaderboard)["schema"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": version,
        "title": "leaderboard.json of a pytest-medhelm suite",
        **top,
        "$defs": {kind.__name__: entry for kind, entry in sorted(found.items(), key=lambda item: item[0].__name__)},
    }


def _object(kind: type, found: dict[type, dict[str, Any]]) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    texts = dict(_described(kind))
    fields = {name: {"description": texts.get(name, ""), **_schema_of(hint, found)} for name, hint in hints.items()}
    return {
        "description": " ".join((inspect.getdoc(kind) or "").split()),
        "type": "object",
        "properties": fields,
        "required": [name for name, hint in hints.items() if get_origin(hint) is not NotRequired],
        "additionalProperties": False,
    }


def _described(kind: type) -> Iterator[tuple[str, str]]:
    """The string below each field is its description; those of what it extends come first."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(node, ast.ClassDef)
    for base in node.bases:
        assert isinstance(base, ast.Name)
        if base.id != "TypedDict":
            yield from _described(getattr(inspect.getmodule(kind), base.id))
    for field, text in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            assert isinstance(text.value, ast.Constant)
            yield field.target.id, " ".join(str(text.value.value).split())


def _schema_of(hint: Any, found: dict[type, dict[str, Any]]) -> dict[str, Any]:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return _schema_of(parts[0], found)
    if origin is Annotated:
        return _schema_of(parts[0], found) | _limits(parts[1])
    if origin is Literal:
        return {"const": parts[0]} if len(parts) == 1 else {"type": "string", "enum": list(parts)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema_of(part, found) for part in parts]}
    if origin is list:
        return {"type": "array", "items": _schema_of(parts[0], found)}
    if origin is dict:
        names = {} if parts[0] is str else {"propertyNames": _schema_of(parts[0], found)}
        return {"type": "object", "additionalProperties": _schema_of(parts[1], found), **names}
    if is_typeddict(hint):
        if hint not in found:
            found[hint] = {}
            found[hint] |= _object(hint, found)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return {} if hint is Any else {"type": PLAIN[hint]}


def _limits(limits: Limits) -> dict[str, Any]:
    stated = {
        "minimum": limits.minimum,
        "maximum": limits.maximum,
        "minItems": limits.length,
        "maxItems": limits.length,
    }
    return {key: value for key, value in stated.items() if value is not None}


def text() -> str:
    """The file."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(FILE)
    sys.exit(0)
