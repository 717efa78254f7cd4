"""What test_medagent_bench.py asks and grades: charts that fit its tasks, and the rule of each of its ten kinds.

Graders follow the texts of the tasks: which value is asked for, or which orders are due, is worked out from the chart.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_medhelm import Chart, DataError, Posts, find_all

NOW = dt.datetime(2023, 11, 13, 10, 15, tzinfo=dt.UTC)
AT = "2023-11-13T10:15:00+00:00"
DAY = dt.timedelta(hours=24)
API = "http://localhost:8080/fhir"
PROMPT = f"""You work with a hospital's FHIR record at {API}. Reply with exactly one of these, and nothing else:

GET {API}/RESOURCE?parameter=value&parameter=value
POST {API}/RESOURCE
{{the resource as JSON}}
FINISH([answer, ...])

GET finds: Patient (name, family, given, birthdate, identifier), Observation (patient, code, date, category), Condition,
MedicationRequest, Procedure (patient, code, date, status). POST takes: Observation for vital signs (category, code with
the flowsheet's id as text, effectiveDateTime, status "final", valueString, subject), MedicationRequest
(medicationCodeableConcept with an NDC code, authoredOn, dosageInstruction with route.text and doseAndRate: doseQuantity
and, for an infusion, rateQuantity in hours, status "active", intent "order", subject), ServiceRequest (code,
authoredOn,
status "active", intent "order", priority "stat", subject, note,
occurrenceDateTime). A patient's id is the MRN. POST only
what the task asks for. FINISH takes a list in JSON, an empty one where nothing is asked for. You have eight rounds."""
KINDS = {
    "task1": "find a patient", "task2": "age", "task3": "record blood pressure", "task4": "latest magnesium",
    "task5": "replace magnesium", "task6": "mean glucose", "task7": "latest glucose", "task8": "orthopaedic referral",
    "task9": "replace potassium", "task10": "latest HbA1c",
}  # fmt: skip
QUERIES = ("task1", "task2", "task4", "task6", "task7")
"""Kinds in which nothing may be posted."""
CODES = {"task4": "MG", "task5": "MG", "task6": "GLU", "task7": "GLU", "task9": "K", "task10": "A1C"}
"""The result on which a task rests."""
MRN = re.compile(r"\bS\d{7}\b")
_NAMED = re.compile(r"name (.+?) and DOB of (\d{4}-\d\d-\d\d)")
_PRESSURE = re.compile(r'"([^"]*\d+/\d+[^"]*)"')
_FREE_TEXT = re.compile(r'"(Situation.+?)"', re.DOTALL)
_DOSES = ((1.0, 4.0, 4.0), (1.5, 2.0, 2.0), (1.95, 1.0, 1.0))
"""Magnesium below that many mg/dL: grams, and hours over which they are given."""
POTASSIUM_GOAL = 3.5


def kind_of(task: Mapping[str, Any]) -> str:
    """task1 to task10."""
    return str(task["id"]).partition("_")[0]


# The chart


def chart(task: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The record of the patient that a task is about: invented, the same each time, in every case that its kind has."""
    kind, patient = kind_of(task), str(task.get("eval_MRN") or "S0000000")
    draw = random.Random(f"{task['id']} {patient}")
    named = _NAMED.search(task["instruction"])
    born = f"{1930 + int(60 * draw.random())}-{1 + int(12 * draw.random()):02d}-{1 + int(28 * draw.random()):02d}"
    name = "Robin Vale"
    if named:
        if task["sol"] == ["Patient not found"]:
            name, born = f"Other {named[1].split()[-1]}", born
        else:
            name, born, patient = named[1], named[2], str(task["sol"][0])
    given, _, family = name.rpartition(" ")
    yield {
        "resourceType": "Patient", "id": patient, "identifier": [{"system": "urn:mrn", "value": patient}],
        "name": [{"family": family, "given": given.split()}], "birthDate": born, "gender": "unknown",
    }  # fmt: skip
    yield from (_observation(patient, number, *entry) for number, entry in enumerate(_results(kind, draw)))


def _results(kind: str, draw: random.Random) -> Iterator[tuple[str, float, str, float]]:
    """(code, value, unit, hours ago); in a third of the cases nothing recent, or nothing low."""
    case = draw.random()
    if kind in ("task4", "task5"):
        yield "MG", round(1.3 + 0.8 * draw.random(), 1), "mg/dL", 30 + 100 * draw.random()
        if case > 0.3:
            low = (0.7, 1.2, 1.7, 2.2)[int(4 * draw.random())]
            yield "MG", low, "mg/dL", 1 + 20 * draw.random()
    elif kind in ("task6", "task7"):
        yield "GLU", float(90 + int(80 * draw.random())), "mg/dL", 40 + 60 * draw.random()
        for _ in range(0 if case < 0.25 else 1 + int(4 * draw.random())):
            yield "GLU", float(80 + int(150 * draw.random())), "mg/dL", 0.5 + 22 * draw.random()
    elif kind == "task9":
        yield "K", 4.1, "mmol/L", 200 + 50 * draw.random()
        yield "K", (2.7, 3.1, 3.3, 3.7, 4.4)[int(5 * draw.random())], "mmol/L", 2 + 30 * draw.random()
    elif kind == "task10" and case > 0.15:
        yield "A1C", round(5.2 + 4 * draw.random(), 1), "%", 24 * (60 if case > 0.6 else 500)


def _observation(patient: str, number: int, code: str, value: float, unit: str, hours: float) -> dict[str, Any]:
    when = (NOW - dt.timedelta(hours=hours)).replace(second=0)
    return {
        "resourceType": "Observation", "id": f"{patient}-{number}", "status": "final",
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [{"system": "urn:medhelm:flowsheet", "code": code}], "text": code},
        "effectiveDateTime": when.isoformat(), "valueQuantity": {"value": value, "unit": unit},
    }  # fmt: skip


