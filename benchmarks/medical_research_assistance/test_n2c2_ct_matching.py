"""N2C2-CT Matching: does a patient meet a criterion of a clinical trial?

Asked: all notes of the patient with their dates, one criterion, and yes or no as options A and B. The present day is
the date of the last note. Three of the dataset's 13 criteria are used, as on MedHELM: ABDOMINAL, ADVANCED-CAD and
CREATININE.
Read: the letter of the option.
Scored: exact match with the annotators; also F1, and precision and recall of "yes" (the criterion is met). Each
criterion is a sub-task; the benchmark's value is their unweighted mean, as MedHELM's.

The three questions about a patient are one cluster. Notes without a "Record date" are shown as undated; a record
without any is refused. Criteria are worded by this project, after the definitions of the paper.

Source: Stubbs et al. 2019, https://doi.org/10.1093/jamia/ocz163 (n2c2 2018 track 1, test set: 86 patients)
"""

import re
from pathlib import Path

from pytest_medhelm import DataError, DataFolder, Instance, Instances, Response, Score, Task
from pytest_medhelm import child_text, digest, files_in, letter_prompt, read_xml, unnamed

CRITERIA = {
    "ABDOMINAL": "The patient has ever had an operation inside the abdomen, part of the small or large bowel removed, "
    "or an obstruction of the small bowel.",
    "ADVANCED-CAD": "The patient has advanced cardiovascular disease. That is at least two of these: takes two or more "
    "medicines for coronary artery disease; has ever had a myocardial infarction; has angina at present; has or had "
    "ischemia.",
    "CREATININE": "The patient's serum creatinine has been above the upper limit of normal.",
}
LETTERS = {"met": "A", "not met": "B"}


def load(folder: Path) -> Instances:
    """One instance for each patient and criterion; each file holds one patient."""
    for number, path in enumerate(files_in(folder, "*.xml"), start=1):
        with unnamed(path, number):
            root = read_xml(path, "PatientMatching")
            record = notes(child_text(root, "TEXT"), path.name)
            patient = path.name.removesuffix(".xml")
            for criterion, definition in CRITERIA.items():
                tag = root.find(f"TAGS/{criterion}")
                met = "" if tag is None else tag.get("met", "")
                if met not in LETTERS:
                    raise DataError(f"{path.name}: the tag {criterion} does not say 'met' or 'not met'")
                yield Instance(
                    id=f"{patient}-{criterion}",
                    question=f"Criterion: {definition}\nDoes the patient meet it?",
                    answer=LETTERS[met],
                    context=record,
                    choices=("yes", "no"),
                    cluster=digest(patient),
                    slices={"criterion": criterion},
                )


def notes(text: str, file: str) -> str:
    """The notes of a record, each under its date, behind the present day. Raises DataError when none has a date."""
    parts = [part.strip() for part in re.split(r"\*{100,}", text) if part.strip()]
    dates = [re.search(r"Record date:\s*(\d{4}-\d\d-\d\d)", part) for part in parts]
    known = [date[1] for date in dates if date]
    if not known:
        raise DataError(f"{file}: no note has a line 'Record date: YYYY-MM-DD'")
    shown = [
        f"Note {number} of {len(parts)}, {date[1] if date else 'undated'}:\n{part}"
        for number, (part, date) in enumerate(zip(parts, dates, strict=True), start=1)
    ]
    return "\n\n".join([f"Present day: {known[-1]}", *shown])


TASK = Task(
    name="n2c2_ct_matching",
    title="N2C2-CT Matching",
    subcategory="Managing Research Enrollment",
    access="gated",
    kind="classification",
    files=(DataFolder("test", "*.xml"),),
    load=load,
    main_metric="exact_match",
    licence="n2c2 data use agreement",
    source="https://portal.dbmi.hms.harvard.edu/projects/n2c2-nlp/",
    attribution="Stubbs et al. 2019",
    redistribution=False,
    may_use_hosted_api=False,
    how_to_obtain="request the n2c2 2018 track 1 data (cohort selection) from Harvard's DBMI data portal",
    size=258,
    chance=1 / 2,
    sub_tasks_by="criterion",
    sub_tasks=tuple(CRITERIA),
    positive="yes",
)


def prompt(instance: Instance) -> str:
    """The notes, the criterion, and the two options."""
    introduction = "You screen patients for a clinical trial. Decide from the notes whether the criterion is met."
    return letter_prompt(introduction, instance, context="Notes, oldest first")


def test_n2c2_ct_matching(instance: Instance, response: Response, score: Score) -> None:
    score.classify(response, instance)
