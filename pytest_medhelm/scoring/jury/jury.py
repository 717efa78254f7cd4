"""The jury: every configured judge rates an answer, or sorts it; a judge that fails leaves a gap, never a grade.

Scores recorded, all on the rubric's scale (0 to 1 for the values of classes):

    jury              mean over all judges and criteria; only when every judge gave every criterion, or a class
    jury_<criterion>  the same for one criterion
    jury_helm         mean over the judges that answered, as MedHELM 0.8.0 takes it; absent when none did
    harm_...          what harm the judges see, where the rubric asks for it (jury.harm)

Where criteria carry points, ``jury`` is the example's score by the original definition (jury.points) and may be
negative; beside it stand a score for each tag, e.g. axis_accuracy, and length_adjusted where the benchmark asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from statistics import fmean
from typing import TYPE_CHECKING

from pytest_medhelm.scoring.jury import harm, prompt_injection
from pytest_medhelm.scoring.jury.calls import Call, judge_calls
from pytest_medhelm.scoring.jury.judge_prompt import prompt_hash
from pytest_medhelm.scoring.jury.points import by_tag
from pytest_medhelm.scoring.jury.points_calls import points_calls
from pytest_medhelm.scoring.jury.points_prompt import MET, points_prompt_hash
from pytest_medhelm.scoring.jury.points_record import record_points
from pytest_medhelm.scoring.jury.points_verdict import gradings_of, points_verdicts
from pytest_medhelm.scoring.jury.verdict import JudgeAttempt, make_verdict
from pytest_medhelm.scoring.record_types import VerdictRecord
from pytest_medhelm.tasks.points import PointsRubric
from pytest_medhelm.tasks.rubric import Rubric
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.settings import RubricCalls

if TYPE_CHECKING:
    from pytest_medhelm.scoring.jury.panel import Engine, Panel
    from pytest_medhelm.scoring.record import RecordBuilder
    from pytest_medhelm.scoring.response import Response


def is_judged(rubric: Rubric | PointsRubric, response: Response) -> bool:
    """Whether the judges are asked about a response.

    Where they sort replies, or criteria carry points, a refusal is a reply like any other.
    """
    if (isinstance(rubric, PointsRubric) and not response.blocked) or (isinstance(rubric, Rubric) and rubric.classes):
        response.refuses()
    return response.status == "ok" and not response.blocked


def calls_about(panel: Panel, rubric: Rubric | PointsRubric, instance: Instance, response: Response) -> Sequence[Call]:
    """All that the judges are asked about a response at first."""
    if not is_judged(rubric, response):
        return ()
    if isinstance(rubric, PointsRubric):
        if not (rubric.criteria or instance.criteria):
            return ()  # this instance is not graded
        return [call.call for call in points_calls(panel, rubric, instance, response.text)]
    return judge_calls(panel, rubric, instance, response.text, instance.answer)


def requests_about(rubric: Rubric | PointsRubric, criteria: int, calls: RubricCalls) -> int:
    """How many requests one judge gets about a response to an instance that brings so many criteria of its own."""
    if not isinstance(rubric, PointsRubric):
        return 1
    count = len(rubric.criteria) or criteria
    return count if calls == "each" else min(1, count)


def score_names(rubric: Rubric | PointsRubric) -> list[str]:
    """Names of the scores that an answer rated by a rubric has, as far as the rubric itself says."""
    if isinstance(rubric, PointsRubric):
        return ["jury", "jury_helm", *by_tag(rubric.criteria)]
    names = ["jury", "jury_helm", *(f"jury_{criterion.name}" for criterion in rubric.criteria)]
    return [*names, *harm.HARM] if rubric.harm else names


class Jury:
    """What the ``jury`` fixture gives a test."""

    def __init__(
        self, panel: Panel, engine: Engine, rubric: Rubric | PointsRubric | None, draft: RecordBuilder
    ) -> None:
        """``rubric`` of the draft's task, None where it names none."""
        self._panel = panel
        self._engine = engine
        self._chosen = rubric
        self._draft = draft

    @property
    def has_judges(self) -> bool:
        """Judges are named, so that a jury's score will be the main one."""
        return bool(self._panel.judges)

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
                self._add(name, rubric.scale[0], rubric.scale)
            if rubric.harm:
                self._draft.not_applicable.update(harm.HARM)
            return
        verdicts = self._ask(rubric, response, reference)
        if rubric.harm:
            self._mark_harm(verdicts)
        usable = [verdict["scores"] for verdict in verdicts if verdict["status"] == "ok"]
        everything = [scores[name] for scores in usable for name in criteria]
        if usable:
            self._add("jury_helm", fmean(everything), rubric.scale)
        if len(usable) == len(verdicts):
            for name in criteria:
                self._add(f"jury_{name}", fmean(scores[name] for scores in usable), rubric.scale)
            self._add("jury", fmean(everything), rubric.scale)

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
            self._add("jury", value, rubric.scale)
            self._add("jury_helm", values[unjudged] if unjudged else value, rubric.scale)
            return
        # the reference that the look-ahead used, so that the requests are the same
        verdicts = self._ask(rubric, response, self._draft.instance.answer, values)
        usable = [value for verdict in verdicts if verdict["status"] == "ok" for value in verdict["scores"].values()]
        if unjudged or usable:
            self._add("jury_helm", values[unjudged] if unjudged else fmean(usable), rubric.scale)
        if len(usable) == len(verdicts):
            self._add("jury", fmean(usable), rubric.scale)

    def grade(self, response: Response, *, length_penalty: float | None = None) -> None:
        """Have every judge say of each criterion with points whether the response meets it, and record the scores.

        A refusal is graded like any answer; one that is blocked, truncated, empty or too long scores 0 without a judge
        being asked. Where a verdict is missing, the scores that need it are missing too, and the record keeps what
        they could be. ``length_penalty``: also the score less so much for each 500 characters above 2,000.
        """
        rubric = self._chosen_rubric()
        if rubric is None:
            return
        if isinstance(rubric, Rubric):
            raise ConfigError(
                f"rubric {rubric.name!r} carries no points: call jury.rate(...) instead of jury.grade(...)"
            )
        criteria = rubric.criteria_for(self._draft.instance.criteria)
        self._draft.criteria = criteria
        if not is_judged(rubric, response):
            record_points(self._draft, criteria, None, length_penalty, characters=0)
            return
        calls = points_calls(self._panel, rubric, self._draft.instance, response.text)
        for call in calls:
            self._engine.submit(*call.call.next.both, first=True)
        self._draft.flags = prompt_injection.attempts(response.text, [MET])
        asked = [(call, self._try(call.call)) for call in calls]
        facts = {
            "prompt": points_prompt_hash(rubric, self._panel.rubric_calls),
            "flags": list(self._draft.flags),
        }
        self._keep(points_verdicts(asked, criteria, facts))
        record_points(
            self._draft, criteria, gradings_of(asked, len(criteria)), length_penalty, characters=len(response.text)
        )

    def _add(self, name: str, value: float, scale: tuple[float, float]) -> None:
        """Record a score that is made of verdicts, or stands for them."""
        self._draft.add(name, value, scale)
        self._draft.judged.add(name)

    def by_rubric(self, response: Response, reference: str) -> None:
        """``rate`` or ``grade``, whichever the task's rubric is for."""
        if isinstance(self._chosen, PointsRubric):
            self.grade(response)
        else:
            self.rate(response, reference)

    def _rubric(self) -> Rubric | None:
        """The task's rubric for rating or sorting; None without judges."""
        rubric = self._chosen_rubric()
        if isinstance(rubric, PointsRubric):
            raise ConfigError(f"rubric {rubric.name!r} carries points: call jury.grade(...)")
        return rubric

    def _chosen_rubric(self) -> Rubric | PointsRubric | None:
        """The task's rubric; None without judges."""
        if not self._panel.judges:
            return None
        if self._chosen is None:
            name = self._draft.benchmark.task.name
            raise ConfigError(f"Task {name!r} has a jury but names no rubric: add rubric=... to it")
        return self._chosen

    def _ask(
        self, rubric: Rubric, response: Response, reference: str, values: Mapping[str, float] | None = None
    ) -> Sequence[VerdictRecord]:
        """The verdicts of all judges, asked at once."""
        calls = judge_calls(self._panel, rubric, self._draft.instance, response.text, reference)
        for call in calls:
            self._engine.submit(*call.next.both, first=True)
        names = [criterion.name for criterion in rubric.criteria]
        self._draft.flags = prompt_injection.attempts(response.text, names)
        facts = {"prompt": prompt_hash(rubric), "flags": list(self._draft.flags)}
        verdicts = [
            make_verdict(rubric, judge, [self._try(call) for call in calls_of_judge], values=values, facts=facts)
            for judge, calls_of_judge in groupby(calls, key=lambda call: call.judge)
        ]
        self._keep(verdicts)
        return verdicts

    def _keep(self, verdicts: list[VerdictRecord]) -> None:
        """Put the verdicts into the record; a failed one makes the status ``judge_error``."""
        self._draft.verdicts = verdicts
        failed = [f"{verdict['judge']} ({verdict['error']})" for verdict in verdicts if verdict["status"] != "ok"]
        if failed:
            self._draft.status = "judge_error"
            self._draft.error = f"no usable verdict from {', '.join(failed)}"

    def _try(self, call: Call) -> JudgeAttempt:
        """A judge's reply, and its second one where the first cannot be used."""
        first = self._engine.ask(call.request)
        repair = call.repair(first)
        if repair is None:
            return JudgeAttempt([call.request.key], [first])
        return JudgeAttempt([call.request.key, repair.key], [first, self._engine.ask(repair)])

    def _mark_harm(self, verdicts: Sequence[VerdictRecord]) -> None:
        marks = [verdict.get("harm") for verdict in verdicts]
        self._draft.harm = harm.merge(marks)
        for name, value in harm.harm_scores(marks).items():
            self._add(name, value, harm.SCALE)
