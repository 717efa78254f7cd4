"""Numbers and lists of JSON documents with their limits, which the JSON Schema states (docs/schema.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

JsonObject = Mapping[str, Any]
"""An object as JSON or TOML has it, at the border: who reads it checks its fields."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The smallest and the largest number, or the length of a list."""

    minimum: float | None = None
    maximum: float | None = None
    length: int | None = None


Count = Annotated[int, Limits(minimum=0)]
Share = Annotated[float, Limits(minimum=0, maximum=1)]
Ends = Annotated[list[float], Limits(length=2)]
"""Two numbers, such as the worst and the best value of a scale."""
