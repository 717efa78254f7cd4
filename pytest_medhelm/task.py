"""What a benchmark declares: a Task, its data files, and the Instances read from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pytest_medhelm.errors import ConfigError
from pytest_medhelm.taxonomy import CATEGORY_OF, Access, Kind


@dataclass(frozen=True, slots=True)
class Instance:
    """One dataset item. Its repr shows the id only: an assertion error must not print a patient's record."""

    id: str
    """Stable and unique within the benchmark; survives a reordering of the file."""
    question: str
    """What is asked, without the options."""
    answer: str
    """The reference: the letter of the right choice, or the text, number or date as the dataset writes it."""
    context: str = ""
    """The note, abstract or dialogue that the question is about."""
    choices: tuple[str, ...] = ()
    """The texts of the options in the order A, B, C, ..."""
    cluster: str = ""
    """Instances that share it come from one source (a patient, a note) and are not independent."""
    slices: Mapping[str, str] = field(default_factory=dict)
    """Named groups that results can be broken down by, e.g. {"category": "lab"}."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What only this benchmark's metric needs, e.g. an accepted range."""
    must_pass: float | None = None
    """A never-event: the test fails when the main metric falls below this value."""

    def __repr__(self) -> str:
        return f"Instance({self.id!r})"


@dataclass(frozen=True, slots=True)
class DataFile:
    """One pinned upstream file."""

    name: str
    """Path below the benchmark's folder, as upstream names the file."""
    sha256: str
    """Of the unpacked file, 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Task:
    """The declaration of one benchmark.

    Raises ConfigError when a field has a value outside its closed list.
    """

    name: str
    """Identifier, as MedHELM spells it; also a pytest mark."""
    title: str
    subcategory: str
    """One of the 22 of taxonomy.CATEGORIES."""
    access: Access
    kind: Kind
    files: tuple[DataFile, ...]
    load: Callable[..., Iterable[Instance]]
    """Called with one Path per data file; yields instances; raises DataError naming file and row."""
    main_metric: str
    licence: str
    source: str
    """Where the data comes from: repository or paper."""
    scale: tuple[float, float] = (0.0, 1.0)
    """Worst and best value of the main metric."""
    chance: float | None = None
    """Expected main value of guessing, where it is known."""
    language: str = "en"
    """BCP 47 code: decides how numbers and refusals are read."""
    strata: str = ""
    """Name of a slice whose groups are fixed sub-runs, averaged with equal weight; empty for none."""
    rubric: str = ""
    """Name of the rubric that a jury grades by, as a file in jury/rubrics is called; empty for none."""

    def __post_init__(self) -> None:
        if self.subcategory not in CATEGORY_OF:
            raise ConfigError(
                f"Task {self.name!r}: subcategory {self.subcategory!r} is not one of: {', '.join(CATEGORY_OF)}"
            )
        for name, value, allowed in (
            ("access", self.access, get_args(Access)),
            ("kind", self.kind, get_args(Kind)),
        ):
            if value not in allowed:
                raise ConfigError(f"Task {self.name!r}: {name} {value!r} is not one of: {', '.join(allowed)}")

    @property
    def category(self) -> str:
        """The MedHELM category that the subcategory belongs to."""
        return CATEGORY_OF[self.subcategory]
