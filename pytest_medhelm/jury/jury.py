"""The jury: every configured judge rates an answer, or sorts it; a judge that fails leaves a gap, never a grade.

Scores recorded, all on the rubric's scale (0 to 1 for the values of classes):

    jury              mean over all judges and criteria; only when every judge gave every criterion, or a class
    jury_<criterion>  the same for one criterion
    jury_helm         mean over the judges that answered, as MedHELM 0.8.0 takes it; absent when none did
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from pytest_medhelm import answers
from pytest_medhelm.errors import ConfigError
from pytest_medhelm.jury.rubric import Rubric, judge_messages, read_class, read_verdict
from pytest_medhelm.models.price import spent
from pytest_medhelm.task import Instance

if TYPE_CHECKING:
    from pytest_medhelm.asking import Asker
    from pytest_medhelm.engine.request import Completion, Request
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.response import Response
    from pytest_medhelm.results.record import Draft

Read = Callable[[object], "dict[str, float] | str"]
"""From the JSON of a judge to scores by name, or to the reason why there are none."""

_NOT_JSON = "its reply is not the JSON that was asked for"


def judge_requests(asker: Asker, rubric: Rubric, instance: Instance, answer: str, reference: str) -> Sequence[Request]:
    """One request per judge."""
    question = f"{instance.context}\n\n{instance.question}".strip()
    messages = judge_messages(rubric, question=question, answer=answer, reference=reference)
    return [asker.request(judge, messages, instance.id) for judge in asker.lineup.judges]


def is_judged(rubric: Rubric, response: Response) -> bool:
    """Whether the judges are asked about a response. Where they sort replies, a refusal is a reply like any other."""
    if rubric.classes:
        response.refuses()
    return response.status == "ok" and not response.blocked


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
        rubric = self._rubric()
        if rubric is None:
            return
        if not rubric.criteria:
            raise ConfigError(f"rubric {rubric.name!r} has classes: call jury.classify(...) instead of jury.rate(...)")
        criteria = [criterion.name for criterion in rubric.criteria]
        if not is_judged(rubric, response):
            for name in ("jury", *(f"jury_{name}" for name in criteria), "jury_helm"):
                self._draft.add(name, rubric.scale[0], rubric.scale)
            return
        verdicts = self._ask(rubric, response, reference, _rated(rubric))
        usable = [verdict["scores"] for verdict in verdicts if verdict["status"] == "ok"]
        everything = [scores[name] for scores in usable for name in criteria]
        if usable:
            self._draft.add("jury_helm", fmean(everything), rubric.scale)
        if len(usable) == len(verdicts):
            for name in criteria:
                self._draft.add(f"jury_{name}", fmean(scores[name] for scores in usable), rubric.scale)
            self._draft.add("jury", fmean(everything), rubric.scale)

    def classify(self, response: Response, values: Mapping[str, float], *, unjudged: str = "") -> None:
        """Have every judge sort the response into a class of the rubric, and record the mean of the classes' values.

        ``values`` gives a class its value from 0 to 1; a verdict for a class without one is not usable, as one that
        cannot be read. ``unjudged`` is the class that MedHELM assigns by itself, empty for none: it decides
        ``jury_helm`` alone. A refusal is judged like any reply; one by the server's filter has the rubric's class
        for it, and a truncated or empty answer gets the worst value, without a judge being asked.
        """
        rubric = self._rubric()
        if rubric is None:
            return
        if not rubric.classes:
            raise ConfigError(f"rubric {rubric.name!r} has criteria: call jury.rate(...) instead of jury.classify(...)")
        if not is_judged(rubric, response):
            value = values[rubric.blocked] if response.blocked and rubric.blocked else rubric.scale[0]
            self._draft.add("jury", value, rubric.scale)
            self._draft.add("jury_helm", values[unjudged] if unjudged else value, rubric.scale)
            return
        # the reference that the look-ahead used, so that the requests are the same
        verdicts = self._ask(rubric, response, self._draft.instance.answer, _sorted(rubric, values))
        usable = [value for verdict in verdicts if verdict["status"] == "ok" for value in verdict["scores"].values()]
        if unjudged or usable:
            self._draft.add("jury_helm", values[unjudged] if unjudged else fmean(usable), rubric.scale)
        if len(usable) == len(verdicts):
            self._draft.add("jury", fmean(usable), rubric.scale)

    def _rubric(self) -> Rubric | None:
        """The task's rubric; None without judges."""
        if not self._asker.lineup.judges:
            return None
        rubric = self._asker.rubric(self._draft.benchmark)
        if rubric is None:
            name = self._draft.benchmark.task.name
            raise ConfigError(f"Task {name!r} has a jury but names no rubric: add rubric=... to it")
        return rubric

    def _ask(self, rubric: Rubric, response: Response, reference: str, read: Read) -> Sequence[dict[str, Any]]:
        """The verdicts of all judges, asked at once; a failed one makes the status ``judge_error``."""
        requests = judge_requests(self._asker, rubric, self._draft.instance, response.text, reference)
        for request in requests:
            self._asker.engine.submit(request, first=True)
        verdicts = [
            _verdict(read, judge, request, self._asker.engine.ask(request))
            for judge, request in zip(self._asker.lineup.judges, requests, strict=True)
        ]
        self._draft.verdicts = verdicts
        failed = [f"{verdict['judge']} ({verdict['error']})" for verdict in verdicts if verdict["status"] != "ok"]
        if failed:
            self._draft.status = "judge_error"
            self._draft.error = f"no usable verdict from {', '.join(failed)}"
        return verdicts


def _rated(rubric: Rubric) -> Read:
    def read(value: object) -> dict[str, float] | str:
        ratings = read_verdict(rubric, value)
        return _NOT_JSON if ratings is None else {name: rating["score"] for name, rating in ratings.items()}

    return read


def _sorted(rubric: Rubric, values: Mapping[str, float]) -> Read:
    def read(value: object) -> dict[str, float] | str:
        name = read_class(rubric, value)
        if name is None:
            return _NOT_JSON
        return {name: values[name]} if name in values else f"its class {name} has no value"

    return read


def _verdict(read: Read, judge: Model, request: Request, completion: Completion) -> dict[str, Any]:
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
        **spent(judge.price, [(completion.usage, completion.cached)]),
    }
    if completion.outcome != "ok":
        return verdict
    thinking = answers.split_thinking(completion.content, completion.reasoning or None)
    scores = read(answers.read_json(thinking.answer))
    return verdict | ({"error": scores} if isinstance(scores, str) else {"status": "ok", "scores": scores})
