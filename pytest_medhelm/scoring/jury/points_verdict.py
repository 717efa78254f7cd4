"""From the replies about an answer's criteria to one verdict for each judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from pytest_medhelm.models.price import spent
from pytest_medhelm.scoring.jury.points import Met, points_score
from pytest_medhelm.scoring.jury.points_calls import PointsCall
from pytest_medhelm.scoring.jury.points_prompt import problem_of
from pytest_medhelm.scoring.record_types import VerdictRecord
from pytest_medhelm.tasks.points import PointsCriterion

if TYPE_CHECKING:
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.scoring.jury.verdict import JudgeAttempt

Asked = Sequence[tuple[PointsCall, "JudgeAttempt"]]


def gradings_of(asked: Asked, criteria: int) -> list[Met]:
    """What was said of all criteria: a row for each judge and repeat."""
    rows: dict[tuple[str, int], list[bool | None]] = {}
    for call, attempt in asked:
        row = rows.setdefault((call.call.judge.name, call.repeat), [None] * criteria)
        for position, met in zip(call.positions, call.read(attempt.completions), strict=True):
            row[position] = met
    return list(rows.values())


def points_verdicts(
    asked: Asked, criteria: Sequence[PointsCriterion], facts: Mapping[str, object]
) -> list[VerdictRecord]:
    """One verdict for each judge as plain values; ``facts`` is what all verdicts share.

    ``items`` holds for each repeat and criterion the request's key, behind which responses.sqlite has the explanation,
    and whether it is met (None: missing). A verdict with a missing item has the status ``judge_error`` and no score.
    """
    return [
        cast(VerdictRecord, {**_verdict(judge, list(of_judge), criteria), **facts})
        for judge, of_judge in groupby(asked, key=lambda pair: pair[0].call.judge)
    ]


def _verdict(judge: Model, asked: Asked, criteria: Sequence[PointsCriterion]) -> VerdictRecord:
    completions = [completion for _, attempt in asked for completion in attempt.completions]
    usage = Counter[str]()
    for completion in completions:
        usage.update(completion.usage)
    gradings = gradings_of(asked, len(criteria))
    total = sum(map(len, gradings))
    missing = sum(met is None for given in gradings for met in given)
    score = points_score(criteria, gradings)
    cost, paid = spent(
        judge.price,
        [(completion.usage, completion.cached) for completion in completions if completion.outcome != "request_error"],
    ).values()
    return {
        "judge": judge.name,
        "served": next((completion.served for completion in completions if completion.served), judge.served),
        "request": asked[0][1].keys[-1],
        "requests": [key for _, attempt in asked for key in attempt.keys],
        "status": "judge_error" if missing else "ok",
        "scores": {"points": score.value} if score is not None and score.value is not None else {},
        "items": _items(asked, gradings),
        "harm": None,
        "error": f"{missing} of {total} verdicts are missing: {_problem(asked)}" if missing else "",
        "repaired": sum(len(attempt.keys) > 1 for _, attempt in asked),
        "latency": sum(completion.latency for completion in completions),
        "cached": all(completion.cached for completion in completions),
        "usage": dict(usage),
        "cost": cost,
        "paid": paid,
    }


def _items(asked: Asked, gradings: Sequence[Met]) -> list[list[list[Any]]]:
    keys: dict[int, dict[int, str]] = {}
    for call, attempt in asked:
        keys.setdefault(call.repeat, {}).update(dict.fromkeys(call.positions, attempt.keys[-1]))
    return [
        [[named[position], met] for position, met in enumerate(given)]
        for named, given in zip(keys.values(), gradings, strict=True)
    ]


def _problem(asked: Asked) -> str:
    """Why the first verdict that is missing could not be read."""
    for call, attempt in asked:
        met = call.read(attempt.completions)
        problem = problem_of(attempt.last, met, numbered=call.numbered)
        if problem:
            return problem
    return ""
