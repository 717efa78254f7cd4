"""From a judge's reply to a verdict: read strictly, never completed, never a default grade."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import fmean
from typing import TYPE_CHECKING, cast

from pytest_medhelm.models.price import spent
from pytest_medhelm.scoring import answers
from pytest_medhelm.scoring.answers.json_text import without_conflicts
from pytest_medhelm.scoring.jury import harm
from pytest_medhelm.scoring.jury.loose_json import read_object
from pytest_medhelm.scoring.record_types import HarmMark, VerdictRecord, VerdictRepeat
from pytest_medhelm.tasks.rubric import Rubric

if TYPE_CHECKING:
    from pytest_medhelm.models.engine.request import Completion
    from pytest_medhelm.models.spec import Model

OBJECTS = 50
"""Openings of objects in a reply that are looked at: the reply may hold another verdict behind the first."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply says, or why it cannot be used."""

    scores: Mapping[str, float] = field(default_factory=dict)
    """By criterion; empty where the rubric has classes."""
    named: str = ""
    """The class, where the rubric has classes."""
    harm: HarmMark | None = None
    problem: str = ""
    """Empty for a usable reply. Holds no text of it."""
    harm_problem: str = ""
    """Why the mark of harm in a reply that is usable otherwise cannot be used."""


@dataclass(frozen=True, slots=True)
class JudgeAttempt:
    """One judge's answer to one request: its replies, the second of which repairs the first."""

    keys: Sequence[str]
    """Of the requests, in the order in which they were made."""
    completions: Sequence[Completion]

    @property
    def last(self) -> Completion:
        """The last one."""
        return self.completions[-1]

    def reading(self, rubric: Rubric) -> Reading:
        """What counts: the last reply with all that was asked for, else the last with usable scores."""
        readings = [read_reply(rubric, completion) for completion in self.completions]
        complete = [reading for reading in readings if not reading.problem and not reading.harm_problem]
        usable = [reading for reading in readings if not reading.problem]
        return (complete or usable or readings)[-1]


def read_reply(rubric: Rubric, completion: Completion) -> Reading:
    """Read a judge's reply: the JSON in it, behind any thinking, with every criterion on the scale or one class."""
    if completion.outcome != "ok":
        return Reading(problem=completion.error or completion.outcome)
    return _read(rubric, completion.content, completion.reasoning, completion.finish_reason == "length")


# The look-ahead reads a reply, the test reads it, and the verdict is made of it.
@lru_cache(maxsize=1000)
def _read(rubric: Rubric, content: str, reasoning: str, cut: bool) -> Reading:
    text = answers.split_thinking(content, reasoning or None).answer.strip()
    if not text:
        return Reading(problem="its reply is empty")
    value = answers.read_json(text)
    reading = _reading(rubric, value)
    if reading.problem:
        mended = _reading(rubric, read_object(text))
        reading = reading if mended.problem else mended
    if reading.problem:
        return Reading(problem="its reply is cut off: give it more max_tokens") if cut else reading
    # A judge that quotes a verdict, say the answer's own, before it gives another has not said which one counts.
    for other in _objects(text):
        if other == value:
            continue
        further = _reading(rubric, other)
        if not further.problem and (further.scores, further.named, further.harm) != (
            reading.scores,
            reading.named,
            reading.harm,
        ):
            return Reading(problem="its reply holds several verdicts that differ")
    return reading


def _reading(rubric: Rubric, value: object) -> Reading:
    if not isinstance(value, Mapping):
        return Reading(problem="its reply is not the JSON that was asked for")
    if rubric.classes:
        named = read_class(rubric, value)
        return Reading(named=named) if named else Reading(problem=f"it names none of {', '.join(rubric.classes)}")
    ratings = read_verdict(rubric, value)
    if ratings is None:
        worst, best = rubric.scale
        missing = ", ".join(unrated(rubric, value))
        return Reading(problem=f"it gives no whole number from {worst} to {best} as score of {missing}")
    scores = {name: float(rating) for name, rating in ratings.items()}
    if not rubric.harm:
        return Reading(scores)
    mark = harm.read_harm(value)
    # A judge that marks nothing leaves a gap, as harm.py says; one whose mark cannot be used is asked again.
    given = any(str(key).strip().lower() == "harm" for key in value)
    problem = (
        ""
        if mark or not given
        else f"harm needs a severity ({', '.join(harm.SEVERITIES)}), and no kinds where it is none"
    )
    return Reading(scores, harm=mark, harm_problem=problem)


def _objects(text: str) -> Iterator[object]:
    """The JSON objects that stand one behind the other in a text."""
    decoder = json.JSONDecoder(object_pairs_hook=without_conflicts)
    position = text.find("{")
    for _ in range(OBJECTS):
        if position < 0:
            return
        try:
            value, end = decoder.raw_decode(text, position)
            yield value
        except (ValueError, RecursionError):
            end = position + 1
        position = text.find("{", end)


