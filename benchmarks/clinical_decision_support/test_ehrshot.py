"""EHRSHOT: predict from the coded events of a record what comes next for the patient.

Asked: the codes of all events up to and including the prediction time, oldest first; a question, and yes or no as
options A and B. Three of the dataset's 15 tasks are used, as on MedHELM: readmission within 30 days after a hospital
stay, a first diagnosis of hypertension within a year, and anemia when hemoglobin is measured next.
Read: the letter of the option.
Scored: exact match; also F1, and precision and recall of "yes", which show a model that always says no. Each task is a
sub-task; the value is their unweighted mean, as MedHELM's. Slices: task, split. MedHELM sorts the labels before it
builds the timelines but not where it attaches them, so that questions can show another patient's events.

All splits of the data are used, as on MedHELM. Of each task 10,000 labels are kept at most, by a hash of their ids
(MedHELM draws as many, for the lab task alone). Of a record longer than 100,000 characters the oldest events are left
out, and the first line says so (MedHELM drops prompts of more than 100,000 tokens). Events without a time, and labels
without any earlier event, are left out. All labels of a patient are one cluster.

Source: Wornow et al. 2023, https://ehrshot.stanford.edu (MEDS release)
"""

from pathlib import Path

from pytest_medhelm import DataError, DataFile, Excluded, Instance, Instances, Response, Score, Task
from pytest_medhelm import digest, letter_prompt, rank, read_columnar

from ..shared.timelines import Label, Timelines, read_labels

TASKS = {
    "guo_readmission": "Will the patient be admitted again within 30 days after this hospital stay?",
    "new_hypertension": "Will essential hypertension be diagnosed for the first time within the next year?",
    "lab_anemia": "Will the hemoglobin that is measured next show anemia (below 120 g/L)?",
}
CHOICES = ("yes", "no")
LABELS_AT_MOST = 10_000
CHARACTERS = 100_000


def load(events: Path, readmission: Path, hypertension: Path, anemia: Path, splits: Path) -> Instances:
    """One instance for each label of the three tasks, with the events that precede it."""
    split = {
        row.take("subject_id", int): row.text("split") for row in read_columnar(splits, columns=["subject_id", "split"])
    }
    kept: list[tuple[str, Label]] = []
    for task, path in zip(TASKS, (readmission, hypertension, anemia), strict=True):
        labels = sorted(read_labels(path), key=lambda label: rank(TASK.name, label.id))
        if any(label.subject not in split for label in labels):
            raise DataError(f"{path.name} of {task} has a subject that {splits.name} does not know")
        kept += [(task, label) for label in labels[:LABELS_AT_MOST]]
        yield from (Excluded(f"a label of {task} beyond the limit") for _ in labels[LABELS_AT_MOST:])
    timelines = Timelines(events, {label.subject for _, label in kept})
    for task, label in kept:
        codes, cut = timelines.until(label.subject, label.time, CHARACTERS)
        if not codes:
            yield Excluded("a label without any earlier event")
            continue
        yield Instance(
            id=f"{task}-{label.id}",
            question=TASKS[task],
            answer="A" if label.value else "B",
            context="\n".join([f"({cut} earlier events left out)"] * bool(cut) + codes),
            choices=CHOICES,
            cluster=digest(str(label.subject)),
            slices={"task": task, "split": split[label.subject]},
        )


TASK = Task(
    name="ehrshot",
    title="EHRSHOT",
    subcategory="Predicting Patient Risks and Outcomes",
    access="gated",
    kind="classification",
    files=(
        DataFile("data/data.parquet"),
        *(DataFile(f"labels/{task}/labels.parquet") for task in TASKS),
        DataFile("metadata/subject_splits.parquet"),
    ),
    load=load,
    main_metric="exact_match",
    licence="EHRSHOT dataset license (Stanford University), for research alone",
    source="https://redivis.com/datasets/53gc-8rhx41kgt",
    attribution="Wornow et al. 2023",
    redistribution=False,
    may_use_hosted_api=False,
    how_to_obtain="sign the EHRSHOT agreement at redivis.com/datasets/53gc-8rhx41kgt and unpack EHRSHOT_MEDS.zip",
    chance=1 / 2,
    sub_tasks_by="task",
    sub_tasks=tuple(TASKS),
    positive="yes",
)


def prompt(instance: Instance) -> str:
    """The codes, the question, and the two options."""
    introduction = "Below are the coded events of a patient's record up to now. Predict what comes next."
    return letter_prompt(introduction, instance, context="Events, oldest first")


def test_ehrshot(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
