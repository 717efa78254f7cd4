"""Writes population.json.xz: invented patients with years of coherent record, from a seed.

    python -m pytest_medhelm.agents.hospital.generate

The file is frozen: tasks and results refer to what is in it. Each patient has problems; medicines, tests and their
course, visits and notes follow from them, so that a note says what the results of its visit are.
"""

from __future__ import annotations

import datetime as dt
import json
import lzma
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pytest_medhelm.agents.hospital.shorthand import Words, resource

SEED = 20260302
PATIENTS = 220
NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
"""The hospital's clock when an episode begins: a Monday morning."""
FILE = Path(__file__).with_name("population.json.xz")

STAFF = {
    "dr-osei": ("Abena Osei", "general medicine"),
    "dr-lindgren": ("Karin Lindgren", "cardiology"),
    "dr-moreau": ("Luc Moreau", "nephrology"),
    "dr-tanaka": ("Yui Tanaka", "endocrinology"),
    "dr-silva": ("Rafael Silva", "orthopaedics"),
    "dr-haddad": ("Leila Haddad", "oncology"),
    "dr-novak": ("Petra Novak", "gastroenterology"),
    "dr-okafor": ("Chidi Okafor", "pulmonology"),
    "dr-berg": ("Nils Berg", "rheumatology"),
    "rn-castillo": ("Ines Castillo", "ward nurse"),
    "rn-murphy": ("Sean Murphy", "triage nurse"),
    "ph-iyer": ("Meera Iyer", "pharmacist"),
}
"""By id the name and what they do; whoever has a service of that name has a schedule."""
_FAMILY = [
    "Abbott",
    "Adeyemi",
    "Alonso",
    "Andersen",
    "Barros",
    "Bauer",
    "Becker",
    "Bianchi",
    "Boateng",
    "Brandt",
    "Castro",
    "Chen",
    "Cohen",
    "Costa",
    "Dahl",
    "Diaz",
    "Duarte",
    "Dubois",
    "Eriksen",
    "Farkas",
    "Ferrari",
    "Fischer",
    "Fofana",
    "Garcia",
    "Gruber",
    "Haas",
    "Hansen",
    "Hoang",
    "Horvat",
    "Ibrahim",
    "Ivanova",
    "Jansen",
    "Jensen",
    "Kaya",
    "Keller",
    "Khan",
    "Kim",
    "Kovacs",
    "Kowalski",
    "Larsen",
    "Laurent",
    "Lopez",
    "Maier",
    "Mancini",
    "Marques",
    "Mensah",
    "Meyer",
    "Moreno",
    "Nagy",
    "Ndiaye",
    "Nguyen",
    "Nilsen",
    "Oliveira",
    "Olsen",
    "Pereira",
    "Petrov",
    "Popescu",
    "Ramos",
    "Rossi",
    "Santos",
    "Schmid",
    "Sharma",
    "Simon",
    "Singh",
    "Sousa",
    "Suzuki",
    "Toth",
    "Vargas",
    "Virtanen",
    "Weber",
    "Wong",
    "Yilmaz",
    "Zhang",
    "Zimmer",
]
_GIVEN = {
    "female": [
        "Ada",
        "Alma",
        "Amina",
        "Anna",
        "Beatriz",
        "Carla",
        "Clara",
        "Dina",
        "Elena",
        "Emma",
        "Fatou",
        "Greta",
        "Hana",
        "Ida",
        "Irene",
        "Julia",
        "Kaya",
        "Lara",
        "Leonor",
        "Lina",
        "Maria",
        "Marta",
        "Mei",
        "Mila",
        "Nadia",
        "Nora",
        "Olga",
        "Paula",
        "Rosa",
        "Sara",
        "Sofia",
        "Teresa",
        "Uma",
        "Vera",
        "Yara",
        "Zoe",
    ],
    "male": [
        "Adam",
        "Amir",
        "Anton",
        "Bruno",
        "Carlos",
        "Daniel",
        "David",
        "Emil",
        "Erik",
        "Felix",
        "Hugo",
        "Ivan",
        "Jan",
        "Jonas",
        "Karim",
        "Leon",
        "Luca",
        "Luis",
        "Marco",
        "Mateo",
        "Max",
        "Milan",
        "Nico",
        "Omar",
        "Oscar",
        "Otto",
        "Paul",
        "Pedro",
        "Rafael",
        "Samuel",
        "Simon",
        "Tariq",
        "Theo",
        "Tomas",
        "Viktor",
        "Yusuf",
    ],
}


