"""HealthBench's meta-evaluation: how far a grader agrees with physicians on criteria that are met or not.

The file holds for each answer and criterion what physicians said (openai/simple-evals, healthbench_meta_eval). A
grader's verdict is compared with each physician's label; macro-F1 is the mean of the F1 of "met" and that of "not met".
The reference is the same of each physician's label against every other physician's of the same answer and criterion.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pytest_medhelm.tasks.data.readers import read_jsonl
from pytest_medhelm.tasks.data.rows import Row
from pytest_medhelm.util.errors import DataError

THEMES = (
    "emergency_referrals", "communication", "complex_responses", "hedging", "health_data_tasks", "global_health",
    "context_seeking",
)  # fmt: skip
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer and criterion, with what physicians said. Its texts are not in its repr."""

    completion_id: str
    rubric: str
    category: str
    labels: tuple[bool, ...]
    prompt: tuple[Mapping[str, str], ...] = ()
    completion: str = ""

    def __repr__(self) -> str:
        return f"Labelled({self.completion_id!r}, {self.category!r})"

    @property
    def key(self) -> tuple[str, str]:
        """What a verdict is about."""
        return self.completion_id, self.rubric

    @property
    def theme(self) -> str:
        """Of the example; empty where the category names none of the seven."""
        name = self.category.removeprefix("cluster:")
        return next((theme for theme in THEMES if name.startswith(theme)), "")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Macro-F1 with a 95 % interval."""

    macro_f1: float | None
    """None where one of the two classes never occurs."""
    low: float | None
    high: float | None
    pairs: int
    """Of a verdict and a label."""


@dataclass(frozen=True, slots=True)
class MetaEvaluation:
    """Grader and physicians, over all and by theme ("" is all)."""

    grader: Mapping[str, Agreement]
    physicians: Mapping[str, Agreement]
    examples: int
    missing: int
    """Examples on which the grader has no verdict: left out on both sides, and never taken as not met."""


def read_labelled(path: Path) -> list[Labelled]:
    """The examples of a meta-evaluation file. Raises DataError naming file and row."""
    return [_labelled(row) for row in read_jsonl(path)]


def _labelled(row: Row) -> Labelled:
    labels = row.take("binary_labels", list)
    people = row.take("anonymized_physician_ids", list)
    if not labels or not all(isinstance(label, bool) for label in labels):
        raise row.error("the column 'binary_labels' holds something else than true and false")
    if len(people) != len(labels):
        raise row.error("it has another number of labels than of physicians")
    prompt = row.take("prompt", list)
    if not all(isinstance(message, Mapping) for message in prompt):
        raise row.error("the column 'prompt' is no list of messages")
    return Labelled(
        row.text("completion_id"), row.text("rubric"), row.text("category"), tuple(labels), tuple(prompt),
        row.text("completion"),
    )  # fmt: skip


def read_grades(path: Path) -> dict[tuple[str, str], bool]:
    """A grader's verdicts: completion_id, rubric and criteria_met in each line. Raises DataError."""
    grades: dict[tuple[str, str], bool] = {}
    for row in read_jsonl(path):
        key = (row.text("completion_id"), row.text("rubric"))
        met = row.take("criteria_met", bool)
        if grades.setdefault(key, met) != met:
            raise row.error("it says otherwise than an earlier row about the same answer and criterion")
    return grades


def meta_evaluate(examples: Sequence[Labelled], grades: Mapping[tuple[str, str], bool]) -> MetaEvaluation:
    """Compare a grader's verdicts with physicians' labels. Raises DataError when they have no example in common."""
    graded = [example for example in examples if example.key in grades]
    if not graded:
        raise DataError(
            "no verdict is about an answer and criterion of the file: both are named as the file names them"
        )
    themes = ["", *sorted({example.theme for example in graded} - {""})]
    return MetaEvaluation(
        grader={
            theme: _agreement(
                [
                    (example.completion_id, _compared(grades[example.key], example.labels))
                    for example in _of(graded, theme)
                ]
            )
            for theme in themes
        },
        physicians={
            theme: _agreement([(example.completion_id, _among(example.labels)) for example in _of(graded, theme)])
            for theme in themes
        },
        examples=len(graded),
        missing=len(examples) - len(graded),
    )


def _of(examples: Iterable[Labelled], theme: str) -> list[Labelled]:
    return [example for example in examples if not theme or example.theme == theme]


Table = tuple[int, int, int, int]
"""(met, met), (met, not met), (not met, met), (not met, not met): the rater's verdict first, the label second."""


def _compared(verdict: bool, labels: Sequence[bool]) -> Table:
    counts = Counter((verdict, label) for label in labels)
    return counts[True, True], counts[True, False], counts[False, True], counts[False, False]


def _among(labels: Sequence[bool]) -> Table:
    """Each physician against each other one."""
    rows = [_compared(label, [*labels[:index], *labels[index + 1 :]]) for index, label in enumerate(labels)]
    return tuple(map(sum, zip(*rows, strict=True)))  # type: ignore[return-value]


def _agreement(entries: Sequence[tuple[str, Table]]) -> Agreement:
    """Over all pairs; the interval is that of 1,000 seeded resamples of answers, whose criteria stay together."""
    clusters: defaultdict[str, list[Table]] = defaultdict(list)
    for name, table in entries:
        clusters[name].append(table)
    sums = np.array([np.sum(tables, axis=0) for tables in clusters.values()], dtype=np.float64)
    total = sums.sum(axis=0)
    value = macro_f1(total)
    low = high = None
    if value is not None and len(sums) > 1:
        generator = np.random.default_rng(0)
        drawn = [macro_f1(sums[generator.integers(0, len(sums), len(sums))].sum(axis=0)) for _ in range(RESAMPLES)]
        known = [figure for figure in drawn if figure is not None]
        low, high = (float(np.quantile(known, share)) for share in (0.025, 0.975))
    return Agreement(value, low, high, int(total.sum()))


def macro_f1(table: Sequence[float]) -> float | None:
    """The mean F1 of "met" and "not met"; None where a class has neither verdict nor label."""
    both, only_verdict, only_label, neither = (float(count) for count in table)
    scores = [
        2 * hits / (2 * hits + only_verdict + only_label) if hits + only_verdict + only_label else None
        for hits in (both, neither)
    ]
    return None if None in scores else sum(score for score in scores if score is not None) / 2


def lines(evaluation: MetaEvaluation) -> list[str]:
    """What is printed of it."""
    head = f"{evaluation.examples:,} answers and criteria with physicians' labels"
    if evaluation.missing:
        head += f"; {evaluation.missing:,} more have no verdict of the grader and are left out"
    rows = [
        ("all" if not theme else theme.replace("_", " "), evaluation.grader[theme], evaluation.physicians[theme])
        for theme in evaluation.grader
    ]
    return [
        head,
        f"{'macro-F1':<22}{'grader':<24}{'physicians among themselves':<28}",
        *(f"{name:<22}{_shown(grader):<24}{_shown(physicians):<28}" for name, grader, physicians in rows),
    ]


def _shown(agreement: Agreement) -> str:
    if agreement.macro_f1 is None:
        return "-"
    interval = "" if agreement.low is None else f" ({agreement.low:.2f} to {agreement.high:.2f})"
    return f"{agreement.macro_f1:.3f}{interval}"
