"""From a run of HELM to records and texts: what HELM measured, with our statuses, and no grade that nobody gave."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_medhelm.models.engine.request import Completion, Request
from pytest_medhelm.models.spec import Model
from pytest_medhelm.results.helm_import.names import JURY, main_metric_of, metric_of, sub_task_of
from pytest_medhelm.results.helm_import.run_folder import MISSHAPEN, HelmRun, misshapen, name_of
from pytest_medhelm.scoring.record import text_hash
from pytest_medhelm.scoring.record_types import Record, VerdictRecord
from pytest_medhelm.scoring.response import Status
from pytest_medhelm.tasks.public_ids import public_id
from pytest_medhelm.tasks.rubric import Rubric
from pytest_medhelm.tasks.task import Task
from pytest_medhelm.util.errors import DataError
from pytest_medhelm.util.json_types import JsonObject

LETTER_BUDGET = 10
"""Tokens up to which an answer that ends at the budget is no truncated one: HELM asks for one letter with 1."""


@dataclass(frozen=True)
class Imported:
    """A record with its texts."""

    record: Record
    exchanges: Sequence[tuple[Request, Completion]]
    reference: str


def model_of(run: HelmRun) -> Model:
    """The model of a run; it cannot be asked. Its name tells it from one that this suite asks itself."""
    body = {name: run.adapter[name] for name in ("temperature", "max_tokens") if run.adapter.get(name) is not None}
    return Model(name=f"helm/{run.model}", provider="helm", served=run.model, body=body)


def read_records(run: HelmRun, task: Task, model: Model, rubric: Rubric | None) -> Iterator[Imported]:
    """The records of a run, without evaluation set and settings, which are those of all its sub-tasks together.

    Perturbed copies are passed over: HELM takes the worst of a copy and its original, which is another quantity.
    Raises DataError, naming the run, for one of another shape, and for one that asks about each option by itself.
    """
    if rubric is not None and rubric.classes:
        raise DataError(f"{run.folder.name}: its judges name classes, which cannot be imported; only scores can")
    sub_task = sub_task_of(run.name, task)
    seen = set()
    for state in run.states:
        try:
            if state["instance"].get("perturbation"):
                continue
            imported = _imported(run, state, task, model, rubric, sub_task)
        except MISSHAPEN as error:
            raise misshapen(run.folder, error) from None
        identity = (imported.record["instance"], imported.record["repeat"])
        if identity in seen:
            raise DataError(
                f"{run.folder.name}: several requests for one instance (method multiple_choice_separate_*), of which "
                "none is the answer; import runs of multiple_choice_joint"
            )
        seen.add(identity)
        yield imported


def _imported(
    run: HelmRun, state: JsonObject, task: Task, model: Model, rubric: Rubric | None, sub_task: str
) -> Imported:
    instance, result = state["instance"], state.get("result") or {}
    trial = int(state.get("train_trial_index", 0))
    given = name_of(instance["id"])
    name = f"{sub_task}/{given}" if sub_task else given
    key = hashlib.sha256(json.dumps(["helm", run.name, name, trial]).encode()).hexdigest()
    stats = run.stats.get((given, trial), {})
    completion = _completion(result, stats, run)
    verdicts, exchanges = _verdicts(state, rubric, key)
    scores, scales = _scores(stats, verdicts, task, rubric, completion)
    status, error = _status(completion, verdicts, run, rubric)
    reference = _reference(state)
    record: Record = {
        "benchmark": task.name,
        "instance": name,
        "model": model.name,
        "perturbation": "",
        "repeat": trial,
        "public_id": public_id(task, name),
        "status": status,
        "main_metric": main_metric_of(task),
        "scores": scores,
        "scales": scales,
        "not_applicable": [],
        "absent": {},
        "label": None,
        "eval_set_hash": "",
        "eval_set_size": 0,
        "fingerprint": "",
        "cluster": "",
        "sub_task": sub_task,
        "slices": {task.sub_tasks_by: sub_task} if sub_task else {},
        "request": key,
        "reference": text_hash(reference),
        "error": error,
        "verdicts": verdicts,
        "flags": [],
        "harm": None,
        "latency": completion.latency,
        "attempts": 1,
        "cached": True,
        "usage": dict(completion.usage),
        "cost": None,
        "paid": 0.0,
    }
    return Imported(record, [(Request(model, _payload(state, model), key), completion), *exchanges], reference)


def _payload(state: JsonObject, model: Model) -> str:
    request = state["request"]
    messages = request.get("messages") or [{"role": "user", "content": request.get("prompt", "")}]
    return json.dumps({"model": model.served, "messages": messages}, ensure_ascii=False)


def _completion(result: JsonObject, stats: Mapping[str, float], run: HelmRun) -> Completion:
    first = next(iter(result.get("completions") or ()), None)
    if not result.get("success") or first is None:
        return Completion("request_error", error="HELM has no answer to this request")
    counts = {"prompt_tokens": "num_prompt_tokens", "completion_tokens": "num_output_tokens"}
    thinking = first.get("thinking")
    seconds = float(result.get("request_time") or 0.0)
    return Completion(
        "ok",
        content=str(first.get("text", "")),
        reasoning=str(thinking.get("text", "")) if isinstance(thinking, dict) else "",
        finish_reason=str((first.get("finish_reason") or {}).get("reason", "")),
        usage={ours: int(stats[upstream]) for ours, upstream in counts.items() if upstream in stats},
        served=run.model,
        latency=seconds if math.isfinite(seconds) else 0.0,
        cached=True,
    )


def _status(
    completion: Completion, verdicts: Sequence[VerdictRecord], run: HelmRun, rubric: Rubric | None
) -> tuple[Status, str]:
    if completion.outcome == "request_error":
        return "request_error", completion.error
    if not completion.content.strip():
        return "empty", ""
    if completion.finish_reason == "length" and int(run.adapter.get("max_tokens") or 0) > LETTER_BUDGET:
        return "truncated", ""
    if rubric is not None and not verdicts:
        return "judge_error", "HELM holds no verdict on it"
    failed = [verdict["judge"] for verdict in verdicts if verdict["status"] != "ok"]
    return ("judge_error", f"no usable verdict from {', '.join(failed)}") if failed else ("ok", "")


def _scores(
    stats: Mapping[str, float],
    verdicts: Sequence[VerdictRecord],
    task: Task,
    rubric: Rubric | None,
    completion: Completion,
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Scores and their scales. A request without an answer has none, nor has a jury of which nobody answered."""
    values = {metric: value for stat, value in stats.items() if (metric := metric_of(stat, task))}
    scales = {name: [0.0, 1.0] for name in values}
    if rubric is not None:
        values.pop(JURY, None)
        scale = [float(end) for end in rubric.scale]
        usable = [verdict["scores"] for verdict in verdicts if verdict["status"] == "ok"]
        everything = [value for scores in usable for value in scores.values()]
        if everything:
            values[JURY] = fmean(everything)
        if usable and len(usable) == len(verdicts):
            values["jury"] = fmean(everything)
            for name in usable[0]:
                values[f"jury_{name}"] = fmean(scores[name] for scores in usable)
        elif not verdicts and JURY in {metric_of(stat, task) for stat in stats} and not completion.content.strip():
            # HELM asks no judge about an empty answer and gives it the worst grade, as we do.
            values |= dict.fromkeys(("jury", JURY), scale[0])
        scales |= {name: scale for name in values if name.startswith("jury")}
    if completion.outcome == "request_error":
        return {}, {}
    kept = {name: value for name, value in values.items() if min(scales[name]) <= value <= max(scales[name])}
    return kept, {name: scales[name] for name in kept}


