"""Ratings of answers and marks of harm by clinicians and judges, read from a table.

Three forms are recognised by their columns. One answer and rater a row, as a clinician fills in a spreadsheet:

    rater, benchmark, instance, model, accuracy, clarity, ... [, severity, kinds] [, comment]

Long, one score a row:

    rater, benchmark, instance, model, criterion, score [, kind] [, severity, kinds]

and beside the jury's averages, as MedHELM's validation study has it:

    rater, dataset_name, instance_id, model_key, accuracy, ..., llm_accuracy, ...

``kind`` is clinician (default), judge or adjudicated. ``severity`` and ``kinds`` (separated by semicolons) mark harm,
in the words of ``jury.harm``; a long row may hold nothing else. An empty score means "not rated" and is counted;
anything else that is no number is an error. Messages name row and column and never quote a cell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pytest_medhelm.results.store.ratings import Answer, HarmMark, Kind, Rating, Ratings
from pytest_medhelm.scoring.jury.harm import KINDS, SEVERITIES
from pytest_medhelm.tasks.data.readers import read_csv
from pytest_medhelm.tasks.data.rows import Row
from pytest_medhelm.util.errors import DataError

RESERVED = "composite"
"""Computed from the criteria, so no table may hold it."""

_ALIASES = {"benchmark": "dataset_name", "instance": "instance_id", "model": "model_key"}
_JURY_PREFIX = "llm_"
_OPTIONAL = ("kind", "severity", "kinds", "comment")
"""``comment`` is for the rater alone: it is not read."""


def read_ratings(path: Path) -> Ratings:
    """The ratings and marks in a table of any form. Raises DataError naming file, row and column."""
    return ratings_of(read_csv(path), path.name)


def ratings_of(rows: Iterable[Row], file: str) -> Ratings:
    """As ``read_ratings`` of the rows of a table, which ``file`` names."""
    reading = _Reading()
    for row in rows:
        reading.add(row)
    averages = (Rating("jury", "jury", answer, name, score) for (answer, name), score in reading.averages.items())
    scores = (*reading.scores.values(), *averages)
    if not scores and not reading.marks:
        raise DataError(f"{file} holds no score")
    empty = reading.empty
    notes = (f"empty cells, taken as not rated: {empty}",) if empty else ()
    return Ratings(scores, marks=tuple(reading.marks.values()), notes=notes)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which columns hold what."""

    answer: tuple[str, str, str]
    long: bool
    """One score a row, in the columns criterion and score."""
    criteria: tuple[str, ...]
    """Columns with a clinician's scores."""
    averages: tuple[str, ...]
    """Criteria that a column of the jury's averages stands for."""


@dataclass
class _Reading:
    """A table while it is read."""

    layout: _Layout | None = None
    scores: dict[tuple[Kind, str, Answer, str], Rating] = field(default_factory=dict)
    averages: dict[tuple[Answer, str], float] = field(default_factory=dict)
    marks: dict[tuple[Kind, str, Answer], HarmMark] = field(default_factory=dict)
    rows: dict[tuple[object, ...], int] = field(default_factory=dict)
    """By what was given there: the number of its first row."""
    empty: int = 0

    def add(self, row: Row) -> None:
        self.layout = layout = self.layout or _layout(row)
        rater = _name(row, "rater")
        answer = Answer(*(_name(row, column) for column in layout.answer))
        kind = _kind(row)
        mark = _mark(row, kind, rater, answer)
        if mark is not None:
            self._add_mark(row, mark)
        if layout.long and (mark is None or row.optional("criterion") or row.optional("score")):
            self._add_score(row, "score", kind, rater, answer, _criterion(row, row.text("criterion")))
        for column in layout.criteria:
            self._add_score(row, column, kind, rater, answer, _criterion(row, column))
        for criterion in layout.averages:
            self._add_average(row, answer, criterion)

    def _add_score(self, row: Row, column: str, kind: Kind, rater: str, answer: Answer, criterion: str) -> None:
        score = _number(row, column)
        if score is None:
            self.empty += 1
            return
        key = (kind, rater, answer, criterion)
        if key in self.scores:
            raise row.error(f"the same rater rated the same answer in row {self.rows[key]} already")
        self.rows[key] = row.number
        self.scores[key] = Rating(kind, rater, answer, criterion, score)

    def _add_average(self, row: Row, answer: Answer, criterion: str) -> None:
        score = _number(row, _JURY_PREFIX + criterion)
        if score is None:
            self.empty += 1
        elif not math.isclose(self.averages.setdefault((answer, criterion), score), score, abs_tol=1e-9):
            raise row.error(f"the column '{_JURY_PREFIX}{criterion}' differs from an earlier row's")

    def _add_mark(self, row: Row, mark: HarmMark) -> None:
        """Rows of several criteria may repeat a mark; it is of the whole answer."""
        key = (mark.kind, mark.rater, mark.answer)
        if self.marks.setdefault(key, mark) != mark:
            raise row.error(f"the same rater marked the same answer otherwise in row {self.rows[key]}")
        self.rows.setdefault(key, row.number)


