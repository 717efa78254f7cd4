"""The fixtures: ``model``, ``instance``, ``response``, ``score`` and ``jury``.

This module is imported in every pytest session that has the plugin installed, so it imports nothing costly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_medhelm.util.network import shown_address

if TYPE_CHECKING:
    from pytest_medhelm.models.spec import Model
    from pytest_medhelm.plugin.recorder import Recorder
    from pytest_medhelm.plugin.request_builder import RequestBuilder
    from pytest_medhelm.scoring.jury.jury import Jury
    from pytest_medhelm.scoring.metrics.summarization import Compare, Scales
    from pytest_medhelm.scoring.record import RecordBuilder
    from pytest_medhelm.scoring.response import Response
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
        from pytest_medhelm.plugin.outcomes import PlumbingFailure
        from pytest_medhelm.scoring.response import Response

        chat = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        request = self._requests.request(self._spec, chat, **sampling)
        completion = self._requests.complete(request, chat)
        if completion.outcome == "request_error":
            raise PlumbingFailure(_no_answer(self._spec, completion.error, request.key), pytrace=False)
        if completion.outcome == "skipped":
            pytest.skip(completion.error)
        return Response(completion, key=request.key)


class Score:
    """Soft assertions: each call computes a metric and records the score; none stops the test.

    ``score.exact_match(prediction, reference)`` calls the metric of that name (metrics.METRICS, and what the hook
    pytest_medhelm_metrics adds). An answer that could not be read (None), or a response that is refused, truncated,
    too long, blocked or empty, gets the metric's worst value and keeps its status.
    """

    def __init__(self, draft: RecordBuilder, asker: Recorder) -> None:
        self._draft = draft
        self._asker = asker

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_") or name not in self._asker.metrics:
            raise AttributeError(f"there is no metric {name!r}; known are: {', '.join(sorted(self._asker.metrics))}")
        return self._metric(name)

    def _metric(self, name: str) -> Callable[..., None]:
        metric = self._asker.metrics[name]

        def compute(prediction: Any, *arguments: Any) -> None:
            response = self._draft.response
            assert response is not None, "the test uses 'score' without 'response'"
            if prediction is None and response.status == "ok":
                response.status = "unparsed"
            if isinstance(prediction, int | float):
                self._draft.read = f"{prediction:.10g}"
            elif isinstance(prediction, str) and len(prediction) == 1:
                self._draft.read = prediction
            if prediction is None or response.status != "ok":
                values: Any = dict.fromkeys(metric.names, metric.scale[0])
            else:
                values = metric.compute(prediction, *arguments)
            for key, value in values.items() if isinstance(values, Mapping) else ((metric.names[0], values),):
                self._draft.add(key, value, metric.scale)
            if metric.binary:
                self._draft.binary.update(metric.names)

        return compute

    def choice(self, response: Response, instance: Instance) -> None:
        """Record whether the letter of the right option was chosen, and what MedHELM 0.8.0 makes of the raw text."""
        from pytest_medhelm.scoring.metrics.exact_match import exact_match

        self.exact_match(response.choice, instance.answer)
        self.helm("exact_match", exact_match(response.text, instance.answer))

    def classify(self, response: Response, instance: Instance) -> None:
        """As ``choice`` where the options are the same labels for every instance: also macro and micro F1."""
        self.choice(response, instance)
        labels = dict(zip(ascii_uppercase, instance.choices, strict=False))
        self.label(response.choice and labels[response.choice], labels[instance.answer])

    def label(self, predicted: str | None, gold: str) -> None:
        """Record a predicted and the right label, from which the leaderboard computes F1, precision and recall.

        An answer that could not be used predicts no label and still counts.
        """
        response = self._draft.response
        usable = predicted is not None and (response is None or response.status == "ok")
        self._draft.label = (gold, str(predicted) if usable else "")

    def rouge(self, prediction: str, reference: str) -> None:
        """Record ROUGE-1, -2 and -L over the words of the task's language."""
        english = self._draft.benchmark.task.language.partition("-")[0] == "en"
        self._metric("rouge_english" if english else "rouge_unicode")(prediction, reference)

    def overlap(self, prediction: str, reference: str, source: str = "") -> None:
        """Record ROUGE, BLEU and BERTScore against a reference, and how much is copied from a source.

        They are described in docs/text-metrics.md. What cannot be computed here, e.g. without an extra, is absent with
        a reason. An answer that cannot be used gets the worst values; coverage, density and compression describe and
        do not exist for it.
        """
        from pytest_medhelm.scoring.metrics import summarization

        task, settings = self._draft.benchmark.task, self._asker.settings
        self.rouge(prediction, reference)

        def graded(scales: Scales, prepare: Callable[[], Compare]) -> None:
            def values() -> Mapping[str, float]:
                compare = prepare()
                return compare(prediction, reference) if self._usable else {name: scales[name][0] for name in scales}

            self._measure(scales, values)

        graded(summarization.BLEU, lambda: summarization.bleu(task.language))
        graded(summarization.BERTSCORE, lambda: summarization.bertscore(settings.bertscore, offline=settings.offline))
        if source:
            self._describe(summarization.EXTRACTION, lambda: summarization.extraction(source, prediction))

    def style(
        self,
        text: str,
        *,
        reference: str = "",
        audience: Literal["patient", "clinician"] = "patient",
        sections: Sequence[str] = (),
    ) -> None:
        """Record how a text is written: reading level, hedging, length, headings (docs/text-metrics.md).

        ``reference``: also the ratio of lengths. ``audience="patient"``: also whether the reading level is on target.
        ``sections``: also the share of these headings that a note has in order; an answer that cannot be used has
        none of them. The other measures describe and do not exist for such an answer.
        """
        from pytest_medhelm.scoring.metrics import style

        language = self._draft.benchmark.task.language
        measures: list[tuple[Scales, Callable[[], float]]] = [
            (style.READABILITY, lambda: style.flesch_kincaid_grade(text, language)),
            (style.SMOG, lambda: style.smog_grade(text, language)),
            (style.HEDGING, lambda: style.hedging(text, language)),
        ]
        if audience == "patient":
            measures.append((style.ON_TARGET, lambda: style.reading_level_on_target(text, language)))
        if reference:
            measures.append((style.LENGTH, lambda: style.length_ratio(text, reference)))
        for scales, compute in measures:
            self._describe(scales, lambda scales=scales, compute=compute: dict.fromkeys(scales, compute()))  # type: ignore[misc]
        if sections:
            found = style.section_structure(text, sections) if self._usable else 0.0
            self._measure(style.STRUCTURE, lambda: dict.fromkeys(style.STRUCTURE, found))

    @property
    def _usable(self) -> bool:
        response = self._draft.response
        return response is None or response.status == "ok"

    def _describe(self, scales: Scales, compute: Callable[[], Mapping[str, float]]) -> None:
        """Record scores that say how an answer is, not how good: without a usable answer there is nothing to say."""
        if self._usable:
            self._measure(scales, compute)
        else:
            self.not_applicable(*scales)

    def _measure(self, scales: Scales, compute: Callable[[], Mapping[str, float]]) -> None:
        """Record scores, or why there are none."""
        from pytest_medhelm.scoring.metrics.unavailable import Unavailable

        try:
            values = compute()
        except Unavailable as reason:
            self._draft.absent.update(dict.fromkeys(scales, str(reason)))
        else:
            for name, scale in scales.items():
                self._draft.add(name, values[name], scale)

    def not_applicable(self, *names: str) -> None:
        """Say that these scores do not exist for this instance: it then counts neither as measured nor as missing."""
        self._draft.not_applicable.update(names)

    def record(self, name: str, value: float, scale: tuple[float, float] = (0.0, 1.0)) -> None:
        """Record a score that the test computed itself. ``scale`` is (worst, best).

        Raises ValueError when the value is not a number on the scale.
        """
        response = self._draft.response
        faulty = response is not None and response.status != "ok"
        self._draft.add(name, scale[0] if faulty else value, scale)

    def helm(self, name: str, value: float, scale: tuple[float, float] = (0.0, 1.0)) -> None:
        """Record ``<name>_helm``: the score as MedHELM 0.8.0 computes it, faults included, whatever the status."""
        self._draft.add(f"{name}_helm", value, scale)


