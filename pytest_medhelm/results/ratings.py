"""Ratings of answers by clinicians and judges, read from a table or from the verdicts of a suite.

Two forms of tables are recognised by their columns. Long, one score a row:

    rater, benchmark, instance, model, criterion, score [, kind]      kind is clinician (default) or judge

Wide, one rater and answer a row, beside the jury's averages, as MedHELM's validation study has it:

    rater, dataset_name, instance_id, model_key, accuracy, ..., llm_accuracy, ...

An empty score means "not rated" and is counted; anything else that is no number is an error. Messages name row and
column and never quote a cell.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, NamedTuple

from pytest_medhelm.datasets.readers import Row, read_csv
from pytest_medhelm.errors import ConfigError, DataError

Kind = Literal["clinician", "judge", "jury"]
"""``jury`` is an average over judges whose single scores are not known."""

_ALIASES = {"benchmark": "dataset_name", "instance": "instance_id", "model": "model_key"}
_JURY_PREFIX = "llm_"
_OVERLAP = ("rouge_l", "rougel", "bertscore", "bert_score")


class Answer(NamedTuple):
    """What is rated: a model's answer to an instance."""

    benchmark: str
    instance: str
    model: str


@dataclass(frozen=True, slots=True)
class Rating:
    """One score."""

    kind: Kind
    rater: str
    answer: Answer
    criterion: str
    score: float


