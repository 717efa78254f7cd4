"""What people add to a suite after a run: clinicians' ratings and harm marks, and references marked as wrong.

They are kept in suite.sqlite. A table is taken as a whole or not at all; the same table twice changes nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_medhelm.results.store.ratings import Answer, Rating, Ratings, suite_ratings, with_suite_ids
from pytest_medhelm.results.store.suite import Suite
from pytest_medhelm.tasks.data.readers import read_csv
from pytest_medhelm.util.errors import DataError


@dataclass(frozen=True, slots=True)
class Mark:
    """A reference that somebody holds to be wrong; without a reason an earlier mark is taken back."""

    benchmark: str
    instance: str
    reason: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """What was stored, and what fits nothing in the suite."""

    stored: int
    unmatched: int


def add_ratings(suite: Suite, given: Ratings, *, replace: bool = False) -> Added:
    """Store ratings and marks of harm of answers that the suite has; others are counted.

    Instances may be called by their id or their public id. Raises DataError for a score that is off the scale of the
    jury, beside which it is to stand, and, unless they may ``replace`` them, where other ratings of the same rater are
    stored; nothing is stored then.
    """
    known = suite_ratings(suite)
    models = defaultdict(list)
    for benchmark, model in suite.cells():
        models[benchmark].append(model)
    answers = {Answer(name, instance, model) for (name, _), instance in known.public.items() for model in models[name]}
    moved = with_suite_ids(known, given)
    _require_on_scale(suite, [rating for rating in moved.scores if rating.answer in answers])
    rows: list[tuple[object, ...]] = [
        (rating.kind, rating.rater, *rating.answer, rating.criterion, rating.score, "", "")
        for rating in moved.scores
        if rating.kind != "jury" and rating.answer in answers
    ]
    rows += [
        (mark.kind, mark.rater, *mark.answer, "", None, mark.severity, ";".join(mark.kinds))
        for mark in moved.marks
        if mark.answer in answers
    ]
    if not replace:
        _require_new(suite, rows)
    suite.annotations.put_ratings(rows)
    return Added(len(rows), len(moved.scores) + len(moved.marks) - len(rows))


def _require_new(suite: Suite, rows: Collection[tuple[object, ...]]) -> None:
    """Raises DataError where somebody rated otherwise before, e.g. on the screen what stands on their sheet."""

    def content(row: tuple[Any, ...]) -> tuple[object, ...]:
        return row[6], row[7], frozenset(row[8].split(";"))

    stored = {row[:6]: content(row) for row in suite.annotations.ratings()}
    other = [row for row in rows if stored.get(row[:6], content(row)) != content(row)]
    if other:
        raters = sorted({str(row[1]) for row in other})
        answers = len({row[2:5] for row in other})
        raise DataError(
            f"other ratings of {answers} of these answers are stored of {', '.join(raters)}: add --replace to put "
            "these in their place, or name the raters otherwise (a sheet has its rater's name); nothing was stored"
        )


def _require_on_scale(suite: Suite, ratings: Collection[Rating]) -> None:
    scales: dict[tuple[str, str], tuple[float, float]] = {}
    for benchmark, model in {(rating.answer.benchmark, rating.answer.model) for rating in ratings}:
        judged = (record["scales"]["jury"] for record in suite.records(benchmark, model) if "jury" in record["scales"])
        if scale := next(judged, None):
            scales[benchmark, model] = (min(scale), max(scale))
    for rating in ratings:
        answer = rating.answer
        low, high = scales.get((answer.benchmark, answer.model), (-math.inf, math.inf))
        if not low <= rating.score <= high:
            raise DataError(
                f"{answer.benchmark} is rated from {low:g} to {high:g}, and a score of {rating.rater} for "
                f"{rating.criterion} is not: correct it; nothing was stored"
            )


def read_marks(path: Path) -> list[Mark]:
    """Marks from a table: benchmark, instance, reason [, by]. Raises DataError naming file, row and column."""
    marks: dict[tuple[str, str], Mark] = {}
    for row in read_csv(path):
        missing = [name for name in ("benchmark", "instance", "reason") if name not in row.values]
        if missing:
            raise DataError(
                f"{path.name} is no table of marks: it lacks {', '.join(missing)}; "
                "its columns must be benchmark, instance, reason and perhaps by"
            )
        mark = Mark(row.text("benchmark"), row.text("instance"), row.optional("reason"), row.optional("by"))
        if (mark.benchmark, mark.instance) in marks:
            raise row.error("the same instance is marked in an earlier row already")
        marks[mark.benchmark, mark.instance] = mark
    return list(marks.values())


def add_marks(suite: Suite, marks: Collection[Mark]) -> Added:
    """Store marks of instances that the suite has; a mark without a reason takes an earlier one back."""
    public = suite_ratings(suite).public
    known = {(name, instance) for (name, _), instance in public.items()}
    rows = []
    for mark in marks:
        instance = public.get((mark.benchmark, mark.instance), mark.instance)
        if (mark.benchmark, instance) in known:
            rows.append((mark.benchmark, instance, mark.reason, mark.by))
    suite.annotations.put_marks(rows)
    return Added(len(rows), len(marks) - len(rows))