def _verdicts(
    state: JsonObject, rubric: Rubric | None, key: str
) -> tuple[list[VerdictRecord], list[tuple[Request, Completion]]]:
    """Of each judge in the annotations its scores, or that it has none: HELM then leaves it out, or gives a default."""
    verdicts: list[VerdictRecord] = []
    exchanges: list[tuple[Request, Completion]] = []
    annotations = state.get("annotations") or {}
    for annotation in annotations.values() if rubric is not None and isinstance(annotations, dict) else ():
        if not isinstance(annotation, dict):
            continue
        prompt = str(annotation.get("prompt_text") or "")
        for judge, given in annotation.items():
            if judge == "prompt_text":
                continue
            scores = _given(given, rubric)
            asked = hashlib.sha256(f"{key} {judge}".encode()).hexdigest()
            model = Model(name=f"helm/{judge}", provider="helm", served=judge)
            body = json.dumps({"messages": [{"role": "user", "content": prompt}]}, ensure_ascii=False)
            exchanges.append((Request(model, body, asked), Completion("ok", json.dumps(given, ensure_ascii=False))))
            verdicts.append(
                {
                    "judge": model.name,
                    "served": judge,
                    "request": asked,
                    "requests": [asked],
                    "status": "ok" if scores else "judge_error",
                    "scores": scores,
                    "harm": None,
                    "error": "" if scores else "HELM holds no usable scores of it",
                    "repaired": 0,
                    "latency": 0.0,
                    "cached": True,
                    "usage": {},
                    "cost": None,
                    "paid": 0.0,
                }
            )
    return verdicts, exchanges


def _given(given: object, rubric: Rubric | None) -> dict[str, float]:
    """The scores of a judge by criterion, empty unless each criterion has a number on the scale."""
    if rubric is None or not isinstance(given, dict):
        return {}
    scores = {}
    for name in sorted(criterion.name for criterion in rubric.criteria):
        grade = given.get(name)
        value = grade.get("score") if isinstance(grade, dict) else grade
        if isinstance(value, bool) or not isinstance(value, int | float):
            return {}
        if not min(rubric.scale) <= value <= max(rubric.scale):
            return {}
        scores[name] = float(value)
    return scores


def _reference(state: JsonObject) -> str:
    """The right references, an option with its letter."""
    letters = {text: letter for letter, text in (state.get("output_mapping") or {}).items()}
    right = [
        str((reference.get("output") or {}).get("text", ""))
        for reference in state["instance"].get("references") or ()
        if "correct" in (reference.get("tags") or ())
    ]
    return "\n".join(f"{letters[text]}. {text}" if text in letters else text for text in right)
