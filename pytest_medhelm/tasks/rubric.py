"""A rubric: what judges rate an answer by, or sort it into, and what a judge is told.

It has either criteria, each rated on a scale, or classes, of which a judge names one. ``rubric_files`` reads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is rated."""

    name: str
    question: str
    anchors: Mapping[str, str]
    """What some values of the scale mean."""


@dataclass(frozen=True, slots=True)
class Rubric:
    """All that a judge is told."""

    name: str
    criteria: tuple[Criterion, ...]
    """Empty where there are classes."""
    scale: tuple[int, int]
    """Worst and best."""
    shows_reference: bool
    digest: str
    """Hash of the content: part of a record's settings."""
    classes: Mapping[str, str] = field(default_factory=dict)
    """Name and meaning of each class; empty where there are criteria."""
    guidance: str = ""
    """How to find the class."""
    blocked: str = ""
    """The class of a reply that the server's filter stopped; no judge is asked."""
    title: str = ""
    harm: bool = False
    """Judges also mark what harm the answer could do."""
    version: int = 1
    """Raised when answers may be rated otherwise than before."""

    def __hash__(self) -> int:
        return hash(self.digest)

    def as_text(self) -> str:
        """As JSON, from which ``rubric_from`` makes it again."""
        return json.dumps(asdict(self), ensure_ascii=False)


def rubric_from(text: str) -> Rubric:
    """The rubric that ``as_text`` wrote."""
    content = json.loads(text)
    criteria = tuple(Criterion(**criterion) for criterion in content.pop("criteria"))
    return Rubric(criteria=criteria, scale=tuple(content.pop("scale")), **content)
