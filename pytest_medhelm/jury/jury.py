"""The jury: every configured judge rates an answer; a judge that fails leaves a gap, never a grade.

Scores recorded, all on the rubric's scale:

    jury              mean over all judges and criteria; only when every judge gave every criterion
    jury_<criterion>  the same for one criterion
    jury_helm         mean over the judges that answered, as MedHELM 0.8.0 takes it; absent when none did
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pytest_medhelm import answers
from pytest_medhelm.errors import ConfigError
from pytest_medhelm.jury.rubric import Rubric, judge_messages, read_verdict
from pytest_medhelm.task import Instance

if TYPE_CHECKING:
    from pytest_medhelm.asking import Asker
    from pytest_medhelm.engine.request import Completion, Request
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.response import Response
    from pytest_medhelm.results.record import Draft


def judge_requests(asker: Asker, rubric: Rubric, instance: Instance, answer: str, reference: str) -> Sequence[Request]:
    """One request per judge."""
    question = f"{instance.context}\n\n{instance.question}".strip()
    messages = judge_messages(rubric, question=question, answer=answer, reference=reference)
    return [asker.request(judge, messages, instance.id) for judge in asker.lineup.judges]


class Jury:
    """What the ``jury`` fixture gives a test."""

    def __init__(self, asker: Asker, draft: Draft) -> None:
        self._asker = asker
        self._draft = draft

    def rate(self, response: Response, reference: str) -> None:
        """Have every judge rate the response, all at once, and record the scores.

        An answer that is refused, truncated, empty, ... gets the worst value without a judge being asked. When a
        judge gives no usable verdict the record's status is ``judge_error`` and its ``jury`` scores are missing.
        """
        if not self._asker.lineup.judges:
            return
        task = self._draft.benchmark.task
        rubric = self._asker.rubric(self._draft.benchmark)
        if rubric is None:
            raise ConfigError(f"Task {task.name!r} has a jury but names no rubric: add rubric=... to it")
        criteria = [criterion.name for criterion in rubric.criteria]
        if response.status != "ok":
            for name in ("jury", *(f"jury_{name}" for name in criteria), "jury_helm"):
                self._draft.add(name, rubric.scale[0], rubric.scale)
            return
        requests = judge_requests(self._asker, rubric, self._draft.instance, response.text, reference)
        for request in requests:
            self._asker.engine.submit(request, first=True)
        verdicts = [
            _verdict(rubric, judge, request, self._asker.engine.ask(request))
            for judge, request in zip(self._asker.lineup.judges, requests, strict=True)
        ]
        self._draft.verdicts = verdicts
        self._record(rubric, criteria, verdicts)

    def _record(self, rubric: Rubric, criteria: Sequence[str], verdicts: Sequence[dict[str, Any]]) -> None:
        usable = [verdict["scores"] for verdict in verdicts if verdict["status"] == "ok"]
        if usable:
            everything = [scores[name] for scores in usable for name in criteria]
            self._draft.add("jury_helm", fmean(everything), rubric.scale)
        if len(usable) == len(verdicts):
            for name in criteria:
                self._draft.add(f"jury_{name}", fmean(scores[name] for scores in usable), rubric.scale)
            self._draft.add("jury", fmean(everything), rubric.scale)
            return
        failed = [f"{verdict['judge']} ({verdict['error']})" for verdict in verdicts if verdict["status"] != "ok"]
        self._draft.status = "judge_error"
        self._draft.error = f"no usable verdict from {', '.join(failed)}"


def _verdict(rubric: Rubric, judge: Model, request: Request, completion: Completion) -> dict[str, Any]:
    """One judge's verdict as plain values; explanations stay in responses.sqlite, found by the request's hash."""
    verdict = {
        "judge": judge.name,
        "request": request.key,
        "status": "judge_error",
        "scores": {},
        "error": completion.error,
        "latency": completion.latency,
        "cached": completion.cached,
        "usage": dict(completion.usage),
    }
    if completion.outcome != "ok":
        return verdict
    thinking = answers.split_thinking(completion.content, completion.reasoning or None)
    ratings = read_verdict(rubric, answers.read_json(thinking.answer))
    if ratings is None:
        return verdict | {"error": "its reply is not the JSON that was asked for"}
    return verdict | {"status": "ok", "scores": {name: rating["score"] for name, rating in ratings.items()}}
