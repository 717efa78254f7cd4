"""A response as a benchmark sees it: the answer without the thinking, its status, and readings of it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pytest_medhelm.models.engine.request import Alternative, Completion
from pytest_medhelm.scoring import answers
from pytest_medhelm.tasks.prompts import with_letters
from pytest_medhelm.tasks.task import Instance

if TYPE_CHECKING:
    from pytest_medhelm.agents.episode import Ending

Status = Literal[
    "ok", "unparsed", "refused", "truncated", "too_long", "blocked", "empty", "request_error", "judge_error", "skipped"
]  # fmt: skip
STATUSES: tuple[Status, ...] = (
    "ok", "unparsed", "refused", "truncated", "too_long", "blocked", "empty", "request_error", "judge_error", "skipped",
)  # fmt: skip

STATUS_OF: Mapping[Ending, Status] = {
    "ok": "ok", "step_limit": "truncated", "token_limit": "truncated", "cost_limit": "truncated",
    "time_limit": "truncated",
    "loop": "truncated", "malformed": "unparsed", "refused": "refused", "truncated": "truncated", "blocked": "blocked",
    "empty": "empty", "too_long": "too_long", "request_error": "request_error",
}  # fmt: skip
"""By the ending of an agent's episode the status of its record; the record has the ending itself, too."""

_T = TypeVar("_T")


class Response:
    """The answer of a model. Its repr shows no text: an assertion error must not print a patient's record."""

    def __init__(
        self,
        completion: Completion,
        *,
        key: str,
        instance: Instance | None = None,
        language: str | None = None,
        stated: bool = False,
    ) -> None:
        """``stated``: a closed question also asked how sure the model is; that line is no part of the answer."""
        self._completion = completion
        self._instance = instance
        self._language = language
        self.key = key
        """The request's hash: finds the texts in responses.sqlite."""
        thinking = answers.split_thinking(completion.content, completion.reasoning or None)
        text, said = thinking.answer.strip(), None
        if stated and instance is not None and instance.choices:
            text, said = answers.split_stated(text)
        self.text: str = text
        """The answer without the thinking, and without the line that states a confidence."""
        self.stated: float | None = said
        """The probability that the model gives its answer, 0 to 1, where it was asked for and given."""
        self.reasoning: str = thinking.reasoning
        self._status: Status | None = _status(completion, self.text, closed=thinking.closed)

    def __repr__(self) -> str:
        return f"Response(status={self.status!r}, {len(self.text)} characters, request {self.key[:12]})"

    @property
    def status(self) -> Status:
        """How the model answered; ``unparsed`` once a reading below found nothing."""
        if self._status is None:
            self._status = "refused" if answers.is_refusal(self.text) else "ok"
        return self._status

    @status.setter
    def status(self, status: Status) -> None:
        self._status = status

    @property
    def raw(self) -> str:
        """The content as the server sent it, thinking included."""
        return self._completion.content

    @property
    def finish_reason(self) -> str:
        """As the server sent it, e.g. "stop" or "length"."""
        return self._completion.finish_reason

    @property
    def usage(self) -> Mapping[str, int]:
        """Token counts, where the server gives them."""
        return self._completion.usage

    @property
    def logprobs(self) -> Sequence[tuple[str, float]]:
        """(token, log-probability) of each output token, where asked for and given."""
        return self._completion.logprobs

    @property
    def alternatives(self) -> Mapping[int, Sequence[Alternative]]:
        """By place in ``logprobs`` the letters that might have stood there, where asked for and given."""
        return self._completion.alternatives

    @property
    def latency(self) -> float:
        """Seconds that the answering attempt took (as measured then, if the response was stored)."""
        return self._completion.latency

    @property
    def attempts(self) -> int:
        """How often the request was sent until it was answered."""
        return self._completion.attempts

    @property
    def cached(self) -> bool:
        """The response was stored by an earlier run."""
        return self._completion.cached

    @property
    def error(self) -> str:
        """Why there is no answer; holds no text of the request."""
        return self._completion.error

    @cached_property
    def choice(self) -> str | None:
        """The letter of the chosen option, or None."""
        chosen_option = self._choice
        if chosen_option is None or self._instance is None:
            return self._reading(None)
        # Of options with equal texts each is as right as the key: MedHELM compares their texts, too.
        choices, key = self._instance.choices, self._instance.answer
        number = ascii_uppercase.find(key) if len(key) == 1 else -1
        chosen = choices[ascii_uppercase.index(chosen_option.letter)].strip().lower()
        is_key = 0 <= number < len(choices) and choices[number].strip().lower() == chosen
        return self._reading(key if is_key else chosen_option.letter)

    @property
    def letter(self) -> str:
        """The letter as it was said, where one was read; ``choice`` is another one's where their texts are equal."""
        return self._choice.letter if self._choice else ""

    @property
    def read_as(self) -> str:
        """How the chosen option was said: form, phrase, citation or lone letter; empty where none was read."""
        return self._choice.read_as if "choice" in self.__dict__ and self._choice else ""

    @cached_property
    def _choice(self) -> answers.Choice | None:
        if self._instance is None:
            return answers.find_choice(self.text, ())
        return answers.find_choice(with_letters(self.text, self._instance.form), self._instance.choices)

    @cached_property
    def quantity(self) -> answers.Quantity | None:
        """The number with its unit, read by the task's language, or None."""
        return self._reading(answers.read_number(self.text, self._language))

    @property
    def number(self) -> float | None:
        """The number, read by the task's language, or None."""
        return None if self.quantity is None else self.quantity.value

    @cached_property
    def date(self) -> datetime.date | None:
        """The date (month first in English, day first elsewhere), or None."""
        order: Literal["mdy", "dmy"] = "mdy" if self._language in (None, "en") else "dmy"
        return self._reading(answers.read_date(self.text, order))

    @cached_property
    def json(self) -> Any:
        """The JSON value in the answer, or None."""
        return self._reading(answers.read_json(self.text))

    def read(self, reader: Callable[[str], _T | None]) -> _T | None:
        """What a benchmark's own reader finds in the text; None makes the status ``unparsed``.

        Raises nothing of its own. A reader takes any text and returns None rather than a guess.
        """
        return self._reading(reader(self.text))

    @property
    def blocked(self) -> bool:
        """The server's content filter stopped the answer, also where a benchmark takes that for a refusal."""
        return self._completion.outcome == "blocked"

    def refuses(self, reader: Callable[[str], bool] = answers.is_refusal) -> bool:
        """Whether the answer declines, for benchmarks where that may be right.

        A refusal is then an answer: its status is ``ok``, also where the server's filter stopped it. An empty or
        truncated answer keeps its status.
        """
        if self.blocked:
            self.status = "ok"
            return True
        return bool(self.read(reader))

    def _reading(self, value: _T | None) -> _T | None:
        if value is None and self.status == "ok":
            self.status = "unparsed"
        elif value is not None and self._status in (None, "refused", "unparsed"):
            # An answer that can be read is an answer, however apologetic its wording.
            self.status = "ok"
        return value


def _status(completion: Completion, text: str, *, closed: bool) -> Status | None:
    """The status as far as it does not depend on what the text says; None: it does."""
    if completion.outcome != "ok":
        return completion.outcome
    if completion.finish_reason == "length" or not closed:
        return "truncated"
    return None if text else "empty"
