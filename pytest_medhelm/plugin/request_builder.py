"""From messages to requests, and from requests to completions: in the only process, or in each xdist worker."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Union

import pytest

from pytest_medhelm.util.errors import StoreFailed
from pytest_medhelm.util.sqlite import unusable

if TYPE_CHECKING:
    from pluggy import HookRelay

    from pytest_medhelm.agents.own_server import FhirServer
    from pytest_medhelm.models.engine.batch_file import BatchFile
    from pytest_medhelm.models.engine.engine import Engine
    from pytest_medhelm.models.engine.replay import StoredResponses
    from pytest_medhelm.models.engine.request import Completion, Request
    from pytest_medhelm.models.roster import Roster
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.plugin.outside_agents import OutsideAgents
    from pytest_medhelm.scoring.jury.panel import Panel
    from pytest_medhelm.scoring.record import RecordBuilder
    from pytest_medhelm.tasks.benchmark import Benchmark
    from pytest_medhelm.tasks.prompts import Message
    from pytest_medhelm.tasks.task import Instance
    from pytest_medhelm.util.settings import Settings

TOP_LOGPROBS = 10
"""Tokens that a server is asked to list at each place: five options, each with and without a space before it."""
Answering = Union["Engine", "StoredResponses", "BatchFile"]
"""What answers requests: models, what they answered before, or a file that waits for a batch."""
StartEngine = Callable[[], Answering]


def start_asking(settings: Settings, run: str, processes: int, say: Callable[[str], None] | None) -> Engine:
    """The engine that asks models; ``processes`` do so at the same time and share the endpoints.

    ``say`` gets what the user should know at once; None: that waits for the next report.
    """
    from pytest_medhelm.models.engine.engine import Engine

    return Engine(
        settings.folder / "responses.sqlite",
        run=run,
        use_cache=not settings.no_cache,
        processes=processes,
        max_cost=settings.max_cost,
        wait=settings.wait,
        say=say,
    )


class RequestBuilder:
    """Builds requests and has them answered."""

    def __init__(
        self, hook: HookRelay, settings: Settings, roster: Roster, run: str, start_engine: StartEngine
    ) -> None:
        self._hook = hook
        self._settings = settings
        self._roster = roster
        self._run = run
        self._start_engine = start_engine
        self._engine: Answering | None = None
        self.meanwhile: Callable[[int], object] = lambda unanswered: None
        """What is done while a test waits for its answer; of the engine, from its start on."""
        self.tool_problems: dict[str, str] = {}
        """By model why it cannot call tools, as far as it was asked; empty where it can."""
        self._closed = False

    @property
    def engine(self) -> Answering:
        """The engine, started when it is first needed."""
        if self._engine is None:
            self._engine = self._start_engine()
            self._engine.meanwhile = self.meanwhile
        return self._engine

    @property
    def load(self) -> tuple[int, int]:
        """Requests at an endpoint at this moment; and how many may be, as far as that is found out, else 0."""
        return (0, 0) if self._engine is None else (self._engine.in_flight, self._engine.adaptive_limit)

    @property
    def stopped(self) -> str:
        """Why nothing is asked any more, as a sentence; empty while it is."""
        return "" if self._engine is None else self._engine.stopped

    def notices(self) -> list[str]:
        """What the user should know and was not told yet."""
        if self._engine is None or not self._engine.notices:
            return []
        notices = list(self._engine.notices)
        self._engine.notices.clear()
        return notices

    def flush(self) -> None:
        """Write the texts that are held back."""
        if self._engine is not None and not self._closed:
            self._engine.store.flush()

    def close(self) -> None:
        """Stop asking; what is in flight is given up."""
        if "outside" in self.__dict__:
            self.outside.close()
        if (server := self.__dict__.get("_fhir")) is not None:
            server.close()
        if self._engine is not None:
            self._closed = True
            self._engine.close()

    def connected(self, roster: Roster) -> None:
        """From now on these are the models and judges: more is known of who answers where."""
        self._roster = roster
        self.__dict__.pop("panel", None)

    @cached_property
    def panel(self) -> Panel:
        """The judges, as the jury needs them."""
        from pytest_medhelm.scoring.jury.panel import Panel

        settings = self._settings
        judges = self._roster.judges
        return Panel(judges, settings.judge_repeats, settings.shuffle_criteria, self.request, settings.rubric_calls)

    def request(
        self,
        model: Model,
        messages: Sequence[Message],
        instance: str = "",
        *,
        repeat: int = 0,
        form: Mapping[str, object] | None = None,
        **sampling: Any,
    ) -> Request:
        """Build the request, the same for look-ahead and for the test; see ``make_request``."""
        from pytest_medhelm.models.engine.request import make_request

        self._hook.pytest_medhelm_update_request(body=sampling, messages=messages, model=model)
        return make_request(model, messages, instance=instance, repeat=repeat, form=form, **sampling)

    def request_of(self, record: RecordBuilder, messages: Sequence[Message]) -> Request:
        """The request of a benchmark's instance, for which a repeat asks anew.

        A closed question asks for log-probabilities where they are wanted.
        """
        wanted: dict[str, Any] = {}
        body, repeat = record.model.body, record.variant.request_repeat
        if self._settings.confidence == "logprobs" and record.instance.choices:
            wanted = {"logprobs": True, "top_logprobs": body.get("top_logprobs", TOP_LOGPROBS)}
        request = self.request(record.model, messages, record.instance.id, repeat=repeat, **wanted)
        # What the config file asks for is no wish of ours.
        return replace(request, may_drop_logprobs=True) if wanted and not body.get("logprobs") else request

    @cached_property
    def outside(self) -> OutsideAgents:
        """Agents of one's own; made when the first is needed."""
        from pytest_medhelm.plugin.outside_agents import OutsideAgents

        return OutsideAgents(self._settings.config)

    @property
    def fhir(self) -> FhirServer | None:
        """The user's own FHIR server, where there is one; it has answered. Raises RunStopped."""
        if self._fhir is not None:
            self._fhir.check()
        return self._fhir

    @cached_property
    def _fhir(self) -> FhirServer | None:
        settings = self._settings
        if not settings.fhir:
            return None
        from pytest_medhelm.agents.own_server import FhirServer
        from pytest_medhelm.models.engine.replay import StoredResponses

        replays = isinstance(self.engine, StoredResponses)
        file = settings.folder / "responses.sqlite"
        return FhirServer(settings.fhir, file, run=self._run, use_cache=not settings.no_cache, asks=not replays)

    def stored(self, request: Request) -> Completion | None:
        """What is stored of a request that the engine does not ask, unless it is to be made again."""
        return None if self._settings.no_cache else self.engine.store.get(request.key)

    def keep(self, request: Request, completion: Completion) -> None:
        """Store a completion that the engine did not ask for."""
        try:
            self.engine.store.put([(request, completion)], run=self._run)
        except sqlite3.Error as error:
            raise StoreFailed(unusable(self._settings.folder / "responses.sqlite", error)) from None

    def complete(
        self,
        request: Request,
        messages: Sequence[Message],
        instance: Instance | None = None,
        benchmark: Benchmark | None = None,
    ) -> Completion:
        """Ask a model and wait."""
        if request.model.answer is None:
            return self.engine.ask(request)
        from pytest_medhelm.models.engine.request import Completion

        text = request.model.answer(messages, instance, benchmark)
        if text is None:
            completion = Completion("skipped", error=f"{request.model.name} has no answer to this")
        else:
            completion = Completion("ok", text, finish_reason="stop")
        self.keep(request, completion)
        return completion

    def answer(self, record: RecordBuilder) -> tuple[Request, Completion]:
        """The completion for a benchmark's instance, usually under way by now."""
        needs_messages = record.model.answer is not None or record.request is None
        messages = record.benchmark.messages(record.instance) if needs_messages else ()
        request = record.request or self.request_of(record, messages)
        return request, self.complete(request, messages, record.instance, record.benchmark)


REQUESTS: pytest.StashKey[RequestBuilder] = pytest.StashKey()
"""On config, where items run."""
