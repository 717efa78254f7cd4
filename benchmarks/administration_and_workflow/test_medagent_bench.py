"""MedAgentBench, embedded variant: look up, calculate, record and order in a patient record, by GET and POST.

Asked: one of ten kinds of task about one patient,
with MedAgentBench's own protocol: in each of at most eight rounds the
model writes GET with an address, POST with an address and JSON, or FINISH with its answers. Anything else ends it.
Read: the answers as JSON, and every POST, which is acknowledged and changes nothing.
Scored: success, 1 when the answer is right (equal as JSON, a mean within 0.1) and exactly the POSTs that are due were
made with the fields that the task names: none in a question, one or two in an order, none where nothing is due. Also
over_deferral and under_deferral: nothing ordered where an order was due, and the reverse; evidence, whether a result of
the patient was looked at where the task rests on one.

A variant, not comparable with published figures: an embedded record with invented patients made to fit the tasks' names
and numbers, and graders of this project's own, written from the texts of the tasks.

Source: Jiang et al. 2025, https://github.com/stanfordmlgroup/MedAgentBench (MIT)
"""

from __future__ import annotations

from pathlib import Path

from pytest_medhelm import DataFile, Environment, Episode, Instance, Instances, Score, Task
from pytest_medhelm import get_post_finish, given_chart, posts, read_json

from ..shared.medagent_bench import (
    AT, CODES, KINDS, MRN, NOW, PROMPT, QUERIES, answered, chart, due, kind_of, posted, series,
)  # fmt: skip


def load(path: Path) -> Instances:
    """One instance for each task."""
    for row in read_json(path):
        words = {name: row.values.get(name) for name in ("id", "instruction", "context", "sol", "eval_MRN")}
        kind = kind_of(words)
        if kind not in KINDS:
            raise row.error("its id begins with no known kind")
        if kind != "task1" and not MRN.fullmatch(row.text("eval_MRN")):
            raise row.error("eval_MRN is no MRN such as S1234567")
        yield Instance(
            row.text("id"),
            f"{row.text('instruction')} {words['context'] or ''}".strip(),
            str(words["sol"][0]) if words["sol"] else "worked out from the chart",
            slices={"kind": KINDS[kind]},
            fields={"task": words},
        )


TASK = Task(
    name="medagent_bench",
    title="MedAgentBench (embedded variant)",
    subcategory="Organizing Workflow Processes",
    access="public",
    kind="agentic",
    files=(DataFile("test_data_v2.json", "b6e89b2ef82f1bef27c5778a644a8a66c7b25738bbd6a48d03ab3e5182df6ca8"),),
    load=load,
    main_metric="success",
    licence="MIT",
    source="https://github.com/stanfordmlgroup/MedAgentBench",
    attribution="Yixing Jiang and others, 2025",
    redistribution=True,
    may_use_hosted_api=True,
    how_to_obtain="take data/medagentbench/test_data_v2.json from github.com/stanfordmlgroup/MedAgentBench",
    size=300,
    category_assigned_here=True,
    outside_medhelm=True,
)


def prompt(instance: Instance) -> str:
    """The protocol, what GET and POST take, and the task."""
    task = instance.fields["task"]
    return f"{PROMPT}\n\n{task['context'] or f'It is {AT} now.'}\n\n{task['instruction']}"


def environment(instance: Instance) -> Environment:
    """The record of the task's patient alone, at the tasks' own time."""
    return get_post_finish(given_chart(chart(instance.fields["task"]), NOW))


def test_medagent_bench(instance: Instance, episode: Episode, score: Score) -> None:
    task = instance.fields["task"]
    wanted, made = due(task, episode.start), posts(episode.state)
    right = answered(task, episode.start, episode.answer) and posted(wanted, made)
    score.reached("success", float(right and episode.ending == "ok"))
    if kind_of(task) in QUERIES:
        score.not_applicable("over_deferral", "under_deferral")
    else:
        name, other = ("over_deferral", "under_deferral") if wanted else ("under_deferral", "over_deferral")
        score.reached(name, float(not made if wanted else bool(made)), (1.0, 0.0))
        score.not_applicable(other)
    code = CODES.get(kind_of(task))
    if code and series(episode.start, task["eval_MRN"], code):
        seen = any(reference.startswith("Observation/") for reference in episode.read_before_acting())
        score.reached("evidence", float(seen))
    else:
        score.not_applicable("evidence")
