"""MIMIC-IV Billing Code: which ICD-10 codes are to be billed for a hospital stay?

Asked: the discharge summary. The model lists the codes of ICD-10-CM (diagnoses) and ICD-10-PCS (procedures) as JSON.
Read: the codes of the JSON list, else of the text, in any usual form: I25.10, I2510, S72.001A, Z3A.00, 02703ZZ. A
range is not expanded. In prose, words that only look like a code ("B12", "q12h") are not taken for one.
Scored: per note precision, recall and F1 (main) of the set of codes against the set that the hospital billed, then the
mean over notes. A code counts only as a whole; the dot and the case do not matter. No code named for a note is 0.
Results can be broken down by the number of codes. MedHELM's own numbers, recorded beside these, cut each code, the
right ones too, at its first letter behind the head (S72.001A is S72) and lose codes without a dot.

Notes without any code have nothing to compare with and are left out. The notes of a patient are one cluster where the
file names the patient (column subject_id). An instance's id is a hash of its note and codes.

Source: Johnson et al. 2023, https://physionet.org/content/mimiciv/, prepared as by Edin et al. 2023,
https://github.com/JoakimEdin/medical-coding-reproducibility (all notes with ICD-10 codes)
"""

from collections import Counter
from pathlib import Path

from pytest_medhelm import DataFile, Excluded, Instance, Instances, Metric, Response, Score, Task
from pytest_medhelm import content_id, digest, read_columnar

from ..shared.icd10 import BILLING_CODE_SCORES, mimiciv_billing_code, mimiciv_billing_code_helm, read_codes
from ..shared.templates import PHYSIONET


def load(path: Path) -> Instances:
    """One instance for each note with a code."""
    seen: Counter[str] = Counter()
    for row in read_columnar(path):
        note, codes = row.text("text"), row.take("target", list)
        if not codes:
            yield Excluded("a note without any code")
            continue
        if not all(isinstance(code, str) and code.strip() for code in codes):
            raise row.error("the column 'target' holds something that is no code")
        patient = row.values.get("subject_id")
        yield Instance(
            id=content_id(seen, note, *codes),
            question="Which ICD-10 codes are to be billed for this stay?",
            answer=", ".join(codes),
            context=note,
            cluster="" if patient is None else digest(str(patient)),
            slices={"codes": "1 to 9" if len(codes) < 10 else "10 to 19" if len(codes) < 20 else "20 and more"},
            fields={"codes": tuple(codes)},
        )


TASK = Task(
    name="mimiciv_billing_code",
    title="MIMIC-IV Billing Code",
    subcategory="Overseeing Financial Activities",
    access="gated",
    kind="extraction",
    files=(DataFile("mimiciv_icd10.feather"),),
    load=load,
    main_metric="mimiciv_billing_code_f1",
    metrics=(Metric(mimiciv_billing_code, BILLING_CODE_SCORES),),
    source="https://physionet.org/content/mimiciv/",
    attribution="Johnson et al. 2023 (MIMIC-IV), Edin et al. 2023",
    how_to_obtain="sign the data use agreements of MIMIC-IV and MIMIC-IV-Note on PhysioNet and run the preparation of "
    "github.com/JoakimEdin/medical-coding-reproducibility, which writes this file",
    **PHYSIONET,
)


def prompt(instance: Instance) -> str:
    """The note, and the form of the list."""
    return (
        "You code hospital stays for billing. Read the discharge summary and find all ICD-10-CM diagnosis codes and "
        "ICD-10-PCS procedure codes that it supports, each as specific as the text allows.\n\n"
        f"{instance.context}\n\n"
        'Reply with a JSON list of the codes alone, such as ["X00.0", "X00.1XXA"].'
    )


def test_mimiciv_billing_code(instance: Instance, response: Response, score: Score) -> None:
    codes = instance.fields["codes"]
    score.metric(mimiciv_billing_code, response.read(read_codes), codes)
    score.helm_scores(mimiciv_billing_code_helm(response.text, codes))
