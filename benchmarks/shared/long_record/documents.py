"""The documents of an invented record: everyday ones that fill it, and those that hold a planted fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from .facts import Fact


@dataclass(frozen=True, slots=True)
class Patient:
    """The person whose record it is."""

    name: str
    born: date
    number: str


FIRST = ("Helga", "Anna", "Clara", "Lucia", "Maria", "Teresa", "Agnes", "Vera", "Elena", "Greta")
LAST = ("Brandt", "Novak", "Moretti", "Duarte", "Keller", "Olsen", "Petit", "Rossi", "Szabo", "Varga")
DOCTORS = ("Dr. Amsel", "Dr. Birnbaum", "Dr. Corti", "Dr. Dahl", "Dr. Eriksen", "Dr. Fontana", "Dr. Gruber", "Dr. Hale")
PLACES = ("Internal Medicine", "General Practice", "Cardiology Clinic", "Day Hospital", "Emergency Department")
COMPLAINTS = (
    "tiredness for two weeks", "a cough without fever", "pain in the left knee", "swollen ankles in the evening",
    "heartburn at night", "dizziness on standing up", "back pain after gardening", "poor sleep",
    "palpitations for some minutes", "a sore throat", "itching skin in winter", "constipation",
)  # fmt: skip
FINDINGS = (
    "heart sounds regular, no murmur", "chest clear on both sides", "abdomen soft, no tenderness",
    "no oedema of the legs", "knee warm, movement free", "skin dry, no lesion", "neurology without focal sign",
    "throat red, no exudate", "gait steady", "lymph nodes not enlarged",
)  # fmt: skip
PLANS = (
    "continue the present tablets", "check blood pressure at home for two weeks", "physiotherapy, six sessions",
    "return if it gets worse", "laboratory control in three months", "advice on walking and salt",
    "vaccination against influenza offered", "referral to the eye clinic for the yearly check",
    "paracetamol as needed, at most 3 g a day", "no change",
)  # fmt: skip
USUAL = ("ramipril 5 mg daily", "amlodipine 5 mg daily", "atorvastatin 20 mg at night", "pantoprazole 20 mg daily")
USUAL_DRUGS = ("ramipril", "amlodipine", "atorvastatin", "pantoprazole", "paracetamol")
NO_ALLERGY = "Allergies: no known drug allergies (copied forward)."


def header(number: str, day: date, kind: str, patient: Patient, doctor: str) -> str:
    """The line that a document begins with."""
    return f"=== {number} | {day.isoformat()} | {kind} | {patient.name}, b. {patient.born.isoformat()} | {doctor} ===\n"


# Everyday documents


def progress_note(random: Random) -> str:
    """A visit, with parts that are copied from note to note."""
    complaint, plan = random.choice(COMPLAINTS), random.choice(PLANS)
    signs = "; ".join(random.sample(FINDINGS, 3))
    systolic, pulse, weight = random.randint(112, 158), random.randint(58, 92), random.randint(640, 690) / 10
    return (
        f"S: {complaint.capitalize()}. Otherwise as at the last visit.\n"
        f"O: BP {systolic}/{systolic // 2 + random.randint(6, 14)}, pulse {pulse}, weight {weight} kg; {signs}.\n"
        f"A: {random.choice(('Stable.', 'Probably harmless.', 'Known hypertension, controlled.', 'As before.'))} "
        f"Medication unchanged: {', '.join(USUAL)} (copied forward). {NO_ALLERGY}\n"
        f"P: {plan.capitalize()}.\n"
    )


def laboratory(random: Random) -> str:
    """A table of results within or near their ranges."""
    rows = (
        ("Haemoglobin", f"{random.randint(121, 139) / 10:.1f}", "g/dL", "12.0-15.5"),
        ("Leucocytes", f"{random.randint(48, 91) / 10:.1f}", "10^9/L", "4.0-10.0"),
        ("Platelets", f"{random.randint(180, 320)}", "10^9/L", "150-400"),
        ("Creatinine", f"{random.randint(62, 98)}", "umol/L", "45-90"),
        ("Sodium", f"{random.randint(136, 143)}", "mmol/L", "135-145"),
        ("Potassium", f"{random.randint(37, 49) / 10:.1f}", "mmol/L", "3.5-5.1"),
        ("ALT", f"{random.randint(12, 38)}", "U/L", "< 35"),
        ("HbA1c", f"{random.randint(35, 44)}", "mmol/mol", "< 48"),
    )
    chosen = [row for row in rows if random.random() < 0.8] or list(rows)
    return "".join(f"{name:<14}{value:>8} {unit:<9} ({span})\n" for name, value, unit, span in chosen)


def letter(random: Random) -> str:
    """A letter from another house."""
    return (
        f"Dear colleague,\nthank you for referring your patient, whom we saw at the {random.choice(PLACES)} because of "
        f"{random.choice(COMPLAINTS)}. On examination {random.choice(FINDINGS)} and {random.choice(FINDINGS)}. "
        f"We found no cause that needs treatment and recommend: {random.choice(PLANS)}. "
        f"The usual tablets ({', '.join(random.sample(USUAL, 3))}) may be continued.\nWith kind regards\n"
    )


def medication_list(random: Random) -> str:
    """What the pharmacy printed."""
    lines = "".join(f" - {drug}\n" for drug in random.sample(USUAL, len(USUAL)))
    return f"Printed for the patient. Please bring it to each visit.\n{lines}As needed: paracetamol 500 mg\n"


def scanned_form(random: Random) -> str:
    """A form as a scanner's text recognition left it."""
    box = ("[X] yes [ ] no", "[ ] yes [X] no")
    return (
        "ADM1SSION F0RM - please f1ll in block letters\n"
        f"Smoker ........ {box[1]}   Alcohol ....... {random.choice(box)}\n"
        f"Hearing aid ... {random.choice(box)}   Glasses ....... {random.choice(box)}\n"
        f"Falls in the last year ... {random.choice(('none', 'one', '__'))}   Lives alone ... {random.choice(box)}\n"
        f"A11ergies ..... [ ] yes [X] no [ ] unknown     (signature i11egible)\n"
    )


