"""``score``: metrics of a benchmark's own, what is said of one that is not declared, what is recorded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_medhelm import ConfigError, DataFile, Instance, Metric, Response, Score, Task, Unavailable
from pytest_medhelm.models.engine.request import Completion
from pytest_medhelm.scoring.metrics import METRICS
from pytest_medhelm.scoring.record import RecordBuilder

INSTANCE = Instance("1", "How much?", "4")


def dose_error(prediction: float, reference: float) -> float:
    return abs(prediction - reference) / reference


def words(prediction: str, reference: str = "") -> dict[str, float]:
    return {"words": len(prediction.split()), "letters": len(prediction)}


def unknown(prediction: str) -> float:
    raise Unavailable("no dictionary for this language")


DOSE_ERROR = Metric(dose_error, ("dose_error",), scale=(1.0, 0.0))
WORDS = Metric(words, ("words", "letters"), scale=(0, 1000))


def recorded(*metrics: Any, text: str = "5", reason: str = "stop", hook: Any = None) -> tuple[Score, RecordBuilder]:
    task = Task(
        name="doses", title="Doses", subcategory="Planning Treatments", access="public", kind="calculation",
        files=(DataFile("doses.csv"),), load=lambda path: (), main_metric="dose_error", licence="", source="",
        metrics=metrics,
    )  # fmt: skip
    record = RecordBuilder(SimpleNamespace(task=task), INSTANCE, None, "dose_error", "")  # type: ignore[arg-type]
    record.response = Response(Completion("ok", text, finish_reason=reason), key="0" * 64, instance=INSTANCE)
    return Score(record, {**METRICS, **(hook or {})}, SimpleNamespace(answer_form="any")), record  # type: ignore[arg-type]


def test_a_function_of_the_benchmark_is_a_metric() -> None:
    score, record = recorded(DOSE_ERROR)
    score.metric(dose_error, 5.0, 4.0)
    assert record.scores == {"dose_error": 0.25}
    assert record.scales == {"dose_error": (1.0, 0.0)}
    assert record.read == "5"


def test_a_plain_function_needs_no_declaration_of_its_scale() -> None:
    score, record = recorded(dose_error)
    score.metric(dose_error, 5.0, reference=4.0)
    assert (record.scores, record.scales) == ({"dose_error": 0.25}, {"dose_error": (0.0, 1.0)})


def test_several_scores_by_name() -> None:
    score, record = recorded(WORDS)
    score.metric(words, "two words")
    assert record.scores == {"words": 2.0, "letters": 9.0}


@pytest.mark.parametrize(("prediction", "reason", "status"), [(None, "stop", "unparsed"), (5.0, "length", "truncated")])
def test_an_answer_that_cannot_be_used_gets_the_worst_value(prediction: Any, reason: str, status: str) -> None:
    score, record = recorded(DOSE_ERROR, reason=reason)
    score.metric(dose_error, prediction, 4.0)
    assert record.scores == {"dose_error": 1.0}
    assert record.final_status == status


def test_what_a_hook_adds_is_called_by_its_name() -> None:
    score, record = recorded(hook={"length": Metric(lambda text: len(text), ("characters",), scale=(0, 9))})
    score.metric("length", "five")
    score.metric("exact_match", "4 ", "4")
    assert record.scores == {"characters": 4.0, "exact_match": 1.0}
    assert record.binary == {"exact_match"}


def test_a_metric_without_a_value_leaves_a_reason() -> None:
    score, record = recorded(unknown)
    score.metric(unknown, "five")
    assert record.scores == {}
    assert record.absent == {"unknown": "no dictionary for this language"}


@pytest.mark.parametrize("metric", [dose_error, "dose_error", lambda prediction: 1.0, "exact_matc"])
def test_what_is_not_declared_is_an_error_with_a_sentence(metric: Any) -> None:
    score, record = recorded(WORDS)
    with pytest.raises(
        ConfigError, match=r"the benchmark 'doses' declares no metric '.*': write Task\(\.\.\., metrics="
    ):
        score.metric(metric, 5.0, 4.0)
    assert record.scores == {}


@pytest.mark.parametrize(
    ("metric", "prediction", "sentence"),
    [
        (dose_error, 40.0, "'dose_error' gives 9 as dose_error, which is no number from 0 to 1"),
        (Metric(words, ("words",)), "two words", "'words' gives letters, which it does not declare"),
        (Metric(lambda prediction, reference: None, ("none",)), 1.0, "gives NoneType as none, which is no number"),
        (Metric(lambda prediction, reference: float("nan"), ("none",)), 1.0, "gives float as none"),
        (Metric(lambda prediction, reference: "Mrs Example", ("none",)), 1.0, "gives str as none"),
    ],
)
def test_a_metric_that_gives_something_else_is_an_error(metric: Any, prediction: Any, sentence: str) -> None:
    score, record = recorded(metric)
    with pytest.raises(ConfigError) as caught:
        score.metric(getattr(metric, "compute", metric), prediction, 4.0)
    assert sentence in str(caught.value)
    assert "Mrs Example" not in str(caught.value)
    assert record.scores == {}


@pytest.mark.parametrize("name", [name for name in METRICS if not name.startswith("rouge_")])
def test_each_built_in_metric_is_a_method(name: str) -> None:
    called, record = recorded()
    pair = (4.0, 4.0) if name == "number_accuracy" else ("4", "4")
    getattr(called, name)(*pair)
    assert record.scores == {name: 1.0}


def test_rouge_goes_by_the_language() -> None:
    score, record = recorded()
    score.rouge("the wound heals", "the wound heals")
    assert record.scores == dict.fromkeys(
        ("rouge_1", "rouge_2", "rouge_l", "rouge_1_helm", "rouge_2_helm", "rouge_l_helm"), 1.0
    )


@pytest.mark.parametrize(
    ("text", "reason", "helm"),
    [
        ("I'm sorry, but I cannot help with that.", "stop", 0.0),
        ("Take two tablets", "length", 2 * 3 / (3 + 4)),
        ("Take two tablets daily", "stop", 1.0),
    ],
)
def test_medhelm_scores_what_is_there_by_rouge(text: str, reason: str, helm: float) -> None:
    """An answer that was refused or cut off scores 0 here; MedHELM compares its words."""
    score, record = recorded(text=text, reason=reason)
    score.rouge(text, "Take two tablets daily")
    assert record.scores["rouge_1_helm"] == pytest.approx(helm)
    assert record.scores["rouge_1"] == (1.0 if helm == 1.0 else 0.0)
