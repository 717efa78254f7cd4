"""Looking into resources: the values at a path, references, names and codings."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

Resource = Mapping[str, Any]
"""A FHIR resource, or a part of one: ``validate`` checks what is in it."""
NewResource = dict[str, Any]
"""One that is being made."""


def values_at(element: Any, path: str) -> Iterator[Any]:
    """All values at a path like ``name.family``, through lists."""
    if isinstance(element, list):
        for item in element:
            yield from values_at(item, path)
        return
    if not path:
        yield element
        return
    head, _, rest = path.partition(".")
    if isinstance(element, Mapping) and element.get(head) is not None:
        yield from values_at(element[head], rest)


def reference_of(value: Any) -> str:
    """``Type/id`` of a reference, whatever server its address names; empty for none."""
    text = value.get("reference") if isinstance(value, Mapping) else value
    parts = text.split("/_history/")[0].strip("/").split("/") if isinstance(text, str) else []
    return "/".join(parts[-2:]) if len(parts) >= 2 else ""


def codings(value: Any) -> Iterator[Resource]:
    """The codings of a CodeableConcept, or a Coding itself."""
    if isinstance(value, Mapping):
        inner = value.get("coding")
        if isinstance(inner, list):
            yield from (coding for coding in inner if isinstance(coding, Mapping))
        elif "code" in value:
            yield value


def text_of_concept(value: Any) -> str:
    """What a concept is called."""
    if not isinstance(value, Mapping):
        return ""
    shown = next((str(coding["display"]) for coding in codings(value) if coding.get("display")), "")
    return str(value.get("text") or shown or next((str(coding.get("code", "")) for coding in codings(value)), ""))


def text_of_binary(resource: Resource) -> str:
    """The text of a Binary or an Attachment; empty for what is none."""
    try:
        return base64.b64decode(str(resource.get("data", ""))).decode("utf-8", "replace")
    except ValueError:
        return ""
