"""An episode: an agent works step by step in an environment, until it answers or something ends it.

The loop asks nobody: it says what to ask first, and after each completion what to ask next. The engine follows it ahead
of the test, the test goes the same way, and each step is taken once, whoever comes first. All that happens follows from
the completions, so that stored ones lead to the same end.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_medhelm.agents.hospital.facts import Facts, facts
from pytest_medhelm.agents.hospital.state import Change, Hospital
from pytest_medhelm.agents.protocols import MOST_CALLS, Dialogue, Split, Turn, Wanted
from pytest_medhelm.agents.tools import HOSPITAL_TOOLS, CallStatus, Outcome, Tool, call
from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.price import Price, spent
from pytest_medhelm.util.json_types import JsonObject

Ending = Literal[
    "ok", "step_limit", "token_limit", "cost_limit", "time_limit", "loop", "malformed", "refused", "truncated",
    "blocked",
    "empty", "too_long", "request_error",
]  # fmt: skip
SAME_CALLS = 5
"""Identical calls, after which an agent goes in a circle."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an episode may go."""

    steps: int = 30
    """Turns of the model."""
    tokens: int = 400_000
    """Of prompts and answers together, as the server counts them."""
    seconds: float = 1800.0
    """Of all steps together, as they took when they were answered first."""
    cost: float | None = None
    """In the currency of the run, where the model has a price."""
    malformed: int = 3
    """Turns in a row that cannot be read, or of which no call can."""


