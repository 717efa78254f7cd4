"""The ``score`` fixture's class: metrics of a response, recorded one by one.

A method for each built-in metric; ``metric`` is the way to all others, a benchmark's own and those of a hook.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, overload

from pytest_medhelm.scoring import answers
from pytest_medhelm.scoring.metric_scores import MetricScores, declared_metric
from pytest_medhelm.scoring.metrics import style, summarization
from pytest_medhelm.scoring.metrics.exact_match import exact_match
from pytest_medhelm.scoring.metrics.rouge import rouge_english
from pytest_medhelm.scoring.metrics.summarization import Compare, Scales
from pytest_medhelm.scoring.record import RecordBuilder
from pytest_medhelm.scoring.response import Response
from pytest_medhelm.tasks.metric import Metric
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.util.errors import ConfigError
from pytest_medhelm.util.settings import Settings

_Read = TypeVar("_Read")
_Rest = ParamSpec("_Rest")


class Score:
    """Soft assertions: each call computes a metric and records the score; none stops the test.

    An answer that could not be read (None), or a response that is refused, truncated, too long, blocked or empty,
    gets the metric's worst value and keeps its status.
    """

    def __init__(self, record: RecordBuilder, metrics: Mapping[str, Metric], settings: Settings) -> None:
        """``metrics``: by name the built-in ones, and what the hook pytest_medhelm_metrics adds."""
        self._record = record
        self._scores = MetricScores(record)
        self._metrics = metrics
        self._settings = settings

    @overload
    def metric(
        self,
        metric: Callable[Concatenate[_Read, _Rest], float | Mapping[str, float]],
        prediction: _Read | None,
        *arguments: _Rest.args,
        **keywords: _Rest.kwargs,
    ) -> None: ...

    @overload
    def metric(self, metric: str, prediction: Any, *arguments: Any, **keywords: Any) -> None: ...

    def metric(self, metric: str | Callable[..., Any], prediction: Any, *arguments: Any, **keywords: Any) -> None:
        """Record what a metric of the benchmark's own gives: ``score.metric(function, prediction, reference)``.

        ``metric`` is a function of Task.metrics, or the name of a metric that the hook pytest_medhelm_metrics adds.
        Raises ConfigError for any other, and for a score that the metric does not declare or that is off its scale.
        """
        declared = declared_metric(metric, self._record.benchmark.task, self._metrics)
        self._scores.compute(declared, prediction, *arguments, **keywords)

    def exact_match(self, prediction: str | None, reference: str) -> None:
        """1 when both are equal apart from spaces at their ends, else 0."""
        self._scores.compute(self._metrics["exact_match"], prediction, reference)

    def exact_match_strict(self, prediction: str | None, reference: str) -> None:
        """As ``exact_match``, of what was said in the form that the prompt asks for; empty for another form."""
        self._scores.compute(self._metrics["exact_match_strict"], prediction, reference)

    def quasi_exact_match(self, prediction: str | None, reference: str) -> None:
        """1 when both are equal but for letter case, punctuation, articles and spaces, else 0."""
        self._scores.compute(self._metrics["quasi_exact_match"], prediction, reference)

    def prefix_exact_match(self, prediction: str | None, reference: str) -> None:
        """1 when the prediction begins with the reference, else 0."""
        self._scores.compute(self._metrics["prefix_exact_match"], prediction, reference)

    def quasi_prefix_exact_match(self, prediction: str | None, reference: str) -> None:
        """As ``prefix_exact_match`` but for letter case, punctuation, articles and spaces."""
        self._scores.compute(self._metrics["quasi_prefix_exact_match"], prediction, reference)

    def f1_score(self, prediction: str | None, reference: str) -> None:
        """F1 of the two sets of words, 0 to 1."""
        self._scores.compute(self._metrics["f1_score"], prediction, reference)

    def number_accuracy(self, prediction: float | None, reference: float, tolerance: float = 0.0) -> None:
        """1 when the number is within the tolerance of the reference, ends included, else 0."""
        self._scores.compute(self._metrics["number_accuracy"], prediction, reference, tolerance)

    def choice(self, response: Response, instance: Instance) -> None:
        """Record whether the letter of the right option was chosen, and what MedHELM 0.8.0 makes of the raw text."""
        self.exact_match(response.choice, instance.answer)
        self.helm("exact_match", exact_match(answers.helm_output(response.text), instance.answer))
        if self._settings.answer_form == "strict":
            # A function that stands for a model is not told a form.
            asked = "lone letter" if self._settings.prompt_form == "helm" else "form"
            in_form = self._record.model.answer is not None or response.read_as == asked
            said = response.choice if in_form else ""
            self.exact_match_strict(said, instance.answer)

    def classify(self, response: Response, instance: Instance) -> None:
        """As ``choice`` where the options are the same labels for every instance: also macro and micro F1."""
        self.choice(response, instance)
        labels = dict(zip(ascii_uppercase, instance.choices, strict=False))
        self.label(response.choice and labels[response.choice], labels[instance.answer])

    def label(self, predicted: str | None, gold: str) -> None:
        """Record a predicted and the right label, from which the leaderboard computes F1, precision and recall.

        An answer that could not be used predicts no label and still counts.
        """
        usable = predicted is not None and self._record.usable
        self._record.label = (gold, str(predicted) if usable else "")

    def rouge(self, prediction: str | None, reference: str) -> None:
        """Record ROUGE-1, -2 and -L over the words of the task's language; beside them what MedHELM 0.8.0 scores."""
        english = self._record.benchmark.task.language.partition("-")[0] == "en"
        self._scores.compute(self._metrics["rouge_english" if english else "rouge_unicode"], prediction, reference)
        response = self._record.response
        if response is not None and response.status != "request_error":
            # MedHELM scores what is there, also of an answer that was cut off or refused.
            text = prediction if prediction and self._record.usable else response.text
            self.helm_scores(rouge_english(text, reference))

    def overlap(self, prediction: str, reference: str, source: str = "") -> None:
        """Record ROUGE, BLEU and BERTScore against a reference, and how much is copied from a source.

        They are described in docs/text-metrics.md. What cannot be computed here, e.g. without an extra, is absent with
        a reason. An answer that cannot be used gets the worst values; coverage, density and compression describe and
        do not exist for it.
        """
        settings, language = self._settings, self._record.benchmark.task.language
        self.rouge(prediction, reference)

        def graded(scales: Scales, prepare: Callable[[], Compare]) -> None:
            def values() -> Mapping[str, float]:
                compare = prepare()
                if self._record.usable:
                    return compare(prediction, reference)
                return {name: worst for name, (worst, _) in scales.items()}

            self._scores.measure(scales, values)

        graded(summarization.BLEU, lambda: summarization.bleu(language))
        graded(summarization.BERTSCORE, lambda: summarization.bertscore(settings.bertscore, offline=settings.offline))
        if source:
            self._scores.describe(summarization.EXTRACTION, lambda: summarization.extraction(source, prediction))

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
        language = self._record.benchmark.task.language
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
            self._scores.describe(scales, lambda scales=scales, compute=compute: dict.fromkeys(scales, compute()))  # type: ignore[misc]
        if sections:
            share = style.section_structure(text, sections) if self._record.usable else 0.0
            self._scores.measure(style.STRUCTURE, lambda: dict.fromkeys(style.STRUCTURE, share))

    def not_applicable(self, *names: str) -> None:
        """Say that these scores do not exist for this instance: it then counts neither as measured nor as missing."""
        self._record.not_applicable.update(names)

    def record(self, name: str, value: float, scale: tuple[float, float] = (0.0, 1.0)) -> None:
        """Record a score that the test computed itself. ``scale`` is (worst, best).

        Raises ValueError when the value is not a number on the scale, ConfigError for a name that the benchmark does
        not declare: a rule that names it could not be told from one that is misspelt.
        """
        task = self._record.benchmark.task
        named = {
            task.main_metric,
            *task.records,
            *(score_name for declared in task.metrics for score_name in Metric.of(declared).names),
        }
        if name not in named and not any(name in metric.names for metric in self._metrics.values()):
            raise ConfigError(
                f"the benchmark {task.name!r} declares no score {name!r}: write Task(..., records=({name!r},))"
            )
        self._record.add(name, value if self._record.usable else scale[0], scale)

    def reached(self, name: str, value: float, scale: tuple[float, float] = (0.0, 1.0)) -> None:
        """Record a score of the state that an agent's episode came to, whatever ended it."""
        self._record.add(name, value, scale)

    def helm(self, name: str, value: float, scale: tuple[float, float] = (0.0, 1.0)) -> None:
        """Record ``<name>_helm``: the score as MedHELM 0.8.0 computes it, faults included, whatever the status."""
        self._record.add(f"{name}_helm", value, scale)

    def helm_scores(self, values: Mapping[str, float]) -> None:
        """As ``helm`` for several scores from 0 to 1, by name."""
        for name, value in values.items():
            self.helm(name, value)
