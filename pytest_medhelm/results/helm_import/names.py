"""What HELM calls what we have: runs and benchmarks, metrics.

HELM computes most task metrics with faults of its own; the value it wrote is then our ``<metric>_helm``, which repeats
those faults on our side. What is the same quantity keeps its name. Other stats (counts, runtimes) are no scores.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_medhelm.tasks.task import Task

_SAME = {
    "rouge_1": "rouge_1",
    "rouge_2": "rouge_2",
    "rouge_l": "rouge_l",
    "BERTScore-P": "bertscore_p",
    "BERTScore-R": "bertscore_r",
    "BERTScore-F": "bertscore_f",
}
_WITH_FAULTS = {
    "exact_match": "exact_match",
    "medcalc_bench_accuracy": "medcalc_accuracy",
    "medec_error_flag_accuracy": "medec_error_flag_accuracy",
    "medec_error_sentence_accuracy": "medec_error_sentence_accuracy",
    "ehr_sql_execution_accuracy": "ehr_sql_execution_accuracy",
    "ehr_sql_query_validity": "ehr_sql_query_validity",
    "ehr_sql_precision_answerable": "ehr_sql_precision_answerable",
    "ehr_sql_recall_answerable": "ehr_sql_recall_answerable",
    "mimiciv_billing_code_precision": "mimiciv_billing_code_precision",
    "mimiciv_billing_code_recall": "mimiciv_billing_code_recall",
    "mimiciv_billing_code_f1": "mimiciv_billing_code_f1",
    "sct_score": "sct_score",
    "sct_expert_set_membership": "sct_expert_set_membership",
}
JURY = "jury_helm"
_STRATA = {"task": "subject", "criterion": "subject", "run": "subject"}
"""Our key of a sub-task to the argument of HELM's run, where they differ."""


def metric_of(stat: str, task: Task) -> str:
    """Our name of a stat; empty for one that is no score of ours."""
    if task.rubric and stat in (f"{task.name}_accuracy", f"{task.name}_score"):
        return JURY
    if stat in _SAME:
        return _SAME[stat] if task.language == "en" else f"{_SAME[stat]}_helm"
    return f"{_WITH_FAULTS[stat]}_helm" if stat in _WITH_FAULTS else ""


def main_metric_of(task: Task) -> str:
    """The metric that stands for the benchmark in HELM's tables, under our name."""
    return JURY if task.rubric else f"{task.main_metric}_helm"


def benchmark_of(run: str, groups: object, known: Mapping[str, Task]) -> Task | None:
    """The benchmark of a run, by its name up to the arguments, else by its groups; None where we have none."""
    base = run.partition(":")[0].partition(",")[0].removeprefix("medhelm_")
    names = [base, *(str(group) for group in groups if isinstance(group, str))] if isinstance(groups, list) else [base]
    return next((known[name] for name in names if name in known), None)


def arguments_of(run: str) -> dict[str, str]:
    """The arguments in a run's name: ``clear:condition=homelessness,model=...``."""
    _, _, rest = run.partition(":" if ":" in run else ",")
    return {key: value for key, sign, value in (part.partition("=") for part in rest.split(",")) if sign}


def sub_task_of(run: str, task: Task) -> str:
    """Which sub-task of a benchmark it is; empty where the benchmark has none."""
    if not task.sub_tasks_by:
        return ""
    arguments = arguments_of(run)
    return arguments.get(task.sub_tasks_by) or arguments.get(_STRATA.get(task.sub_tasks_by, ""), "")