class Profile(NamedTuple):
    """What goes with a problem."""

    medicines: tuple[tuple[str, str, str], ...]
    """(name, dose, how often), of which one to three are taken."""
    tests: Mapping[str, tuple[float, float, float]]
    """By test the mean, the spread between patients, and the spread between visits."""
    share: float
    """Of the patients, how many have it."""


_PROFILES = {
    "type 2 diabetes": Profile((("metformin", "500 mg", "twice daily"), ("insulin glargine", "18 units", "daily")),
                               {"HbA1c": (7.4, 0.9, 0.3), "glucose": (148, 25, 18), "creatinine": (0.9, 0.15, 0.06)},
                               0.3),
    "hypertension": Profile((("lisinopril", "10 mg", "daily"), ("amlodipine", "5 mg", "daily"), ("hydrochlorothiazide",
    "25 mg", "daily")),
                            {"potassium": (4.3, 0.25, 0.2), "creatinine": (0.95, 0.15, 0.07)}, 0.45),
    "heart failure": Profile((("furosemide", "40 mg", "daily"), ("metoprolol", "50 mg", "twice daily"),
    ("spironolactone", "25 mg", "daily")),
                             {"potassium": (4.2, 0.3, 0.25), "creatinine": (1.2, 0.2, 0.1), "sodium": (138, 2, 1.5)},
                             0.12),
    "chronic kidney disease stage 3": Profile((("losartan", "50 mg", "daily"),),
                                              {"creatinine": (1.6, 0.2, 0.1), "eGFR": (43, 6, 3), "potassium": (4.6,
                                              0.25, 0.2), "haemoglobin": (11.8, 0.8, 0.4)}, 0.15),
    "atrial fibrillation": Profile((("apixaban", "5 mg", "twice daily"), ("metoprolol", "50 mg", "twice daily")),
                                   {"creatinine": (1.0, 0.15, 0.06), "haemoglobin": (13.4, 1, 0.4)}, 0.1),
    "COPD": Profile((("tiotropium", "0.018 mg", "daily"), ("salbutamol", "2.5 mg", "as needed")), {"white cells": (7.8,
    1.2, 0.8)}, 0.12),
    "asthma": Profile((("budesonide", "0.4 mg", "twice daily"), ("salbutamol", "2.5 mg", "as needed")),
    {"white cells": (6.9, 1.1, 0.8)}, 0.1),
    "hyperlipidaemia": Profile((("atorvastatin", "40 mg", "daily"), ("simvastatin", "20 mg", "daily")),
                               {"LDL cholesterol": (104, 22, 10), "ALT": (26, 7, 4)}, 0.4),
    "hypothyroidism": Profile((("levothyroxine", "0.1 mg", "daily"),), {"TSH": (2.6, 0.9, 0.6)}, 0.12),
    "depression": Profile((("sertraline", "50 mg", "daily"),), {"PHQ-9 score": (8, 3, 2)}, 0.15),
    "osteoarthritis of the knee": Profile((("paracetamol", "1000 mg", "three times daily"),), {}, 0.2),
    "reflux disease": Profile((("omeprazole", "20 mg", "daily"),), {}, 0.18),
    "iron deficiency anaemia": Profile((("ferrous sulfate", "325 mg", "daily"),), {"haemoglobin": (11.2, 0.7, 0.4),
    "ferritin": (16, 6, 3)}, 0.08),
    "gout": Profile((("allopurinol", "100 mg", "daily"),), {"creatinine": (1.05, 0.15, 0.06)}, 0.08),
}  # fmt: skip
_DECIMALS = {"creatinine": 2, "potassium": 1, "HbA1c": 1, "haemoglobin": 1, "TSH": 1, "white cells": 1}
_PAYERS = ("Northfield Health", "Public Scheme A", "Harbour Mutual", "Meridian Plan")
_SERVICES = (
    "cardiology",
    "nephrology",
    "endocrinology",
    "orthopaedics",
    "oncology",
    "gastroenterology",
    "pulmonology",
    "rheumatology",
)


