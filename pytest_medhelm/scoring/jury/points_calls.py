"""What judges are asked where criteria carry points: one request for each criterion, or one for all of an answer.

Several answers are never put into one request. All is a function of the response and the settings, so that look-ahead
and test build the same requests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_medhelm.scoring.jury.calls import EMBEDDED_EXPLANATION, EMBEDDED_TOKENS, Call
from pytest_medhelm.scoring.jury.points import Met
from pytest_medhelm.scoring.jury.points_prompt import points_form, points_messages, problem_of, read_met
from pytest_medhelm.tasks.points import PointsRubric
from pytest_medhelm.tasks.task import Instance

if TYPE_CHECKING:
    from pytest_medhelm.models.engine.request import Completion
    from pytest_medhelm.scoring.jury.panel import AskedWith, Panel


@dataclass(frozen=True, slots=True)
class PointsCall:
    """A request to one judge about some criteria of one answer."""

    call: Call
    repeat: int
    positions: tuple[int, ...]
    """Of the criteria."""
    numbered: bool
    """They are asked together."""

    def read(self, completions: Sequence[Completion]) -> Met:
        """The verdict on each of them; what the second reply leaves open the first may have said."""
        met: list[bool | None] = [None] * len(self.positions)
        for completion in reversed(completions):
            said = read_met(completion, len(met), numbered=self.numbered)
            met = [later if later is not None else earlier for later, earlier in zip(met, said, strict=True)]
        return met


def points_calls(panel: Panel, rubric: PointsRubric, instance: Instance, answer: str) -> Sequence[PointsCall]:
    """What the judges are asked about one response: judge by judge, repeat by repeat, criterion by criterion."""
    criteria = rubric.criteria_for(instance.criteria)
    question = f"{instance.context}\n\n{instance.question}".strip()
    together = panel.rubric_calls == "together"
    positions = tuple(range(len(criteria)))
    groups = [positions] if together else [(position,) for position in positions]
    prompts = [
        points_messages(
            rubric, [criteria[position] for position in group], question=question, answer=answer, numbered=together
        )
        for group in groups
    ]
    calls = []
    for judge in panel.judges:
        embedded = judge.provider == "local"
        for repeat in range(panel.repeats):
            for group, messages in zip(groups, prompts, strict=True):
                form = points_form(len(group), numbered=together, longest=EMBEDDED_EXPLANATION if embedded else 0)
                options: AskedWith = {"repeat": repeat, "form": form}
                if embedded:
                    tokens = max(EMBEDDED_TOKENS * len(group), judge.body.get("max_tokens", 0))
                    options |= {"max_tokens": tokens, "logprobs": False}
                request = panel.make_request(judge, messages, instance.id, **options)
                problem = _problem(len(group), together)
                call = Call(judge, request, panel, problem, instance.id, messages, options)
                calls.append(PointsCall(call, repeat, group, together))
    return calls


def _problem(count: int, numbered: bool) -> Callable[[Completion], str]:
    """Why a reply about so many criteria cannot be used."""

    def problem(completion: Completion) -> str:
        return problem_of(completion, read_met(completion, count, numbered=numbered), numbered=numbered)

    return problem