def nursing_note(random: Random) -> str:
    """A few words between two visits."""
    said = ("Called about an appointment.", "Wound dry, plaster changed.", "Blood taken, no problem.", "Slept well.")
    return f"{random.choice(said)} BP {random.randint(115, 150)}/{random.randint(62, 88)}.\n"


EVERYDAY: Sequence[tuple[str, Callable[[Random], str], int]] = (
    ("Progress note", progress_note, 6),
    ("Laboratory", laboratory, 4),
    ("Letter", letter, 3),
    ("Medication list", medication_list, 1),
    ("Scanned form", scanned_form, 1),
    ("Nursing note", nursing_note, 2),
)
"""Kind, writer and how often."""
WEIGHTS = [weight for _, _, weight in EVERYDAY]


# Documents that hold a fact

DECISIVE: Mapping[str, tuple[str, str]] = {
    "allergy": (
        "Emergency department",
        "Brought in with {reaction} half an hour after the first tablet of {drug}. Treated at once, symptoms settled "
        "within hours. Drug allergy to {drug}: must not be given again.",
    ),
    "restart": (
        "Clinic letter",
        "The {reason} that led to the break has settled. From today {drug} is taken again, now {dose}. Please update "
        "the list at home.",
    ),
    "open_result": (
        "Report",
        "Incidental finding, to the requesting doctor: {finding}. We recommend {test}.",
    ),
    "correction": (
        "Specialist letter",
        "After all results the earlier diagnosis of {wrong} cannot be upheld. The diagnosis is {right}. Please correct "
        "the list of diagnoses.",
    ),
    "misfiled": (
        "Progress note",
        "{other} comes for control because of {condition}. Takes {other_drug} as before. No complaint today.",
    ),
}
"""Kind and text of the document that holds a fact."""
EARLIER: Mapping[str, tuple[str, str]] = {
    "restart": (
        "Discharge letter",
        "We stopped {drug} {before} today because of {reason}. Whether and when to give it again is to be decided in "
        "the clinic.",
    ),
    "correction": (
        "Clinic letter",
        "We think that the complaints are due to {wrong} and have begun treatment. Control in six weeks.",
    ),
}
"""The document before it, of kinds that have one."""
WEEKS_BEFORE = 6


def decisive(fact: Fact) -> tuple[str, str]:
    """Kind and text of the document that holds a fact."""
    kind, text = DECISIVE[fact.kind]
    return kind, f"{text.format(**fact.values)}\n"


def earlier(fact: Fact) -> tuple[date, str, str] | None:
    """Date, kind and text of the document that precedes the decisive one; None for kinds with one document."""
    if fact.kind not in EARLIER:
        return None
    kind, text = EARLIER[fact.kind]
    before = date.fromisoformat(fact.values["date"]) - timedelta(weeks=WEEKS_BEFORE)
    day = date.fromisoformat(fact.values["stopped"]) if "stopped" in fact.values else before
    return day, kind, f"{text.format(**fact.values)}\n"


def other_patient(fact: Fact, patient: Patient) -> Patient:
    """Whose name the decisive document carries: of a misfiled one another patient's."""
    if fact.kind != "misfiled":
        return patient
    return Patient(fact.values["other"], patient.born + timedelta(days=2113), "")