def population() -> list[dict[str, Any]]:
    """All resources, in the order of the file."""
    draw = random.Random(SEED)
    found = list(_staff())
    for number in range(PATIENTS):
        found += _chart(draw, f"p{number + 1:04d}")
    return found


def _staff() -> Iterator[dict[str, Any]]:
    for identifier, (name, work) in STAFF.items():
        given, _, family = name.rpartition(" ")
        yield {
            "resourceType": "Practitioner", "id": identifier, "active": True, "name": [{"family": family,
            "given": [given]}],
            "qualification": [{"code": {"text": work}}],
        }  # fmt: skip
    for identifier, (_, work) in STAFF.items():
        if work in _SERVICES:
            yield {
                "resourceType": "Schedule", "id": f"schedule-{identifier}", "active": True,
                "specialty": [{"text": work}], "actor": [{"reference": f"Practitioner/{identifier}"}],
            }  # fmt: skip
            yield from _slots(identifier, work)


def _slots(doctor: str, service: str) -> Iterator[dict[str, Any]]:
    draw = random.Random(f"{SEED} {doctor}")
    for day in range(1, 26):
        date = NOW + dt.timedelta(days=day)
        if date.weekday() >= 5:
            continue
        for hour in (9, 11, 14, 16):
            words = {
                "kind": "slot", "id": f"slot-{doctor}-{date:%m%d}-{hour:02d}", "schedule": f"schedule-{doctor}",
                "of": service,
                "start": f"{date:%Y-%m-%d}T{hour:02d}:00:00+00:00",
                "status": "free" if draw.random() < 0.35 else "busy",
            }  # fmt: skip
            yield resource(words, "", NOW)


def _chart(draw: random.Random, patient: str) -> Iterator[dict[str, Any]]:
    """Everything about one patient."""
    numbers = dict.fromkeys(("n",), 0)

    def entry(**words: Any) -> dict[str, Any]:
        numbers["n"] += 1
        return resource({"id": f"{patient}-{numbers['n']:03d}", **words}, patient, NOW)

    sex = _pick(draw, ("female", "male"))
    age = 22 + int(70 * draw.random() ** 0.8)
    born = (NOW - dt.timedelta(days=int(age * 365.25) + int(draw.random() * 360))).date()
    name = f"{_pick(draw, _GIVEN[sex])} {_pick(draw, _FAMILY)}"
    doctor = "dr-osei"
    yield resource(
        {
            "kind": "patient",
            "id": patient,
            "name": name,
            "sex": sex,
            "born": born,
            "mrn": f"M{100000 + int(patient[1:]) * 37}",
        },
        patient,
        NOW,
    )
    since = {problem: NOW - dt.timedelta(days=int(400 + 2600 * draw.random())) for problem in _problems(draw, age)}
    for problem, start in since.items():
        yield entry(kind="problem", name=problem, since=f"{start:%Y-%m-%d}")
    if draw.random() < 0.25:
        to = _pick(draw, ("amoxicillin", "trimethoprim-sulfamethoxazole", "ibuprofen", "morphine", "latex"))
        yield entry(kind="allergy", to=to, reaction=_pick(draw, ("rash", "hives", "swelling of the face", "vomiting")))
    medicines = _medicines(draw, list(since))
    for medicine, dose, often in medicines:
        start = NOW - dt.timedelta(days=int(200 + 800 * draw.random()))
        route = (
            "subcutaneous"
            if "insulin" in medicine
            else "inhaled"
            if medicine in ("tiotropium", "salbutamol", "budesonide")
            else "oral"
        )
        yield entry(
            kind="medicine_order",
            medicine=medicine,
            dose=dose,
            route=route,
            often=often,
            when=f"{start:%Y-%m-%d}T10:00",
            by=doctor,
        )
    yield entry(kind="coverage", payer=_pick(draw, _PAYERS), number=f"C{int(draw.random() * 900000) + 100000}")
    for vaccine, share in (
        ("influenza vaccine", 0.6),
        ("COVID-19 vaccine", 0.7),
        ("pneumococcal vaccine", 0.3 if age > 60 else 0.05),
    ):
        if draw.random() < share:
            yield entry(
                kind="immunization",
                vaccine=vaccine,
                when=f"{NOW - dt.timedelta(days=int(30 + 330 * draw.random())):%Y-%m-%d}",
            )
    yield from _visits(draw, entry, list(since), medicines, doctor)


