"""Ratings of answers and marks of harm by clinicians and judges; those in a suite, beside those from a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_medhelm.scoring.record_types import Record
from pytest_medhelm.util.errors import ConfigError

if TYPE_CHECKING:
    from pytest_medhelm.results.store.suite import Suite
    from pytest_medhelm.scoring.record_types import Record

Kind = Literal["clinician", "judge", "jury", "adjudicated"]
"""``jury`` is an average over judges whose single scores are not known; ``adjudicated`` what was settled between
clinicians who differed: it stands for them against judges, and not beside them."""

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
class HarmMark:
    """What harm one rater sees in an answer (jury.harm)."""

    kind: Kind
    rater: str
    answer: Answer
    severity: str
    kinds: tuple[str, ...]


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
    marks: tuple[HarmMark, ...] = ()

    @property
    def answers(self) -> set[Answer]:
        """Everything that was rated or marked."""
        return {rating.answer for rating in self.scores} | {mark.answer for mark in self.marks}

    def only(self, benchmarks: Collection[str]) -> Ratings:
        """The ratings of some benchmarks. Raises ConfigError for one that has none."""
        known = sorted({answer.benchmark for answer in self.answers})
        for name in benchmarks:
            if name not in known:
                raise ConfigError(f"benchmark {name!r} has no ratings: name one of {', '.join(known)}")
        return replace(
            self,
            scores=tuple(rating for rating in self.scores if rating.answer.benchmark in benchmarks),
            metrics={answer: values for answer, values in self.metrics.items() if answer.benchmark in benchmarks},
            marks=tuple(mark for mark in self.marks if mark.answer.benchmark in benchmarks),
        )


def suite_ratings(suite: Suite) -> Ratings:
    """The usable verdicts in a suite with their marks of harm, its overlap metrics, and what clinicians rated there."""
    scores: list[Rating] = []
    marks: list[HarmMark] = []
    metrics: dict[Answer, dict[str, float]] = {}
    public: dict[tuple[str, str], str] = {}
    left: Counter[str] = Counter()
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
            marks += [
                HarmMark("judge", verdict["judge"], answer, mark["severity"], tuple(mark["kinds"]))
                for verdict in record["verdicts"]
                if (mark := verdict.get("harm"))
            ]
            chosen = {name: value for name, value in record["scores"].items() if name.lower().startswith(_OVERLAP)}
            if chosen:
                metrics[answer] = chosen
    for kind, rater, *answer_key, criterion, score, severity, kinds in suite.annotations.ratings():
        answer = Answer(*answer_key)
        if score is not None:
            scores.append(Rating(kind, rater, answer, criterion, score))
        if severity:
            marks.append(HarmMark(kind, rater, answer, severity, tuple(filter(None, kinds.split(";")))))
    notes = tuple(f"{what}, left out: {count}" for what, count in sorted(left.items()) if count)
    return Ratings(tuple(scores), metrics, notes, public, tuple(marks))


def _of_record(record: Record, answer: Answer, known: Collection[str], left: Counter[str]) -> list[Rating]:
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


def with_suite_ids(suite: Ratings, given: Ratings) -> Ratings:
    """Ratings from a file with the suite's names of instances, which it may call by their id or their public id."""
    known = set(suite.public.values())

    def at(answer: Answer) -> Answer:
        if answer.instance in known:
            return answer
        return answer._replace(instance=suite.public.get((answer.benchmark, answer.instance), answer.instance))

    return replace(
        given,
        scores=tuple(replace(rating, answer=at(rating.answer)) for rating in given.scores),
        marks=tuple(replace(mark, answer=at(mark.answer)) for mark in given.marks),
    )


def joined(suite: Ratings, given: Ratings) -> Ratings:
    """Ratings from a file beside those of a suite; instances are named by their id or their public id.

    The file's averages of a jury give way to the suite's judges. Raises ConfigError when no answer is in both, or a
    rating is.
    """
    inside = suite.answers | set(suite.metrics)
    moved = with_suite_ids(suite, given)
    judged = any(rating.kind == "judge" for rating in suite.scores)
    scores = tuple(rating for rating in moved.scores if not (judged and rating.kind == "jury"))
    answers = replace(moved, scores=scores).answers
    if not answers & inside:
        raise ConfigError(_no_match(inside, answers))
    rated = {(rating.kind, rating.rater, rating.answer, rating.criterion) for rating in suite.scores}
    for rating in scores:
        if (rating.kind, rating.rater, rating.answer, rating.criterion) in rated:
            raise ConfigError(
                f"{rating.kind} {rating.rater} rated the same answer in the suite and in the file: keep one"
            )
    notes = [*suite.notes, *given.notes]
    outside = len(answers - inside)
    if outside:
        notes.append(f"answers in the file that the suite has no verdict for: {outside} of {len(answers)}")
    if len(scores) < len(moved.scores):
        notes.append("the file's averages of a jury gave way to the suite's judges")
    return replace(
        suite, scores=(*suite.scores, *scores), notes=tuple(notes), marks=_each_once((*suite.marks, *moved.marks))
    )


def _each_once(marks: Sequence[HarmMark]) -> tuple[HarmMark, ...]:
    """Each rater's mark of an answer once: the last."""
    return tuple({(mark.kind, mark.rater, mark.answer): mark for mark in marks}.values())


def _no_match(inside: Collection[Answer], answers: Collection[Answer]) -> str:
    if not inside:
        return "the suite has no verdict of a judge: run its benchmarks with --medhelm-judge=..."
    for part in ("benchmark", "model"):
        in_suite, in_file = ({getattr(answer, part) for answer in side} for side in (inside, answers))
        if not in_suite & in_file:
            return f"no {part} is in both: the suite has {_some(in_suite)}, the file has {_some(in_file)}"
    return "no answer is in both the suite and the file: their instance ids differ"


def _some(names: Collection[str]) -> str:
    chosen: Sequence[str] = sorted(names)
    return ", ".join(chosen[:3]) + (f" and {len(chosen) - 3} more" if len(chosen) > 3 else "")
