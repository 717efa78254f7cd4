"""The hospital's code systems: what may be coded how, and the tables of its own formulary, laboratory and services."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

LOINC = "http://loinc.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CPT = "http://www.ama-assn.org/go/cpt"
CVX = "http://hl7.org/fhir/sid/cvx"
NDC = "http://hl7.org/fhir/sid/ndc"
FORMULARY = "urn:medhelm:formulary"
SERVICES = "urn:medhelm:services"
FLOWSHEET = "urn:medhelm:flowsheet"

_OPEN = {
    LOINC: r"\d{1,7}-\d",
    ICD10: r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?",
    SNOMED: r"\d{6,18}",
    RXNORM: r"\d{1,8}",
    CPT: r"\d{4}[0-9A-Z]",
    CVX: r"\d{1,3}",
    NDC: r"[\d-]{9,13}",
    FLOWSHEET: r"[\w-]{1,40}",
}
"""Systems of which any code of the right form is taken."""
_HL7 = re.compile(
    r"(http://terminology\.hl7\.org/CodeSystem|http://hl7\.org/fhir)/[\w/.-]+|urn:(oid|uuid):[\w.-]+|urn:ietf:bcp:47"
)


@dataclass(frozen=True)
class Medicine:
    """One entry of the formulary."""

    code: str
    name: str
    group: str
    """The class by which allergies and interactions are known."""
    most: float
    """The largest single dose that may be ordered, in ``unit``."""
    unit: str


# name | class | largest single dose | unit
_MEDICINES = """
metformin|biguanide|1000|mg
lisinopril|ACE inhibitor|40|mg
ramipril|ACE inhibitor|10|mg
losartan|angiotensin blocker|100|mg
amlodipine|calcium blocker|10|mg
metoprolol|beta blocker|200|mg
atorvastatin|statin|80|mg
simvastatin|statin|40|mg
furosemide|loop diuretic|160|mg
spironolactone|potassium-sparing diuretic|100|mg
hydrochlorothiazide|thiazide|50|mg
warfarin|vitamin K antagonist|10|mg
apixaban|direct anticoagulant|10|mg
enoxaparin|heparin|150|mg
aspirin|salicylate|325|mg
clopidogrel|platelet inhibitor|600|mg
ibuprofen|NSAID|800|mg
naproxen|NSAID|500|mg
paracetamol|analgesic|1000|mg
morphine|opioid|20|mg
oxycodone|opioid|20|mg
amoxicillin|penicillin|2000|mg
piperacillin-tazobactam|penicillin|4500|mg
ceftriaxone|cephalosporin|2000|mg
cefalexin|cephalosporin|1000|mg
doxycycline|tetracycline|200|mg
azithromycin|macrolide|500|mg
clarithromycin|macrolide|500|mg
nitrofurantoin|nitrofuran|100|mg
trimethoprim-sulfamethoxazole|sulfonamide|1600|mg
vancomycin|glycopeptide|2500|mg
gentamicin|aminoglycoside|560|mg
levothyroxine|thyroid hormone|0.2|mg
omeprazole|proton pump inhibitor|40|mg
sertraline|SSRI|200|mg
salbutamol|beta agonist|5|mg
budesonide|inhaled steroid|0.8|mg
tiotropium|inhaled anticholinergic|0.018|mg
prednisolone|corticosteroid|60|mg
methotrexate|antimetabolite|25|mg
allopurinol|xanthine oxidase inhibitor|300|mg
digoxin|cardiac glycoside|0.5|mg
insulin glargine|insulin|100|units
insulin aspart|insulin|40|units
potassium chloride|electrolyte|40|mmol
magnesium sulfate|electrolyte|4000|mg
ferrous sulfate|iron|325|mg
gabapentin|gabapentinoid|1200|mg
naloxone|opioid antagonist|2|mg
ondansetron|antiemetic|8|mg
""".strip().splitlines()
MEDICINES: Mapping[str, Medicine] = {
    name: Medicine(name.replace(" ", "-"), name, group, float(most), unit)
    for name, group, most, unit in (line.split("|") for line in _MEDICINES)
}

# name | LOINC | unit | category
_TESTS = """
potassium|2823-3|mmol/L|laboratory
sodium|2951-2|mmol/L|laboratory
creatinine|2160-0|mg/dL|laboratory
eGFR|98979-8|mL/min/1.73m2|laboratory
HbA1c|4548-4|%|laboratory
glucose|2345-7|mg/dL|laboratory
haemoglobin|718-7|g/dL|laboratory
white cells|6690-2|10*3/uL|laboratory
platelets|777-3|10*3/uL|laboratory
INR|6301-6|1|laboratory
TSH|3016-3|mIU/L|laboratory
LDL cholesterol|13457-7|mg/dL|laboratory
ALT|1742-6|U/L|laboratory
CRP|1988-5|mg/L|laboratory
magnesium|19123-9|mg/dL|laboratory
troponin T|67151-1|ng/L|laboratory
lactate|2524-7|mmol/L|laboratory
ferritin|2276-4|ng/mL|laboratory
digoxin level|10535-3|ng/mL|laboratory
urine albumin/creatinine|9318-7|mg/g|laboratory
vancomycin trough|4092-3|ug/mL|laboratory
blood culture|600-7|1|laboratory
body weight|29463-7|kg|vital-signs
body height|8302-2|cm|vital-signs
heart rate|8867-4|/min|vital-signs
systolic blood pressure|8480-6|mm[Hg]|vital-signs
diastolic blood pressure|8462-4|mm[Hg]|vital-signs
temperature|8310-5|Cel|vital-signs
oxygen saturation|59408-5|%|vital-signs
PHQ-9 score|44261-6|1|survey
""".strip().splitlines()
TESTS: Mapping[str, tuple[str, str, str]] = {
    name: (code, unit, category) for name, code, unit, category in (line.split("|") for line in _TESTS)
}
"""By name: LOINC code, unit, category."""

PROBLEMS: Mapping[str, str] = {
    "type 2 diabetes": "E11.9",
    "hypertension": "I10",
    "heart failure": "I50.22",
    "chronic kidney disease stage 3": "N18.30",
    "atrial fibrillation": "I48.91",
    "COPD": "J44.9",
    "asthma": "J45.909",
    "hyperlipidaemia": "E78.5",
    "hypothyroidism": "E03.9",
    "depression": "F32.A",
    "osteoarthritis of the knee": "M17.9",
    "reflux disease": "K21.9",
    "iron deficiency anaemia": "D50.9",
    "coronary artery disease": "I25.10",
    "gout": "M10.9",
    "rheumatoid arthritis": "M06.9",
    "hypokalaemia": "E87.6",
    "hyperkalaemia": "E87.5",
    "community-acquired pneumonia": "J18.9",
    "urinary tract infection": "N39.0",
    "cellulitis": "L03.90",
    "deep vein thrombosis": "I82.409",
    "pregnancy": "Z33.1",
    "acute kidney injury": "N17.9",
    "breast cancer": "C50.919",
    "low back pain": "M54.50",
    "migraine": "G43.909",
    "sepsis": "A41.9",
    "chest pain": "R07.9",
}
"""By name the ICD-10-CM code."""

_SERVICES = (
    "cardiology", "nephrology", "endocrinology", "gastroenterology", "orthopaedics", "dermatology", "neurology",
    "oncology",
    "pulmonology", "ophthalmology", "physiotherapy", "dietetics", "psychiatry", "rheumatology", "haematology",
    "palliative care",
    "mammography", "colonoscopy", "MRI lumbar spine", "MRI knee", "CT chest", "chest X-ray", "echocardiogram", "ECG",
    "retinal photography", "spirometry", "venous ultrasound leg", "foot examination", "bone density scan",
    "home nursing",
    "sleep study",
)  # fmt: skip
SERVICE_CODES: Mapping[str, str] = {name: re.sub(r"[^a-z0-9]+", "-", name.lower()) for name in _SERVICES}
VACCINES: Mapping[str, str] = {
    "influenza vaccine": "88",
    "pneumococcal vaccine": "152",
    "tetanus vaccine": "139",
    "zoster vaccine": "187",
    "COVID-19 vaccine": "213",
    "hepatitis B vaccine": "45",
}
"""By name the CVX code (of the unspecified formulation where there is one)."""
ROUTES: Mapping[str, str] = {
    "oral": "26643006",
    "intravenous": "47625008",
    "subcutaneous": "34206005",
    "intramuscular": "78421000",
    "inhaled": "447694001",
    "topical": "6064005",
}
"""By name the SNOMED CT code."""
ROUTE_WORDS = {
    "po": "oral", "by mouth": "oral", "orally": "oral", "per os": "oral", "iv": "intravenous",
    "intravenously": "intravenous", "sc": "subcutaneous", "subq": "subcutaneous", "subcut": "subcutaneous",
    "subcutaneously": "subcutaneous", "im": "intramuscular", "intramuscularly": "intramuscular",
    "inhalation": "inhaled", "topically": "topical",
}  # fmt: skip
CLOSED: Mapping[str, Mapping[str, str]] = {
    FORMULARY: {medicine.code: medicine.name for medicine in MEDICINES.values()},
    SERVICES: {code: name for name, code in SERVICE_CODES.items()},
}
"""By system the codes that it has, with their names."""


def problem_with(system: str, code: str) -> str:
    """Why a coding cannot be taken; empty when it can."""
    if system in CLOSED:
        return "" if code in CLOSED[system] else f"{system} has no code {code!r}: look it up with find_code"
    if system in _OPEN:
        return "" if re.fullmatch(_OPEN[system], code) else f"{code!r} has not the form of a code of {system}"
    if _HL7.fullmatch(system):
        return ""
    known = ", ".join([*CLOSED, *_OPEN])
    return f"the code system {system!r} is not one of this hospital: use one of {known}"


@cache
def _names() -> Mapping[tuple[str, str], str]:
    names = {(system, code): name for system, table in CLOSED.items() for code, name in table.items()}
    names |= {(LOINC, code): name for name, (code, _, _) in TESTS.items()}
    names |= {(ICD10, code): name for name, code in PROBLEMS.items()}
    names |= {(CVX, code): name for name, code in VACCINES.items()}
    return names | {(SNOMED, code): name for name, code in ROUTES.items()}


def name_of(system: str, code: str) -> str:
    """What the hospital calls a code; empty for one that its tables do not hold."""
    return _names().get((system, code), "")


def find(words: str, most: int = 20) -> Iterator[tuple[str, str, str]]:
    """(system, code, name) of what is called by all of these words."""
    wanted = words.lower().split()
    hits = [
        (system, code, name)
        for (system, code), name in _names().items()
        if all(word in name.lower() for word in wanted)
    ]
    yield from hits[:most]
