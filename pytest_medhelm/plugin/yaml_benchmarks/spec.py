"""What a NAME.medhelm.yaml says, once it is checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_medhelm.plugin.yaml_benchmarks.template import Template
from pytest_medhelm.tasks.points import PointsRubric
from pytest_medhelm.tasks.rubric import Rubric
from pytest_medhelm.tasks.taxonomy import Access, Kind
from pytest_medhelm.util.document import Position, Value


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the data, and where the file names it."""

    name: str
    position: Position

    @classmethod
    def of(cls, value: Value) -> Column:
        """The column that a key of the file names. Raises OwnError when it names none."""
        return cls(value.text(), value.position)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a number may be from the reference."""

    amount: float = 0.0
    is_share: bool = False
    """The amount is a share of the reference."""

    def around(self, reference: float) -> float:
        """The accepted distance from this reference."""
        return self.amount * abs(reference) if self.is_share else self.amount


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the reference answer stands, and of which kind it is."""

    column: Column
    kind: str
    choices: tuple[str, ...]
    """The options where they are the same in every row."""
    choice_columns: tuple[Column, ...]
    """The columns that hold the options; a single one holds a list."""
    tolerance: Tolerance
    positive: str
    """The label of which precision and recall are told; empty for none."""

    @property
    def has_choices(self) -> bool:
        """It is one of several options."""
        return self.kind in ("letter", "label")


@dataclass(frozen=True, slots=True)
class Spec:
    """The checked content of one file."""

    path: Path
    name: str
    title: str
    description: str
    subcategory: str
    language: str
    access: Access
    may_use_hosted_api: bool | None
    licence: str
    source: str
    data: str
    delimiter: str
    """Between the cells of a CSV file; empty: a comma."""
    examples: str
    """File with solved examples; empty for none."""
    id: Column | None
    cluster: Column | None
    slices: tuple[Column, ...]
    prompt: Template
    answer: Answer
    metrics: tuple[str, ...]
    rubric: str | Rubric | PointsRubric
    gates: tuple[str, ...]
    keeps_gold: tuple[str, ...]
    """Families of perturbations, or single ones, that leave its right answers right."""

    @property
    def kind(self) -> Kind:
        """The benchmark's kind, by which it can be selected."""
        if self.answer.has_choices:
            return "classification" if self.answer.choices else "multiple_choice"
        if self.answer.kind == "number":
            return "calculation"
        if self.rubric:
            return "jury"
        return "extraction" if self.metrics[0].endswith("exact_match") else "generation"

    @property
    def main_metric(self) -> str:
        """The name of the main score without a jury."""
        first = next(name for name in self.metrics if name != "jury")
        return "rouge_l" if first == "rouge" else first

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns that the data must have."""
        named = [Column(name, position) for name, position in self.prompt.columns.items()]
        others = [column for column in (self.id, self.cluster, self.answer.column) if column is not None]
        return (*named, *others, *self.slices, *self.answer.choice_columns)