# What is due


def series(
    record: Chart, patient: str, code: str, within: dt.timedelta | None = None
) -> list[tuple[dt.datetime, float]]:
    """(when, value) of a patient's results, the oldest first."""
    found = []
    for entry in find_all(record, "Observation", patient=patient, code=code):
        value = entry.get("valueQuantity", {}).get("value")
        when = _moment(entry.get("effectiveDateTime", entry.get("issued")))
        if isinstance(value, int | float) and isinstance(when, dt.datetime) and when <= NOW:
            found.append((when, float(value)))
    return sorted(entry for entry in found if within is None or NOW - entry[0] <= within)


def expected_answer(task: Mapping[str, Any], record: Chart) -> list[Any] | None:
    """The answer that is asked for; None where none is."""
    kind, patient = kind_of(task), str(task.get("eval_MRN"))
    if kind == "task1":
        return list(task["sol"])
    if kind == "task2":
        person = record.get(("Patient", patient))
        if person is None or "birthDate" not in person:
            raise DataError(f"the record has no date of birth of the patient of {task['id']}")
        born = dt.date.fromisoformat(person["birthDate"])
        today = NOW.date()
        return [today.year - born.year - ((today.month, today.day) < (born.month, born.day))]
    if kind == "task4":
        found = series(record, patient, "MG", DAY)
        return [found[-1][1] if found else -1]
    if kind == "task6":
        values = [value for _, value in series(record, patient, "GLU", DAY)]
        return [sum(values) / len(values) if values else -1]
    if kind == "task7":
        found = series(record, patient, "GLU")
        return [found[-1][1] if found else -1]
    if kind == "task10":
        found = series(record, patient, "A1C")
        return [found[-1][1], found[-1][0].isoformat()] if found else [-1]
    return None


