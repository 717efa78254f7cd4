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
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from pytest_medhelm.agents.hospital.elements import NewResource
from pytest_medhelm.agents.hospital.population import FILE, NOW
from pytest_medhelm.agents.hospital.profiles import DECIMALS, FAMILY, GIVEN, PAYERS, PROFILES, SERVICES, STAFF
from pytest_medhelm.agents.hospital.shorthand import resource
from pytest_medhelm.agents.hospital.values import Words

SEED = 20260302
PATIENTS = 220
DOCTOR = "dr-osei"
"""Whose patients they are."""


def population() -> list[NewResource]:
    """All resources, in the order of the file."""
    draw = random.Random(SEED)
    resources = list(_staff())
    for number in range(PATIENTS):
        resources += _chart(draw, f"p{number + 1:04d}")
    return resources


def _staff() -> Iterator[NewResource]:
    for identifier, (name, work) in STAFF.items():
        given, _, family = name.rpartition(" ")
        yield {
            "resourceType": "Practitioner", "id": identifier, "active": True, "name": [{"family": family,
            "given": [given]}],
            "qualification": [{"code": {"text": work}}],
        }  # fmt: skip
    for identifier, (_, work) in STAFF.items():
        if work in SERVICES:
            yield {
                "resourceType": "Schedule", "id": f"schedule-{identifier}", "active": True,
                "specialty": [{"text": work}], "actor": [{"reference": f"Practitioner/{identifier}"}],
            }  # fmt: skip
            yield from _slots(identifier, work)


def _slots(doctor: str, service: str) -> Iterator[NewResource]:
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


Entry = Callable[..., NewResource]
"""Makes an entry of one chart from words."""


def _chart(draw: random.Random, patient: str) -> Iterator[NewResource]:
    """Everything about one patient."""
    numbers = count(1)

    def entry(**words: Any) -> NewResource:
        return resource({"id": f"{patient}-{next(numbers):03d}", **words}, patient, NOW)

    sex = _pick(draw, ("female", "male"))
    age = 22 + int(70 * draw.random() ** 0.8)
    born = (NOW - dt.timedelta(days=int(age * 365.25) + int(draw.random() * 360))).date()
    name = f"{_pick(draw, GIVEN[sex])} {_pick(draw, FAMILY)}"
    record = f"M{100000 + int(patient[1:]) * 37}"
    yield resource(
        {"kind": "patient", "id": patient, "name": name, "sex": sex, "born": born, "mrn": record}, patient, NOW
    )
    since = {problem: NOW - dt.timedelta(days=int(400 + 2600 * draw.random())) for problem in _problems(draw, age)}
    for problem, start in since.items():
        yield entry(kind="problem", name=problem, since=f"{start:%Y-%m-%d}")
    if draw.random() < 0.25:
        to = _pick(draw, ("amoxicillin", "trimethoprim-sulfamethoxazole", "ibuprofen", "morphine", "latex"))
        yield entry(kind="allergy", to=to, reaction=_pick(draw, ("rash", "hives", "swelling of the face", "vomiting")))
    medicines = _medicines(draw, list(since))
    yield from _orders(draw, entry, medicines)
    yield entry(kind="coverage", payer=_pick(draw, PAYERS), number=f"C{int(draw.random() * 900000) + 100000}")
    yield from _immunizations(draw, entry, age)
    yield from _visits(draw, entry, list(since), medicines, DOCTOR)


def _orders(draw: random.Random, entry: Entry, medicines: Sequence[tuple[str, str, str]]) -> Iterator[NewResource]:
    """What is taken regularly."""
    for medicine, dose, often in medicines:
        start = NOW - dt.timedelta(days=int(200 + 800 * draw.random()))
        yield entry(
            kind="medicine_order", medicine=medicine, dose=dose, route=_route(medicine), often=often,
            when=f"{start:%Y-%m-%d}T10:00", by=DOCTOR,
        )  # fmt: skip


def _route(medicine: str) -> str:
    if "insulin" in medicine:
        return "subcutaneous"
    return "inhaled" if medicine in ("tiotropium", "salbutamol", "budesonide") else "oral"


def _immunizations(draw: random.Random, entry: Entry, age: int) -> Iterator[NewResource]:
    shares = {
        "influenza vaccine": 0.6, "COVID-19 vaccine": 0.7, "pneumococcal vaccine": 0.3 if age > 60 else 0.05,
    }  # fmt: skip
    for vaccine, share in shares.items():
        if draw.random() < share:
            given = NOW - dt.timedelta(days=int(30 + 330 * draw.random()))
            yield entry(kind="immunization", vaccine=vaccine, when=f"{given:%Y-%m-%d}")


def _problems(draw: random.Random, age: int) -> list[str]:
    weight = 0.3 + age / 70
    return [problem for problem, profile in PROFILES.items() if draw.random() < profile.share * weight]


def _medicines(draw: random.Random, problems: list[str]) -> list[tuple[str, str, str]]:
    chosen: dict[str, tuple[str, str, str]] = {}
    for problem in problems:
        options = PROFILES[problem].medicines
        for medicine in options[: 1 + int(draw.random() * len(options))]:
            # No two statins, no ACE inhibitor with an angiotensin blocker.
            rivals = ({"atorvastatin", "simvastatin"}, {"lisinopril", "losartan"})
            if not any(medicine[0] in pair and pair & chosen.keys() for pair in rivals):
                chosen[medicine[0]] = medicine
    return list(chosen.values())


def _visits(
    draw: random.Random, entry: Any, problems: list[str], medicines: list[tuple[str, str, str]], doctor: str
) -> Iterator[NewResource]:
    tests = {test: curve for problem in problems for test, curve in PROFILES[problem].tests.items()}
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
                test: max(0.1, round(usual[test] + tests[test][2] * draw.gauss(0, 1), DECIMALS.get(test, 0)))
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


def as_bytes(resources: list[NewResource]) -> bytes:
    """The JSON of the file before it is packed."""
    return json.dumps(resources, ensure_ascii=False, separators=(",", ":")).encode()


if __name__ == "__main__":
    content = as_bytes(population())
    FILE.write_bytes(lzma.compress(content, preset=9))
    print(f"{FILE.name}: {len(content):,} bytes of JSON, {FILE.stat().st_size:,} packed")