@pytest.fixture
def model(request: pytest.FixtureRequest) -> AskedModel:
    """A model named by --medhelm-model; a test that uses it runs once for each. Ask it with model.ask(...)."""
    return AskedModel(request.param, _requests(request))


@pytest.fixture
def instance(request: pytest.FixtureRequest) -> Instance:
    """One instance of the module's TASK; a test that uses it runs once for each."""
    if isinstance(request.param, Exception):
        pytest.fail(str(request.param), pytrace=False)
    return _recorder(request).builder(request.node).instance


@pytest.fixture
def response(request: pytest.FixtureRequest, instance: Instance, model: AskedModel) -> Response:
    """The model's response to the module's ``prompt(instance)``, already under way when the test is reached."""
    from pytest_medhelm.plugin.outcomes import PlumbingFailure
    from pytest_medhelm.scoring.response import Response

    recorder = _recorder(request)
    record = recorder.builder(request.node)
    task = record.benchmark.task
    sent, completion = _requests(request).answer(record)
    record.response = Response(completion, key=sent.key, instance=instance, language=task.language)
    if completion.outcome == "request_error":
        record.status, record.error = "request_error", completion.error
        reason = _no_answer(record.model, completion.error, sent.key)
        if recorder.tolerates("request_error", task) and instance.must_pass is None:
            pytest.skip(f"unmeasured: {reason}")
        raise PlumbingFailure(reason, pytrace=False)
    if completion.outcome == "skipped":
        record.status, record.error = "skipped", completion.error
        pytest.skip(f"unmeasured: {completion.error}")
    return record.response


@pytest.fixture
def score(request: pytest.FixtureRequest, response: Response) -> Score:
    """Records metric scores of the response; see Score."""
    recorder = _recorder(request)
    return Score(recorder.builder(request.node), recorder)


@pytest.fixture
def jury(request: pytest.FixtureRequest, response: Response) -> Iterator[Jury]:
    """The judges named by --medhelm-judge: jury.rate(response, reference). Does nothing without judges."""
    from pytest_medhelm.plugin.outcomes import PlumbingFailure
    from pytest_medhelm.scoring.jury.jury import Jury

    requests, recorder = _requests(request), _recorder(request)
    record = recorder.builder(request.node)
    yield Jury(requests.panel, requests.engine, recorder.rubric(record.benchmark), record)
    if record.status == "judge_error" and not recorder.tolerates("judge_error", record.benchmark.task):
        raise PlumbingFailure(record.error, pytrace=False)


def _requests(request: pytest.FixtureRequest) -> RequestBuilder:
    from pytest_medhelm.plugin.request_builder import REQUESTS

    return request.config.stash[REQUESTS]


def _recorder(request: pytest.FixtureRequest) -> Recorder:
    from pytest_medhelm.plugin.recorder import RECORDER

    return request.config.stash[RECORDER]


def _no_answer(model: Model, error: str, key: str) -> str:
    endpoint = shown_address(model.endpoint.base_url) if model.endpoint else model.provider
    return f"{model.name} at {endpoint} gave no answer: {error} (request {key[:12]})"
