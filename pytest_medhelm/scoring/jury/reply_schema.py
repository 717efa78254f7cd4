"""The JSON schema of a judge's reply, as a ``response_format`` for servers that can enforce one."""

from __future__ import annotations

from collections.abc import Mapping

Schema = dict[str, object]


def response_format(schema: Schema) -> Schema:
    """A reply of this schema and nothing else."""
    return {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": schema}}


def json_object(properties: Mapping[str, Schema]) -> Schema:
    """An object that has each of these properties, in this order, and no other."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def explanation(longest: int) -> Schema:
    """A text of at most so many characters; 0: no bound, which not every server knows."""
    return {"type": "string", "maxLength": longest} if longest else {"type": "string"}