def _problems(draw: random.Random, age: int) -> list[str]:
    weight = 0.3 + age / 70
    return [problem for problem, profile in _PROFILES.items() if draw.random() < profile.share * weight]


def _medicines(draw: random.Random, problems: list[str]) -> list[tuple[str, str, str]]:
    found: dict[str, tuple[str, str, str]] = {}
    for problem in problems:
        options = _PROFILES[problem].medicines
        for medicine in options[: 1 + int(draw.random() * len(options))]:
            # No two statins, no ACE inhibitor with an angiotensin blocker.
            rivals = ({"atorvastatin", "simvastatin"}, {"lisinopril", "losartan"})
            if not any(medicine[0] in pair and pair & found.keys() for pair in rivals):
                found[medicine[0]] = medicine
    return list(found.values())


def _visits(
    draw: random.Random, entry: Any, problems: list[str], medicines: list[tuple[str, str, str]], doctor: str
) -> Iterator[dict[str, Any]]:
    tests = {test: curve for problem in problems for test, curve in _PROFILES[problem].tests.items()}
    usual = {test: mean + spread * draw.gauss(0, 1) for test, (mean, spread, _) in tests.items()}
    weight, systolic = 52 + 45 * draw.random(), 118 + 22 * draw.random() + 8 * ("hypertension" in problems)
    day = int(20 + 80 * draw.random())
    days = []
    while day < 365 * (3 if problems else 2):
        days.append(day)
        day += int((90 if len(problems) > 2 else 150) + 90 * draw.random())
    for ago in reversed(days):
        start = (NOW - dt.timedelta(days=ago)).replace(hour=8 + int(8 * draw.random()))
        at = f"{start:%Y-%m-%dT%H:%M}"
        yield entry(kind="encounter", start=at, end=f"{start + dt.timedelta(minutes=25):%Y-%m-%dT%H:%M}", by=doctor,
                    reason="Review of " + ", ".join(problems) if problems else "Check-up")  # fmt: skip
        weight += draw.gauss(0, 0.8)
        values = {"body weight": round(weight, 1), "systolic blood pressure": round(systolic + draw.gauss(0, 7)),
                  "diastolic blood pressure": round(systolic * 0.6 + draw.gauss(0, 4))}  # fmt: skip
        if tests and draw.random() < 0.75:
            values |= {
                test: max(0.1, round(usual[test] + tests[test][2] * draw.gauss(0, 1), _DECIMALS.get(test, 0)))
                for test in tests
            }
        for test, value in values.items():
            yield entry(kind="result", test=test, value=value, when=at)
        yield entry(kind="note", title="Clinic note", text=_note(problems, medicines, values), when=at, by=doctor)


def _note(problems: list[str], medicines: list[tuple[str, str, str]], values: Words) -> str:
    measured = "; ".join(f"{test} {value:g}" for test, value in values.items())
    taken = "; ".join(f"{name} {dose} {often}" for name, dose, often in medicines) or "none"
    return (
        f"Problems: {', '.join(problems) or 'none'}.\nMeasured today: {measured}.\nMedicines: {taken}.\n"
        f"Plan: {'continue, review in some months' if problems else 'no follow-up needed'}."
    )


def _pick(draw: random.Random, options: Any) -> Any:
    return options[int(draw.random() * len(options))]


def as_bytes(resources: list[dict[str, Any]]) -> bytes:
    """The JSON of the file before it is packed."""
    return json.dumps(resources, ensure_ascii=False, separators=(",", ":")).encode()


if __name__ == "__main__":
    content = as_bytes(population())
    FILE.write_bytes(lzma.compress(content, preset=9))
    print(f"{FILE.name}: {len(content):,} bytes of JSON, {FILE.stat().st_size:,} packed")
