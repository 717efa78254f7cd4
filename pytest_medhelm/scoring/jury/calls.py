"""What judges are asked: one request for each judge and response, and one more when a reply cannot be used.

Everything here is a function of the response and the settings, so that look-ahead and test build the same requests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_medhelm.scoring import answers
from pytest_medhelm.scoring.jury.judge_prompt import judge_messages, reply_form
from pytest_medhelm.scoring.jury.verdict import read_reply
from pytest_medhelm.tasks.prompts import Message
from pytest_medhelm.tasks.rubric import Rubric
from pytest_medhelm.tasks.task import Instance

if TYPE_CHECKING:
    from pytest_medhelm.models.engine.job import FollowUp
    from pytest_medhelm.models.engine.request import Completion, Request
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.scoring.jury.panel import AskedWith, Panel

SHOWN_AGAIN = 4000
"""Characters of an unusable reply that its judge is shown again."""
EMBEDDED_TOKENS = 400
"""What a verdict takes; the usual budget of an embedded model is too small for one."""
EMBEDDED_EXPLANATION = 80
"""Characters: a small model would go on for ever, and llama.cpp can be told to let it end."""


@dataclass(frozen=True, slots=True)
class Call:
    """One judge asked about one response."""

    judge: Model
    request: Request
    _panel: Panel = field(repr=False)
    _problem: Callable[[Completion], str] = field(repr=False)
    """Why a reply cannot be used, in words that quote nothing of it; empty for one that can."""
    _instance: str
    _messages: Sequence[Message] = field(repr=False)
    _options: AskedWith = field(repr=False)

    @property
    def next(self) -> FollowUp:
        """The request for the engine, with the second try that may follow from it."""
        from pytest_medhelm.models.engine.job import FollowUp

        def follow(completion: Completion) -> Sequence[FollowUp]:
            repair = self.repair(completion)
            return [FollowUp(repair)] if repair else []

        return FollowUp(self.request, follow)

    def repair(self, completion: Completion) -> Request | None:
        """The request that shows a judge its unusable reply and what is wrong with it; None where there is no need.

        A request without an answer is not repaired: the engine has tried it more than once already.
        """
        if completion.outcome != "ok":
            return None
        problem = self._problem(completion)
        if not problem:
            return None
        reply = answers.split_thinking(completion.content, completion.reasoning or None).answer.strip()
        messages = [
            *self._messages,
            {"role": "assistant", "content": reply[:SHOWN_AGAIN] or "(nothing)"},
            {
                "role": "user",
                "content": f"That reply cannot be used: {problem}. Give your own judgement again, as one JSON object "
                "of the form that was asked for, and nothing else.",
            },
        ]
        return self._panel.make_request(self.judge, messages, self._instance, **self._options)


def judge_calls(panel: Panel, rubric: Rubric, instance: Instance, answer: str, reference: str) -> Sequence[Call]:
    """What the judges are asked about one response, judge by judge; several times each under judge_repeats."""
    question = f"{instance.context}\n\n{instance.question}".strip()

    def problem(completion: Completion) -> str:
        reading = read_reply(rubric, completion)
        return reading.problem or reading.harm_problem

    messages: dict[tuple[int, ...], Sequence[Message]] = {}
    calls = []
    for judge in panel.judges:
        for repeat in range(panel.repeats):
            order: tuple[int, ...] = ()
            if panel.shuffle:
                order = shuffled(len(rubric.criteria), instance.id, judge.name, repeat)
            if order not in messages:
                messages[order] = judge_messages(
                    rubric, question=question, answer=answer, reference=reference, order=order
                )
            options: AskedWith = {"repeat": repeat, "form": reply_form(rubric, order)}
            if judge.provider == "local":
                options["form"] = reply_form(rubric, order, EMBEDDED_EXPLANATION)
                options |= {"max_tokens": max(EMBEDDED_TOKENS, judge.body.get("max_tokens", 0)), "logprobs": False}
            request = panel.make_request(judge, messages[order], instance.id, **options)
            calls.append(Call(judge, request, panel, problem, instance.id, messages[order], options))
    return calls


def shuffled(count: int, instance: str, judge: str, repeat: int) -> tuple[int, ...]:
    """An order of ``count`` criteria that the instance, the judge and the repeat decide, the same in every run."""

    def key(position: int) -> bytes:
        return hashlib.sha256(f"{instance}\0{judge}\0{repeat}\0{position}".encode("utf-8", "replace")).digest()

    return tuple(sorted(range(count), key=key))
