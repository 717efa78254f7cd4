"""What metrics give goes into the record: their values, the worst ones, or why there are none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, SupportsFloat

from pytest_medhelm.scoring.metrics.summarization import Scales
from pytest_medhelm.scoring.metrics.unavailable import Unavailable
from pytest_medhelm.scoring.record import RecordBuilder
from pytest_medhelm.tasks.metric import Metric
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.util.errors import ConfigError


class MetricScores:
    """Computes metrics for a record and writes down what they give."""

    def __init__(self, record: RecordBuilder) -> None:
        self._record = record

    def compute(self, metric: Metric, prediction: Any, *arguments: Any, **keywords: Any) -> None:
        """Record the scores of a metric: the worst ones where there is nothing to score."""
        response, record = self._record.response, self._record
        if response is not None and prediction is None and response.status == "ok":
            response.status = "unparsed"
        if isinstance(prediction, int | float):
            record.read = f"{prediction:.10g}"
        elif isinstance(prediction, str) and len(prediction) == 1:
            record.read = prediction
        scales = dict.fromkeys(metric.names, metric.scale)
        if prediction is None or not self._record.usable:
            self.measure(scales, lambda: dict.fromkeys(metric.names, metric.scale[0]))
        else:
            self.measure(scales, lambda: _values(metric, metric.compute(prediction, *arguments, **keywords)))
        if metric.binary:
            record.binary.update(metric.names)

    def describe(self, scales: Scales, compute: Callable[[], Mapping[str, float]]) -> None:
        """Record scores that say how an answer is, not how good: without a usable answer there is nothing to say."""
        if self._record.usable:
            self.measure(scales, compute)
        else:
            self._record.not_applicable.update(scales)

    def measure(self, scales: Scales, compute: Callable[[], Mapping[str, float]]) -> None:
        """Record scores, or why there are none."""
        try:
            values = compute()
        except Unavailable as reason:
            self._record.absent.update(dict.fromkeys(scales, str(reason)))
        else:
            for name, value in values.items():
                self._record.add(name, value, scales[name])


def declared_metric(metric: str | Callable[..., Any], task: Task, known: Mapping[str, Metric]) -> Metric:
    """The metric that is meant. Raises ConfigError with the way out when there is none."""
    of_task = [Metric.of(declared) for declared in task.metrics]
    if isinstance(metric, str):
        named = {**known, **{declared.name: declared for declared in of_task}}.get(metric)
    else:
        named = next((declared for declared in (*of_task, *known.values()) if declared.compute == metric), None)
    if named is None:
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
        raise ConfigError(
            f"the benchmark {task.name!r} declares no metric {name!r}: write Task(..., metrics=({name},)), or add "
            "it by the hook pytest_medhelm_metrics"
        )
    return named


def _values(metric: Metric, given: Any) -> Mapping[str, float]:
    """What a metric gave, by name. Raises ConfigError where that is not what it declares; it quotes no text."""
    values: Mapping[str, float] = given if isinstance(given, Mapping) else {metric.names[0]: given}
    other = [str(name) for name in values if name not in metric.names]
    if other:
        raise ConfigError(
            f"the metric {metric.name!r} gives {', '.join(other)}, which it does not declare: write "
            f"Metric({metric.name}, ({', '.join(map(repr, map(str, values)))},))"
        )
    worst, best = metric.scale
    for name, value in values.items():
        # In this order: a protocol is slow to ask for, and nearly all scores are plain numbers.
        is_number = isinstance(value, (float, int, SupportsFloat))
        number = float(value) if is_number else math.nan
        if not min(worst, best) <= number <= max(worst, best):
            shown = type(value).__name__ if math.isnan(number) else f"{number:g}"
            raise ConfigError(
                f"the metric {metric.name!r} gives {shown} as {name}, which is no number from {worst:g} to {best:g}: "
                f"name its worst and best value, Metric({metric.name}, ..., scale=(worst, best))"
            )
    return values