def make_verdict(
    rubric: Rubric,
    judge: Model,
    tries: Sequence[JudgeAttempt],
    *,
    values: Mapping[str, float] | None,
    facts: Mapping[str, object],
) -> VerdictRecord:
    """One judge's verdict as plain values; explanations stay in responses.sqlite, found by the request's key.

    ``values`` gives classes their value; a class without one is not usable. Several tries are averaged over those
    that can be used, and kept, so that the spread within the judge can be told. ``facts`` is what all verdicts share.
    """
    readings = [_valued(attempt.reading(rubric), values) for attempt in tries]
    usable = [reading for reading in readings if not reading.problem]
    completions = [completion for attempt in tries for completion in attempt.completions]
    usage = Counter[str]()
    for completion in completions:
        usage.update(completion.usage)
    marks = [reading.harm for reading in usable if reading.harm is not None]
    cost, paid = spent(
        judge.price,
        [(completion.usage, completion.cached) for completion in completions if completion.outcome != "request_error"],
    ).values()
    verdict: VerdictRecord = {
        "judge": judge.name,
        "served": next((attempt.last.served for attempt in tries if attempt.last.served), judge.served),
        "request": tries[0].keys[-1],
        "requests": [key for attempt in tries for key in attempt.keys],
        "status": "ok" if usable else "judge_error",
        "scores": _average(usable),
        "harm": harm.worst(marks) if marks else None,
        "error": "" if usable else readings[0].problem,
        "repaired": sum(len(attempt.keys) > 1 for attempt in tries),
        "latency": sum(completion.latency for completion in completions),
        "cached": all(completion.cached for completion in completions),
        "usage": dict(usage),
        "cost": cost,
        "paid": paid,
    }
    verdict |= cast(VerdictRecord, facts)
    if rubric.harm and usable and not marks:
        verdict["harm_error"] = usable[0].harm_problem
    if len(tries) > 1:
        verdict["repeats"] = [_repeat(*each) for each in zip(tries, readings, strict=True)]
    return verdict


def _repeat(attempt: JudgeAttempt, reading: Reading) -> VerdictRepeat:
    """One of several tries."""
    return {
        "request": attempt.keys[-1],
        "error": reading.problem,
        "scores": dict(reading.scores),
        "harm": reading.harm,
    }


def _valued(reading: Reading, values: Mapping[str, float] | None) -> Reading:
    """A class as a score under its name."""
    if values is None or reading.problem:
        return reading
    if reading.named not in values:
        return Reading(problem=f"its class {reading.named} has no value")
    return Reading({reading.named: values[reading.named]}, reading.named)


def _average(usable: Sequence[Reading]) -> dict[str, float]:
    """The mean of each criterion; of classes, the mean value under the name of the most frequent one."""
    if not usable:
        return {}
    if usable[0].named:
        counts = Counter(reading.named for reading in usable)
        often = min(counts, key=lambda name: (-counts[name], name))
        return {often: fmean(value for reading in usable for value in reading.scores.values())}
    return {name: fmean(reading.scores[name] for reading in usable) for name in usable[0].scores}


def read_verdict(rubric: Rubric, value: object) -> dict[str, int] | None:
    """The score of each criterion in a judge's JSON.

    None unless every criterion has a whole number on the scale: a half-read verdict is no verdict.
    """
    if not isinstance(value, Mapping):
        return None
    scores = {criterion.name: _score(_rating_of(value, criterion.name), rubric) for criterion in rubric.criteria}
    whole = {name: score for name, score in scores.items() if score is not None}
    return whole if len(whole) == len(scores) else None


def unrated(rubric: Rubric, value: Mapping[str, object]) -> list[str]:
    """The criteria that have no whole number on the scale in a judge's JSON."""
    names = [criterion.name for criterion in rubric.criteria]
    return [name for name in names if _score(_rating_of(value, name), rubric) is None]


def _rating_of(value: Mapping[str, object], name: str) -> Mapping[str, object]:
    """What stands under a criterion's name, however it is spelled; nothing where two spellings differ in score."""
    ratings = [
        {str(part).lower(): said for part, said in rating.items()}
        for key, rating in value.items()
        if _letters(str(key)) == _letters(name) and isinstance(rating, Mapping)
    ]
    scores = {str(rating.get("score")) for rating in ratings}
    return ratings[0] if len(scores) == 1 else {}


@lru_cache(maxsize=1000)
def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_")


def _score(rating: Mapping[str, object], rubric: Rubric) -> int | None:
    """A whole number on the scale: 4, 4.0, "4", or "4/5" where 5 is the scale's upper end."""
    given = rating.get("score")
    top = max(rubric.scale)
    if isinstance(given, str):
        written = re.fullmatch(
            r"\s*([+-]?[0-9]{1,4}(?:\.0{1,4})?)(?:\s*(?:/|out of|von|de|sur)\s*([0-9]{1,4}))?\s*", given
        )
        if not written or (written[2] and int(written[2]) != top):
            return None
        given = float(written[1])
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return int(given) if min(rubric.scale) <= given <= top and given == int(given) else None


def read_class(rubric: Rubric, value: object) -> str | None:
    """The class that a judge's JSON names, or None: a name that is not in the rubric is no verdict."""
    given = value.get("class") if isinstance(value, Mapping) else None
    name = given.strip().upper() if isinstance(given, str) else ""
    return name if name in rubric.classes else None