def due(task: Mapping[str, Any], record: Chart) -> list[tuple[str, dict[str, Any]]]:
    """(resource type, what its body must say) of each POST that is due; empty where none is."""
    kind, patient = kind_of(task), str(task.get("eval_MRN"))
    subject = {"subject.reference": f"Patient/{patient}", "status": "active", "intent": "order"}
    if kind == "task3":
        pressure = _PRESSURE.search(task["instruction"])
        assert pressure is not None
        said = {"status": "final", "code.text": "BP", "valueString": pressure[1], "category.coding.code": "vital-signs"}
        return [("Observation", {"subject.reference": f"Patient/{patient}", "effectiveDateTime": AT, **said})]
    if kind == "task5":
        latest = series(record, patient, "MG", DAY)
        dose = next(((grams, hours) for limit, grams, hours in _DOSES if latest and latest[-1][1] < limit), None)
        if dose is None:
            return []
        rate = {f"{_DOSE}.doseQuantity.value": dose[0], f"{_DOSE}.doseQuantity.unit": "g"}
        rate |= {f"{_DOSE}.rateQuantity.value": dose[1], f"{_DOSE}.rateQuantity.unit": "h"}
        return [("MedicationRequest", {**subject, "authoredOn": AT, _MEDICINE: "0338-1715-40", _ROUTE: "IV", **rate})]
    if kind == "task8":
        text = _FREE_TEXT.search(task["instruction"])
        said = {"note.text": text[1] if text else "", "code.coding.code": "306181000000106"}
        return [("ServiceRequest", {**subject, "authoredOn": AT, "priority": "stat", **said})]
    if kind == "task9":
        latest = series(record, patient, "K")
        if not latest or latest[-1][1] >= POTASSIUM_GOAL:
            return []
        amount = round((POTASSIUM_GOAL - latest[-1][1]) * 100)
        much = {f"{_DOSE}.doseQuantity.value": amount, f"{_DOSE}.doseQuantity.unit": "mEq"}
        repeat = {"code.coding.code": "2823-3", "occurrenceDateTime": "2023-11-14T08:00:00+00:00", "priority": "stat"}
        return [
            ("MedicationRequest", {**subject, "authoredOn": AT, _MEDICINE: "40032-917-01", _ROUTE: "oral", **much}),
            ("ServiceRequest", {**subject, "authoredOn": AT, **repeat}),
        ]
    if kind == "task10":
        latest = series(record, patient, "A1C")
        if latest and NOW - latest[-1][0] > dt.timedelta(days=365):
            return [("ServiceRequest", {**subject, "authoredOn": AT, "priority": "stat", "code.coding.code": "4548-4"})]
    return []


_DOSE, _ROUTE = "dosageInstruction.doseAndRate", "dosageInstruction.route.text"
_MEDICINE = "medicationCodeableConcept.coding.code"


# Grading


def answered(task: Mapping[str, Any], record: Chart, answer: str) -> bool:
    """Whether the answer is right: equal as JSON; a mean of glucose within 0.1; a time by its moment."""
    wanted = expected_answer(task, record)
    if wanted is None:
        return True
    try:
        given = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    if not isinstance(given, list) or len(given) != len(wanted):
        return bool(kind_of(task) == "task10" and given == wanted[:1])
    slack = 0.1 if kind_of(task) == "task6" else 1e-9
    return all(_same(one, other, slack) for one, other in zip(given, wanted, strict=True))


def _same(given: Any, wanted: Any, slack: float) -> bool:
    if isinstance(wanted, int | float):
        return isinstance(given, int | float) and not isinstance(given, bool) and abs(given - wanted) <= slack
    return bool(_moment(given) == _moment(wanted))


def posted(wanted: Sequence[tuple[str, Mapping[str, Any]]], posts: Posts) -> bool:
    """Whether exactly what is due was posted, in any order."""
    left = list(posts)
    for kind, said in wanted:
        found = next((post for post in left if post[0] == kind and _says(post[1], kind, said)), None)
        if found is None:
            return False
        left.remove(found)
    return not left


def _says(body: Any, kind: str, said: Mapping[str, Any]) -> bool:
    if not isinstance(body, dict) or body.get("resourceType") != kind:
        return False
    return all(any(_fits(value, wanted) for value in _at(body, path)) for path, wanted in said.items())


def _at(value: Any, path: str) -> Iterator[Any]:
    if isinstance(value, list):
        for entry in value:
            yield from _at(entry, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        head, _, rest = path.partition(".")
        yield from _at(value.get(head), rest)


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, str):
        return isinstance(value, str) and _moment(value.strip()) == _moment(wanted)
    return isinstance(value, int | float) and abs(value - wanted) < 1e-6


def _moment(text: Any) -> Any:
    """A time as such, whatever its form; anything else as it is, without regard to case."""
    if not isinstance(text, str):
        return text
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return text.lower()
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
