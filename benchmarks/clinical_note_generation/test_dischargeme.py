"""DischargeMe: write two sections of a discharge summary, the hospital course and the patient's instructions.

Asked: the discharge summary without these two sections, the radiology reports of the stay, and one of the two:
the brief hospital course for the colleague who takes over, or the discharge instructions for the patient.
Read: the whole answer as text.
Scored: overlap with the section as the hospital wrote it (ROUGE); and, when judges are named, a jury that rates
accuracy, completeness and clarity from 1 to 5 with that section at hand. Results can be broken down by section.

An admission counts when the patient has a diagnosis and a triage row, and the admission an emergency stay, a
radiology report and a target; others are left out, as MedHELM's joins do. The first discharge summary of an
admission is used. All its radiology reports are shown in the order of time (MedHELM: one, the first in the file).
Both sections are cut out of the summary for both questions, whatever their line breaks; the slice "cut" says "no"
where one of them is not found there word for word. All instances of a patient are one cluster.

Source: Xu et al. 2024, https://physionet.org/content/discharge-me/1.3/ (test_phase_1)
"""

from collections import defaultdict
from pathlib import Path

from pytest_medhelm import DataFile, Excluded, Instance, Instances, Jury, Response, Score, digest, read_csv

from ..shared.sections import without
from ..shared.templates import physionet_text

TABLES = ("diagnosis", "triage", "discharge", "radiology", "edstays", "discharge_target")
ASKED = {
    "brief_hospital_course": "Write the brief hospital course of this admission, for the clinician who takes over.",
    "discharge_instructions": "Write the discharge instructions, addressed to the patient in plain words.",
}


def load(diagnosis: Path, triage: Path, discharge: Path, radiology: Path, edstays: Path, target: Path) -> Instances:
    """Two instances for each admission that all six tables know."""
    patients = set.intersection(*({row.text("subject_id") for row in read_csv(path)} for path in (diagnosis, triage)))
    emergencies = {whole(row.take("hadm_id", str)) for row in read_csv(edstays)}
    targets = {whole(row.text("hadm_id")): {name: row.text(name) for name in ASKED} for row in read_csv(target)}
    reports = defaultdict(list)
    for row in read_csv(radiology):
        reports[whole(row.take("hadm_id", str))].append((row.text("charttime"), row.text("text")))
    seen = set()
    for row in read_csv(discharge):
        patient, stay, summary = row.text("subject_id"), whole(row.text("hadm_id")), row.text("text")
        if stay in seen:
            yield Excluded("another summary of the same admission")
            continue
        seen.add(stay)
        if patient not in patients or not all(stay in table for table in (emergencies, targets, reports)):
            yield Excluded("an admission that one of the tables does not know")
            continue
        summary, cuts = without(summary, targets[stay].values())
        images = "\n\n".join(text for _, text in sorted(reports[stay]))
        for section, question in ASKED.items():
            yield Instance(
                id=f"{stay}-{section}",
                question=question,
                answer=targets[stay][section],
                context=f"Discharge summary:\n{summary}\n\nRadiology reports:\n{images}",
                cluster=digest(patient),
                slices={"section": section, "cut": "yes" if cuts == len(ASKED) else "no"},
            )


def whole(number: str) -> str:
    """A record number; a column in which some are missing may hold it as "123.0"."""
    return number.strip().removesuffix(".0")


TASK = physionet_text(
    name="dischargeme",
    title="DischargeMe",
    subcategory="Documenting Patient Visits",
    files=tuple(DataFile(f"test_phase_1/{table}.csv") for table in TABLES),
    load=load,
    source="https://physionet.org/content/discharge-me/1.3/",
    attribution="Xu et al. 2024; Johnson et al. 2023 (MIMIC-IV)",
    how_to_obtain="sign the data use agreement of discharge-me 1.3 on PhysioNet and take its folder test_phase_1",
)


def prompt(instance: Instance) -> str:
    """What is left of the summary, the radiology reports, and which section to write."""
    return (
        "Here is the discharge summary of a hospital stay, from which two sections were taken out, and the "
        "radiology reports of the stay.\n\n"
        f"{instance.context}\n\n"
        f"{instance.question} Use only what the documents say. Reply with the text of that section alone."
    )


def test_dischargeme(instance: Instance, response: Response, score: Score, jury: Jury) -> None:
    score.overlap(response.text, instance.answer, instance.context)
    is_for_patient = instance.slices["section"] == "discharge_instructions"
    score.style(response.text, reference=instance.answer, audience="patient" if is_for_patient else "clinician")
    jury.rate(response, instance.answer)