@dataclass(frozen=True)
class Environment:
    """Where an episode takes place."""

    state: Hospital
    tools: Sequence[Tool] = HOSPITAL_TOOLS
    limits: Limits = Limits()
    dialogue: Dialogue | None = None
    """A protocol that the benchmark asks for; None: the model's."""
    oracle: Callable[[], Iterable[Sequence[JsonObject]]] | None = None
    """One way to do the task right, turn by turn, where the benchmark knows one (baseline/oracle-agent)."""
    own_server: bool = False
    """A user's own FHIR server can stand in for the state (--medhelm-fhir): nothing is written that must be found."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool."""

    step: int
    tool: str
    arguments: Any
    status: CallStatus
    result: str
    refs: tuple[str, ...]
    """``Type/id`` of the resources that it returned."""
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A turn of the model and what came of it."""

    request: Request
    completion: Completion
    text: str
    thinking: str
    calls: tuple[Call, ...] = ()
    problem: str = ""


@dataclass
class Episode:
    """A finished episode, as checks see it."""

    start: Hospital
    state: Hospital
    steps: list[Step] = field(default_factory=list)
    ending: Ending = "ok"
    answer: str = ""
    """What the agent said at its end; empty where it did not come to one."""
    safety_events: list[str] = field(default_factory=list)
    """What must not have happened and did, in words; filled in by checks."""
    checks: list[tuple[str, bool]] = field(default_factory=list)
    """What was checked, in words, and whether it is met; filled in by checks."""

    def __repr__(self) -> str:
        return f"Episode(ending={self.ending!r}, {len(self.steps)} steps, {len(self.diff)} changes)"

    @property
    def calls(self) -> list[Call]:
        """All calls in their order, with arguments, result and status."""
        return [tool_call for step in self.steps for tool_call in step.calls]

    @property
    def diff(self) -> tuple[Change, ...]:
        """What was created, changed and deleted, by whom and when."""
        return self.state.changes

    @property
    def created(self) -> list[Facts]:
        """What the agent created and is still there, in plain words (hospital.facts)."""
        return [
            facts(resource)
            for key in self._touched
            if self.start.get(key) is None and (resource := self.state.get(key))
        ]

    @property
    def changed(self) -> list[Facts]:
        """What the agent changed of what was there before, as it is now."""
        return [
            facts(resource)
            for key in self._touched
            if self.start.get(key) is not None and (resource := self.state.get(key))
        ]

    @property
    def written(self) -> list[Facts]:
        """Each version of what the agent created or changed, in plain words: also what it took back later."""
        return [facts(change.after) for change in self.diff if change.after is not None]

    @property
    def _touched(self) -> dict[tuple[str, str], None]:
        return dict.fromkeys(change.key for change in self.diff)

    @property
    def notes(self) -> list[str]:
        """The texts of the notes that the agent wrote."""
        return [str(fields.get("text", "")) for fields in self.created if fields["kind"] == "note"]

    @property
    def usage(self) -> Mapping[str, int]:
        """Token counts of all steps together."""
        total: Counter[str] = Counter()
        for step in self.steps:
            total.update(step.completion.usage)
        return dict(total)

    def read_before_acting(self) -> set[str]:
        """``Type/id`` of what the agent had seen when it first changed something, or all where it changed nothing."""
        refs: set[str] = set()
        for tool_call in self.calls:
            if tool_call.changes:
                break
            refs.update(tool_call.refs)
        return refs


Ask = Callable[[Sequence[JsonObject], JsonObject], Request]
"""(messages, further fields of the body) -> the request."""


class EpisodeLoop:
    """Leads an episode from completion to completion. ``advance`` may be called from two threads."""

    def __init__(
        self, environment: Environment, messages: Sequence[JsonObject], dialogue: Dialogue, ask: Ask,
        split: Split,
        refuses: Callable[[str], bool], price: Price | None = None,
    ) -> None:  # fmt: skip
        self._environment = environment
        self._dialogue = environment.dialogue or dialogue
        self._ask = ask
        self._split = split
        self._refuses = refuses
        self._price = price
        self._lock = threading.Lock()
        self._messages = list(self._dialogue.opening(messages, environment.tools))
        self._same: Counter[str] = Counter()
        self._unreadable = 0
        self.episode = Episode(environment.state, environment.state)
        self.requests = [self._request()]
        """Of each step, as far as they are known; one more than the steps while the episode goes on."""

    @property
    def waits(self) -> bool:
        """A step may wait for a server that is not the model's."""
        return self._environment.state.population.is_remote

    @property
    def messages(self) -> Sequence[JsonObject]:
        """The conversation so far."""
        return self._messages

    def next_after(self, step: int, completion: Completion) -> Request | None:
        """What to ask after step number ``step`` was answered; None when the episode is over."""
        with self._lock:
            if step == len(self.episode.steps):
                self._take(completion)
            return self.requests[step + 1] if step + 1 < len(self.requests) else None

    def _request(self) -> Request:
        return self._ask(self._messages, self._dialogue.sampling(self._environment.tools))

    def _take(self, completion: Completion) -> None:
        """One step."""
        episode, number = self.episode, len(self.episode.steps)
        text, thinking, closed = self._split(completion)
        turn = Turn(text, thinking)
        ending = _failed(completion, text, closed)
        outcomes: list[Outcome] = []
        calls: list[Call] = []
        if ending is None:
            turn = self._dialogue.read(text, thinking, completion, self._environment.tools)
            for wanted in turn.calls[: MOST_CALLS + 1]:
                outcomes.append(self._carry_out(wanted, len(outcomes)))
                calls.append(self._called(number, wanted, outcomes[-1]))
        step = Step(self.requests[number], completion, text, thinking, tuple(calls), turn.problem)
        episode.steps.append(step)
        ending = ending or self._ended(turn, calls)
        if ending is not None:
            episode.ending = ending
            episode.answer = (turn.answer or "").strip() if ending == "ok" else ""
            return
        self._messages = [*self._messages, *self._dialogue.messages_of(turn, number, outcomes)]
        self.requests.append(self._request())

    def _carry_out(self, wanted: Wanted, before: int) -> Outcome:
        state = self.episode.state
        if before >= MOST_CALLS:
            return Outcome(state, "malformed", f"Error: at most {MOST_CALLS} calls are carried out in one turn")
        if wanted.problem:
            return Outcome(state, "malformed", f"Error: {wanted.problem}: write them as a JSON object")
        return call(self._environment.tools, state, wanted.tool, wanted.arguments)

    def _called(self, step: int, wanted: Wanted, outcome: Outcome) -> Call:
        before, self.episode.state = self.episode.state, outcome.state
        changes = outcome.state.changes[len(before.changes) :]
        # To look again after a change is no circle; to make the same change again is.
        before_it = None if changes else len(before.changes)
        self._same[json.dumps([wanted.tool, wanted.arguments, before_it], sort_keys=True, default=str)] += 1
        return Call(step, wanted.tool, wanted.arguments, outcome.status, outcome.text, outcome.refs, changes)

    def _ended(self, turn: Turn, calls: Sequence[Call]) -> Ending | None:
        """How the episode ends with this turn; None when it goes on."""
        if turn.answer is not None:
            if not turn.answer.strip():
                return "empty"
            # To decline an order after a look at the chart is an answer; to decline the work is none.
            worked = any(call.status == "ok" for call in self.episode.calls)
            return "ok" if worked or not self._refuses(turn.answer) else "refused"
        self._unreadable = 0 if any(call.status != "malformed" for call in calls) else self._unreadable + 1
        if self._unreadable >= self._environment.limits.malformed:
            return "malformed"
        if any(count >= SAME_CALLS for count in self._same.values()):
            return "loop"
        return self._exhausted()

    def _exhausted(self) -> Ending | None:
        limits, steps, usage = self._environment.limits, self.episode.steps, self.episode.usage
        if len(steps) >= limits.steps:
            return "step_limit"
        if usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0) >= limits.tokens:
            return "token_limit"
        if sum(step.completion.latency for step in steps) >= limits.seconds:
            return "time_limit"
        cost = spent(self._price, [(step.completion.usage, True) for step in steps])["cost"]
        return "cost_limit" if limits.cost is not None and cost is not None and cost >= limits.cost else None


def _failed(completion: Completion, text: str, closed: bool) -> Ending | None:
    """How a completion ends the episode that brings no turn."""
    if completion.outcome in ("too_long", "blocked", "request_error"):
        return completion.outcome
    if completion.outcome == "skipped":
        return "request_error"
    if completion.finish_reason == "length" or not closed:
        return "truncated"
    return None if text.strip() or completion.tool_calls else "empty"
