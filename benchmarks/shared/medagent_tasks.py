"""What MedAgentBench's two task files share: their declaration, how they are read, asked, staged and scored."""

from __future__ import annotations

from pathlib import Path

from pytest_medhelm import (
    DataFile,
    Environment,
    Episode,
    Instance,
    Instances,
    Score,
    Task,
    get_post_finish,
    given_chart,
    posts,
    read_json,
)

from .medagent_bench import (
    AT,
    CODES,
    KINDS,
    MRN,
    NOW,
    PROMPT,
    QUERIES,
    answered,
    chart,
    due,
    kind_of,
    posted,
    series,
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


def medagent_task(name: str, title: str, file: DataFile, size: int) -> Task:
    """The declaration of one task file."""
    return Task(
        name=name,
        title=title,
        subcategory="Organizing Workflow Processes",
        access="public",
        kind="agentic",
        files=(file,),
        load=load,
        main_metric="success",
        records=("over_deferral", "under_deferral", "evidence"),
        version=2,
        licence="MIT",
        source="https://github.com/stanfordmlgroup/MedAgentBench",
        attribution="Yixing Jiang and others, 2025",
        redistribution=True,
        may_use_hosted_api=True,
        how_to_obtain=f"take data/medagentbench/{file.name} from github.com/stanfordmlgroup/MedAgentBench",
        size=size,
        category_assigned_here=True,
        outside_medhelm=True,
    )


def instructions(instance: Instance) -> str:
    """The protocol, what GET and POST take, and the task."""
    task = instance.fields["task"]
    return f"{PROMPT}\n\n{task['context'] or f'It is {AT} now.'}\n\n{task['instruction']}"


def record(instance: Instance) -> Environment:
    """The record of the task's patient alone, at the tasks' own time."""
    return get_post_finish(given_chart(chart(instance.fields["task"]), NOW))


def grade(instance: Instance, episode: Episode, score: Score) -> None:
    """Success, deferral and evidence of one episode."""
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
