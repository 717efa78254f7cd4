"""What a resource of each type may hold, as the table resources.toml says: fields, codes, references, status, search.

A field is written ``name[!][*]:Type``: ``!`` required, ``*`` a list. ``code(a|b)`` is one of these, ``Reference(A|B)``
a resource of these types. A search parameter is written ``name=kind:path``, several paths joined by commas.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

COMMON = "id:id meta:object implicitRules:uri language:code text:object contained*:object extension*:object"
_FIELD = re.compile(r"(\w+)(!?)(\*?):(\w+)(?:\(([^)]*)\))?")


@dataclass(frozen=True)
class FieldRule:
    """One element of a resource."""

    name: str
    required: bool
    many: bool
    type: str
    allowed: tuple[str, ...]
    """Of a code its values, of a reference its target types; empty: any."""


@dataclass(frozen=True)
class Rule:
    """A resource type."""

    fields_text: str
    search_text: str
    patient: str = ""
    """Path of the reference to the patient whose chart it belongs to; empty for none."""
    one_of: tuple[str, ...] = ()
    """Elements of which one must be there (value[x])."""
    transitions: Mapping[str, str] | None = None
    """By status, the statuses that may follow, joined by blanks; a status that is not named may become any."""

    @cached_property
    def fields(self) -> Mapping[str, FieldRule]:
        """The elements by name."""
        elements = _FIELD.findall(f"{COMMON} {self.fields_text}")
        return {
            name: FieldRule(name, bool(required), bool(many), kind, tuple(filter(None, allowed.split("|"))))
            for name, required, many, kind, allowed in elements
        }

    @cached_property
    def search(self) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """By search parameter its kind and where it looks."""
        entries = (
            parameter.split("=", 1)
            for parameter in f"_id=token:id _lastUpdated=date:meta.lastUpdated {self.search_text}".split()
        )
        return {name: (text.partition(":")[0], tuple(text.partition(":")[2].split(","))) for name, text in entries}


@cache
def rules() -> Mapping[str, Rule]:
    """The table, by resource type; read when it is first needed, for benchmarks are imported also where none is run."""
    table = tomllib.loads(Path(__file__).with_name("resources.toml").read_text("utf-8"))
    return {
        kind: Rule(
            rule["fields"],
            rule["search"],
            rule.get("patient", ""),
            tuple(rule.get("one_of", "").split()),
            rule.get("transitions"),
        )
        for kind, rule in table.items()
    }