def _layout(row: Row) -> _Layout:
    """Raises DataError for a table of another kind."""
    columns = [name for name in row.values if name.strip()]
    for name in columns:
        if name not in _OPTIONAL and name.strip().lower() in _OPTIONAL:
            raise DataError(f"{row.file}: the column {name!r} must be written {name.strip().lower()!r}")
    where = {name: alias if alias in columns else name for name, alias in _ALIASES.items()}
    averages = tuple(name.removeprefix(_JURY_PREFIX) for name in columns if name.startswith(_JURY_PREFIX))
    long = [name for name in ("criterion", "score") if name in columns]
    known = {"rater", *where.values(), *_OPTIONAL}
    criteria: tuple[str, ...] = ()
    required: tuple[str, ...] = ("criterion", "score")
    if not long:
        required = averages
        criteria = averages or tuple(name for name in columns if name not in known)
    missing = [name for name in ("rater", *where.values(), *required) if name not in columns]
    if missing or not (long or criteria or "severity" in columns):
        raise DataError(
            f"{row.file} is no table of ratings"
            + (f": it lacks {', '.join(missing)}" if missing else "")
            + "; its columns must be rater, benchmark, instance, model and either one for each criterion or criterion "
            "and score, and perhaps severity and kinds for harm"
        )
    return _Layout((where["benchmark"], where["instance"], where["model"]), bool(long), criteria, averages)


def _kind(row: Row) -> Kind:
    given = row.optional("kind").lower() or "clinician"
    kinds: tuple[Kind, ...] = ("clinician", "judge", "adjudicated")
    for kind in kinds:
        if kind == given:
            return kind
    raise row.error("the column 'kind' must hold clinician, judge or adjudicated")


def _name(row: Row, column: str) -> str:
    """A name that will be shown."""
    name = row.text(column)
    if not name.isprintable():
        raise row.error(f"the column {column!r} holds a line break or a control character")
    return name


def _criterion(row: Row, name: str) -> str:
    if name == RESERVED or not name.isprintable():
        raise row.error(f"no criterion can have this name; {RESERVED!r} is computed from the others")
    return name


def _number(row: Row, column: str) -> float | None:
    text = row.optional(column)
    if not text:
        return None
    try:
        # A spreadsheet writes numbers as the country does.
        score = float(re.sub(r"^([+-]?\d+),(\d{1,2})$", r"\1.\2", text))
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise row.error(f"the column {column!r} holds no number; leave the cell empty where nothing was rated")
    return score


def _mark(row: Row, kind: Kind, rater: str, answer: Answer) -> HarmMark | None:
    """The mark of harm in a row; capitals, and blanks in place of underscores, do not matter."""
    severity = row.optional("severity").lower()
    named = [part.strip().lower().replace(" ", "_") for part in row.optional("kinds").split(";") if part.strip()]
    if not severity:
        if named:
            raise row.error(
                "the column 'kinds' is filled and 'severity' is empty; write none, mild, moderate or severe"
            )
        return None
    if severity not in SEVERITIES:
        raise row.error("the column 'severity' must hold none, mild, moderate or severe")
    if any(name not in KINDS for name in named):
        raise row.error(f"the column 'kinds' must hold {', '.join(KINDS)}, with a semicolon between several")
    if severity == "none" and named:
        raise row.error("the column 'kinds' is filled and 'severity' is none; one of them must change")
    return HarmMark(kind, rater, answer, severity, tuple(sorted(set(named))))