@dataclass(frozen=True, slots=True)
class Ratings:
    """All scores of some answers."""

    scores: tuple[Rating, ...]
    metrics: Mapping[Answer, Mapping[str, float]] = field(default_factory=dict)
    """Overlap and semantic metrics of answers in a suite, by name."""
    notes: tuple[str, ...] = ()
    """What was left out on reading, and why."""
    public: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(benchmark, public id) -> instance, for a suite."""

    def only(self, benchmarks: Collection[str]) -> Ratings:
        """The ratings of some benchmarks. Raises ConfigError for one that has none."""
        known = sorted({rating.answer.benchmark for rating in self.scores})
        for name in benchmarks:
            if name not in known:
                raise ConfigError(f"benchmark {name!r} has no ratings: name one of {', '.join(known)}")
        return replace(
            self,
            scores=tuple(rating for rating in self.scores if rating.answer.benchmark in benchmarks),
            metrics={answer: values for answer, values in self.metrics.items() if answer.benchmark in benchmarks},
        )


def read_ratings(path: Path) -> Ratings:
    """The ratings in a table of either form. Raises DataError naming file, row and column."""
    scores: list[Rating] = []
    first: dict[tuple[Kind, str, Answer, str], int] = {}
    jury: dict[tuple[Answer, str], float] = {}
    empty = 0
    for row in read_csv(path):
        for rating in _of_row(row):
            if rating is None:
                empty += 1
                continue
            if rating.kind == "jury":
                known = jury.setdefault((rating.answer, rating.criterion), rating.score)
                if not math.isclose(known, rating.score, abs_tol=1e-9):
                    raise row.error(f"the column '{_JURY_PREFIX}{rating.criterion}' differs from an earlier row's")
                continue
            seen = first.setdefault((rating.kind, rating.rater, rating.answer, rating.criterion), row.number)
            if seen != row.number:
                raise row.error(f"the same rater rated the same answer in row {seen} already")
            scores.append(rating)
    scores += [Rating("jury", "jury", answer, criterion, score) for (answer, criterion), score in jury.items()]
    if not scores:
        raise DataError(f"{path.name} holds no score")
    return Ratings(tuple(scores), notes=(f"empty cells, taken as not rated: {empty}",) if empty else ())


def _of_row(row: Row) -> Iterator[Rating | None]:
    """The ratings of a row; None for an empty cell."""
    columns = list(row.values)
    where = {name: alias if alias in columns else name for name, alias in _ALIASES.items()}
    jury = [name.removeprefix(_JURY_PREFIX) for name in columns if name.startswith(_JURY_PREFIX)]
    long = "criterion" in columns and "score" in columns
    needed = ["rater", *where.values(), *([] if long else jury)]
    if (not long and not jury) or any(name not in columns for name in needed):
        missing = [name for name in needed if name not in columns]
        raise DataError(
            f"{row.file} is no table of ratings"
            + (f": it lacks {', '.join(missing)}" if missing else "")
            + "; its columns must be rater, benchmark, instance, model, criterion, score (and perhaps kind), or "
            f"criteria beside columns of the jury's averages that start with {_JURY_PREFIX}"
        )
    rater = row.text("rater")
    answer = Answer(*(row.text(where[name]) for name in ("benchmark", "instance", "model")))
    if long:
        kind = row.optional("kind").lower() or "clinician"
        if kind not in ("clinician", "judge"):
            raise row.error("the column 'kind' must hold clinician or judge")
        yield _rating(row, "score", "judge" if kind == "judge" else "clinician", rater, answer, row.text("criterion"))
        return
    for criterion in jury:
        yield _rating(row, criterion, "clinician", rater, answer, criterion)
        yield _rating(row, _JURY_PREFIX + criterion, "jury", "jury", answer, criterion)


def _rating(row: Row, column: str, kind: Kind, rater: str, answer: Answer, criterion: str) -> Rating | None:
    text = row.optional(column)
    if not text:
        return None
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise row.error(f"the column {column!r} holds no number; leave the cell empty where nothing was rated")
    return Rating(kind, rater, answer, criterion, score)


def suite_ratings(folder: Path) -> Ratings:
    """The usable verdicts in a suite, and its overlap metrics. Raises ConfigError when there is no suite."""
    if not (folder / "suite.sqlite").is_file():
        raise ConfigError(f"{folder} is no suite: it holds no suite.sqlite; name e.g. medhelm-results/default")
    from pytest_medhelm.results.suite import Suite

    scores: list[Rating] = []
    metrics: dict[Answer, dict[str, float]] = {}
    public: dict[tuple[str, str], str] = {}
    left: Counter[str] = Counter()
    suite = Suite(folder)
    try:
        for benchmark, model in suite.cells():
            records = [*suite.records(benchmark, model)]
            criteria = {name for record in records for name in record["scores"]}
            for record in records:
                if record["perturbation"] or record["repeat"]:
                    left["answers to perturbed or repeated instances"] += bool(record["verdicts"])
                    continue
                answer = Answer(benchmark, record["instance"], model)
                public[benchmark, record["public_id"]] = record["instance"]
                scores += _of_record(record, answer, criteria, left)
                chosen = {name: value for name, value in record["scores"].items() if name.lower().startswith(_OVERLAP)}
                if chosen:
                    metrics[answer] = chosen
    finally:
        suite.close()
    notes = tuple(f"{what}, left out: {count}" for what, count in sorted(left.items()) if count)
    return Ratings(tuple(scores), metrics, notes, public)


def _of_record(record: Mapping[str, Any], answer: Answer, known: Collection[str], left: Counter[str]) -> list[Rating]:
    """A judge that was asked several times about one answer counts once, with its mean."""
    given: dict[tuple[str, str], list[float]] = {}
    for verdict in record["verdicts"]:
        if verdict["status"] != "ok":
            left["verdicts that could not be used"] += 1
            continue
        for name, score in verdict["scores"].items():
            # a judge that sorts names a class, with a value: there is one criterion then
            rates = len(verdict["scores"]) > 1 or f"jury_{name}" in known
            given.setdefault((verdict["judge"], name if rates else "class"), []).append(float(score))
    return [Rating("judge", judge, answer, name, fmean(values)) for (judge, name), values in given.items()]


def joined(suite: Ratings, given: Ratings) -> Ratings:
    """Ratings from a file beside the verdicts of a suite; instances are named by their id or their public id.

    The file's averages of a jury give way to the suite's judges. Raises ConfigError when no answer is in both.
    """
    inside = {rating.answer for rating in suite.scores} | set(suite.metrics)
    instances = set(suite.public.values())
    moved: list[Rating] = []
    outside: set[Answer] = set()
    averages = 0
    for rating in given.scores:
        if rating.kind == "jury" and suite.scores:
            averages += 1
            continue
        benchmark, instance, model = rating.answer
        if instance not in instances:
            instance = suite.public.get((benchmark, instance), instance)
        answer = Answer(benchmark, instance, model)
        if answer not in inside:
            outside.add(answer)
        moved.append(replace(rating, answer=answer))
    answers = {rating.answer for rating in moved}
    if not answers & inside:
        raise ConfigError(_no_match(inside, answers))
    rated = {(rating.kind, rating.rater, rating.answer, rating.criterion) for rating in suite.scores}
    for rating in moved:
        if (rating.kind, rating.rater, rating.answer, rating.criterion) in rated:
            raise ConfigError(f"judge {rating.rater} rated the same answer in the suite and in the file: keep one")
    notes = [*suite.notes, *given.notes]
    if outside:
        notes.append(f"answers in the file that the suite has no verdict for: {len(outside)} of {len(answers)}")
    if averages:
        notes.append("the file's averages of a jury gave way to the suite's judges")
    return Ratings((*suite.scores, *moved), suite.metrics, tuple(notes), suite.public)


def _no_match(inside: Collection[Answer], answers: Collection[Answer]) -> str:
    if not inside:
        return "the suite has no verdict of a judge: run its benchmarks with --medhelm-judge=..."
    for part in ("benchmark", "model"):
        ours, theirs = ({getattr(answer, part) for answer in side} for side in (inside, answers))
        if not ours & theirs:
            return f"no {part} is in both: the suite has {_some(ours)}, the file has {_some(theirs)}"
    return "no answer is in both the suite and the file: their instance ids differ"


def _some(names: Collection[str]) -> str:
    chosen: Sequence[str] = sorted(names)
    return ", ".join(chosen[:3]) + (f" and {len(chosen) - 3} more" if len(chosen) > 3 else "")
