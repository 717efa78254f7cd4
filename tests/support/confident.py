"""A server whose confidences are known: it is as often right as it says, or surer than it should be."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from tests.support.letters import gold

Reply = Callable[[dict[str, Any]], "str | dict[str, Any]"]
SAYS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.97)


def case_of(body: dict[str, Any]) -> int:
    """The number of the case that a prompt of the small benchmark is about."""
    return int(str(body["messages"][-1]["content"]).partition("Case ")[2].partition(".")[0])


def drawn(case: int, surer: float = 0.0) -> tuple[float, bool]:
    """How sure the server is of its answer to a case, and whether it is right: ``surer`` too much, at most 1."""
    chance = random.Random(case)
    true = chance.choice(SAYS) - surer
    return true + surer, chance.random() < true


def letter_of(body: dict[str, Any], right: bool) -> str:
    """The right letter, or another one."""
    return gold(body) if right else next(letter for letter in "ABCD" if letter != gold(body))


def tokens(answer: str, letter: str, sure: float) -> list[dict[str, Any]]:
    """The answer in two tokens, the letter with what might have stood in its place; a tenth is no letter at all."""
    others = [name for name in "ABCD" if name != letter]
    listed = [(f" {letter}", 0.9 * sure), *((f" {name}", 0.9 * (1 - sure) / 3) for name in others), ("The", 0.1)]
    tops = [{"token": token, "logprob": math.log(share)} for token, share in listed if share > 0]
    return [
        {"token": answer.removesuffix(f" {letter}"), "logprob": -0.01, "top_logprobs": []},
        {"token": f" {letter}", "logprob": tops[0]["logprob"], "top_logprobs": tops},
    ]


def with_logprobs(surer: float = 0.0, unread: int = 0, bare: int = 0) -> Reply:
    """Answers with log-probabilities; every ``unread``-th names no option, every ``bare``-th lists no tokens."""

    def reply(body: dict[str, Any]) -> str | dict[str, Any]:
        case = case_of(body)
        if unread and case % unread == 0:
            return "I cannot choose."
        sure, right = drawn(case, surer)
        letter = letter_of(body, right)
        answer = f"Answer: {letter}"
        if bare and case % bare == 1:
            return answer
        return {"content": answer, "logprobs": {"content": tokens(answer, letter, sure)}}

    return reply


def stating(body: dict[str, Any]) -> str:
    """Answers that state how sure they are."""
    sure, right = drawn(case_of(body))
    return f"Answer: {letter_of(body, right)}\nConfidence: {100 * sure:.0f} %"
