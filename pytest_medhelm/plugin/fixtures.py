"""The fixtures: ``model``, ``instance``, ``response``, ``episode``, ``score`` and ``jury``.

This module is imported in every pytest session that has the plugin installed, so it imports nothing costly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_medhelm.agents.episode import Episode
    from pytest_medhelm.models.engine.request import Completion, Request
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.plugin.recorder import Recorder
    from pytest_medhelm.plugin.request_builder import RequestBuilder
    from pytest_medhelm.scoring.jury.jury import Jury
    from pytest_medhelm.scoring.record import RecordBuilder
    from pytest_medhelm.scoring.response import Response
    from pytest_medhelm.scoring.score import Score
    from pytest_medhelm.tasks.task import Instance


class AskedModel:
    """A model that a test can ask, also outside a benchmark and over several turns."""

    def __init__(self, spec: Model, requests: RequestBuilder) -> None:
        self._spec = spec
        self._requests = requests

    def __repr__(self) -> str:
        return f"model {self.name}"

    @property
    def name(self) -> str:
        """As the user wrote it, e.g. "vllm/llama3"."""
        return self._spec.name

    def ask(self, messages: str | Sequence[Mapping[str, str]], **sampling: Any) -> Response:
        """Ask and wait for the response.

        ``messages`` is one user message or a list of chat messages; ``sampling`` overrides fields of the request
        body, e.g. ``max_tokens=200``. The answer is stored and read from disk when the same is asked again.
        An endpoint that gives no answer fails the test as an error.
        """
        __tracebackhide__ = True
        from pytest_medhelm.plugin.outcomes import PlumbingFailure, SafeSkip
        from pytest_medhelm.scoring.response import Response

        chat = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        request = self._requests.request(self._spec, chat, **sampling)
        completion = self._requests.complete(request, chat)
        if completion.outcome == "request_error":
            raise PlumbingFailure(_no_answer(self._spec, completion.error, request.key), pytrace=False)
        if completion.outcome == "skipped":
            raise SafeSkip(completion.error)
        return Response(completion, key=request.key)


class Fixtures:
    """The fixtures of a session, and the item that they are for.

    A plugin's methods know the item from its hook: pytest makes the fixture ``request`` anew, twice, for each fixture
    that takes it, which costs as much CPU time as all that ours do.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._item: pytest.Function
        self._values: dict[str, Callable[[], object]] = {
            "model": self._model,
            "instance": self._instance,
            "response": self._response,
            "score": self._score,
        }
        """In the order in which they need one another."""
        self._only_ours: dict[object, bool] = {}
        """By test function and the module or class that holds it: those that inherit one may have own fixtures."""

    # A hook of a project may ask for a fixture before ours gives any.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        if isinstance(item, pytest.Function):
            self._item = item

    # Behind pytest's look at skip marks and the hooks of a project, before pytest's setup of the item.
    @pytest.hookimpl
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if not isinstance(item, pytest.Function):
            return
        self._item = item  # A plugin that runs items in its own way may have come before the hook above.
        # pytest resolves and ends each fixture with six hook calls, which costs more than all that ours do. Where an
        # item has no other fixture than these, none of which has anything to end, the values are given to it at once:
        # pytest looks for those that are not there.
        if self._has_only_ours(item):
            for name, make in self._values.items():
                if name in item.fixturenames:
                    item.funcargs[name] = make()

    def _has_only_ours(self, item: pytest.Function) -> bool:
        key = item.parent, item.function
        if key not in self._only_ours:
            definitions = item._fixtureinfo.name2fixturedefs
            self._only_ours[key] = not self._config.getoption("setupshow") and all(
                name in self._values and definitions[name][-1].func.__module__ == __name__ for name in item.fixturenames
            )
        return self._only_ours[key]

    @pytest.fixture
    def model(self) -> AskedModel:
        """A model named by --medhelm-model; a test that uses it runs once for each. Ask it with model.ask(...)."""
        return self._model()

    @pytest.fixture
    def instance(self) -> Instance:
        """One instance of the module's TASK; a test that uses it runs once for each."""
        return self._instance()

    @pytest.fixture
    def response(self, instance: Instance, model: AskedModel) -> Response:
        """The model's response to the module's ``prompt(instance)``, already under way when the test is reached."""
        return self._response()

    @pytest.fixture
    def score(self, response: Response) -> Score:
        """Records metric scores of the response; see Score."""
        return self._score()

    @pytest.fixture
    def episode(self, response: Response) -> Episode:
        """The finished episode of an agent, in a module of kind agentic: answer, calls, state, diff, notes, ending."""
        episode = self._builder.episode
        if episode is None:
            raise pytest.UsageError('the fixture episode is for modules whose Task has kind="agentic"')
        return episode

    @pytest.fixture
    def jury(self, response: Response) -> Iterator[Jury]:
        """The judges named by --medhelm-judge: jury.rate(response, reference). Does nothing without judges."""
        from pytest_medhelm.plugin.outcomes import PlumbingFailure
        from pytest_medhelm.scoring.jury.jury import Jury

        requests, recorder, record = self._requests, self._recorder, self._builder
        yield Jury(requests.panel, requests.engine, recorder.rubric(record.benchmark), record)
        if record.status == "judge_error" and not recorder.tolerates("judge_error", record.benchmark.task):
            raise PlumbingFailure(record.error, pytrace=False)

    def _model(self) -> AskedModel:
        return AskedModel(self._param("model"), self._requests)

    def _instance(self) -> Instance:
        instance = self._param("instance")
        if isinstance(instance, Exception):
            from pytest_medhelm.plugin.outcomes import BenchmarkFailure

            raise BenchmarkFailure(str(instance), pytrace=False)
        return self._builder.instance

    def _response(self) -> Response:
        from pytest_medhelm.plugin.outcomes import PlumbingFailure, SafeSkip
        from pytest_medhelm.scoring.response import STATUS_OF, Response

        record = self._builder
        task, instance = record.benchmark.task, record.instance
        sent, completion = self._answer_to(record)
        record.response = Response(
            completion,
            key=sent.key,
            instance=instance,
            language=task.language,
            stated=record.benchmark.states_confidence,
        )
        if record.episode is not None:
            record.response.status = STATUS_OF[record.episode.ending]
        if completion.outcome == "request_error":
            record.status, record.error = "request_error", completion.error
            reason = _no_answer(record.model, completion.error, sent.key)
            if self._recorder.tolerates("request_error", task) and instance.must_pass is None:
                raise SafeSkip(f"unmeasured: {reason}")
            raise PlumbingFailure(reason, pytrace=False)
        if completion.outcome == "skipped":
            record.status, record.error = "skipped", completion.error
            raise SafeSkip(f"unmeasured: {completion.error}")
        return record.response

    def _score(self) -> Score:
        from pytest_medhelm.scoring.score import Score

        return Score(self._builder, self._recorder.metrics, self._recorder.settings)

    def _answer_to(self, record: RecordBuilder) -> tuple[Request, Completion]:
        if record.benchmark.environment is None:
            return self._requests.answer(record)
        # Here: agents bring along an HTTP server.
        from pytest_medhelm.plugin.episodes import play

        return play(self._requests, record)

    def _param(self, name: str) -> Any:
        callspec = getattr(self._item, "callspec", None)
        if callspec is None or name not in callspec.params:
            raise pytest.UsageError(
                f"the fixture {name!r} has no value here: a test takes 'instance' together with 'model' or 'response', "
                "has neither 'model' nor 'instance' from a fixture of its own, and is no method of unittest.TestCase"
            )
        return callspec.params[name]

    @property
    def _builder(self) -> RecordBuilder:
        return self._recorder.builder(self._item)

    @cached_property
    def _requests(self) -> RequestBuilder:
        from pytest_medhelm.plugin.request_builder import REQUESTS

        return self._config.stash[REQUESTS]

    @cached_property
    def _recorder(self) -> Recorder:
        from pytest_medhelm.plugin.recorder import RECORDER

        return self._config.stash[RECORDER]


def _no_answer(model: Model, error: str, key: str) -> str:
    endpoint = model.endpoint.shown_url if model.endpoint else model.provider
    return f"{model.name} at {endpoint} gave no answer: {error} (request {key[:12]})"
