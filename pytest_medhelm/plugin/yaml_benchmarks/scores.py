"""The keys ``metrics``, ``rubric`` and ``gate``: what is scored, by whom, and which rules can be about it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_medhelm.gates.rule import BESIDE_METRICS, parse_rule
from pytest_medhelm.plugin.yaml_benchmarks.spec import Answer
from pytest_medhelm.scoring.jury.jury import score_names as jury_score_names
from pytest_medhelm.scoring.response import STATUSES
from pytest_medhelm.tasks.points import PointsRubric
from pytest_medhelm.tasks.rubric import Rubric
from pytest_medhelm.tasks.rubric_files import CRITERIA_KEYS, POINTS_KEYS, load_rubric, rubric_of
from pytest_medhelm.util.document import Table, Value, suggestion
from pytest_medhelm.util.errors import ConfigError

TEXT_METRICS = (
    "rouge", "exact_match", "quasi_exact_match", "prefix_exact_match", "quasi_prefix_exact_match", "f1_score", "jury",
)  # fmt: skip
METRICS: Mapping[str, tuple[str, ...]] = {
    "letter": ("exact_match",),
    "label": ("exact_match",),
    "number": ("number_accuracy",),
    "text": TEXT_METRICS,
}
ROUGE = ("rouge_1", "rouge_2", "rouge_l")


def read_metrics(table: Table, kind: str) -> tuple[str, ...]:
    """The metrics that the file names, else the first of its kind of answer. Raises OwnError."""
    value = table.get("metrics")
    if value is None:
        return METRICS[kind][:1]
    value.texts()
    for item in value.items():
        if item.text() not in METRICS[kind]:
            elsewhere = any(item.text() in names for names in METRICS.values())
            hint = (
                f" does not fit kind: {kind}; there it is {' or '.join(METRICS[kind])}"
                if elsewhere
                else f" is unknown{suggestion(item.text(), METRICS[kind])}"
            )
            raise item.error(f"the metric {item.text()!r}{hint}")
    names = tuple(value.texts())
    if names == ("jury",):
        raise value.error("without judges a jury gives no score; name another metric beside it, e.g. [rouge, jury]")
    return names


def read_rubric(table: Table, metrics: tuple[str, ...]) -> str | Rubric | PointsRubric:
    """The jury's rubric, by name or of the file's own criteria; empty without a jury. Raises OwnError."""
    value = table.get("rubric")
    if value is None:
        if "jury" in metrics:
            raise table.values["metrics"].error(
                "a jury needs a rubric; add e.g. 'rubric: accuracy_completeness_clarity', or criteria of your own"
            )
        return ""
    if "jury" not in metrics:
        raise value.error("nobody uses this rubric; add e.g. 'metrics: [rouge, jury]'")
    if value.is_table:
        return _own_rubric(value)
    try:
        rubric = load_rubric(value.text())
    except ConfigError as error:
        raise value.error(str(error)) from None
    if not rubric.criteria:
        does = "takes criteria with points from each instance" if isinstance(rubric, PointsRubric) else "sorts replies"
        raise value.error(f"the rubric {rubric.name!r} {does} instead of grading all alike; that takes a Python module")
    return rubric.name


def _own_rubric(value: Value) -> Rubric | PointsRubric:
    rubric = rubric_of(value.table((*CRITERIA_KEYS, *POINTS_KEYS)), "own")
    if not rubric.criteria:
        raise value.error("points is empty; write e.g. points: [{criterion: Names the dose, points: 5}]")
    return rubric


def read_rules(table: Table, name: str, scores: list[str]) -> tuple[str, ...]:
    """The rules of the benchmark ``name``, each about one of its ``scores`` or statuses. Raises OwnError."""
    value = table.get("gate")
    return () if value is None else tuple(_gate(item, name, scores) for item in value.items())


def score_names(
    answer: Answer, metrics: tuple[str, ...], rubric: str | Rubric | PointsRubric, language: str
) -> list[str]:
    """Names of all scores that records will have: what a rule can be about."""
    names: list[str] = []
    for metric in metrics:
        if metric == "rouge":
            names += ROUGE
            if language.partition("-")[0] != "en":
                names += [f"{name}_helm" for name in ROUGE]
        elif metric == "jury":
            names += jury_score_names(load_rubric(rubric) if isinstance(rubric, str) else rubric)
        else:
            names.append(metric)
    if answer.has_choices:
        names.append("exact_match_helm")
        names += ["macro_f1", "micro_f1"] if answer.choices else []
        names += ["precision", "recall", "f1"] if answer.positive else []
    return names


def _gate(value: Value, name: str, scores: list[str]) -> str:
    """A rule as it stands, or without the benchmark's name before it."""
    text = value.text()
    first = re.match(r"[A-Za-z][A-Za-z0-9_-]*", text)
    known = (*scores, *STATUSES, *BESIDE_METRICS)
    whole = f"{name}.{text}" if first and first[0] in known and first[0] != name else text
    try:
        rule = parse_rule(whole)
    except ConfigError as error:
        raise value.error(str(error).replace("pubmed_qa.exact_match", f"{name}.{scores[0]}")) from None
    if rule.benchmark != name:
        raise value.error(
            f"this rule is about {rule.benchmark!r}; here it is about {name}, e.g. '{name}.{scores[0]} >= 0.80'"
        )
    if rule.metric and rule.metric not in known:
        raise value.error(f"the metric {rule.metric!r} is not recorded by {name}{suggestion(rule.metric, known)}")
    return rule.text
