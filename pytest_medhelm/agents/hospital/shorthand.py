"""Chart entries in a few plain words, and the FHIR resources that they stand for.

``{kind: medicine_order, medicine: furosemide, dose: 40 mg, route: oral, often: daily}`` is what a task's chart and an
oracle's orders are written in; ``facts`` reads the same words from any resource.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pytest_medhelm.agents.hospital import codes
from pytest_medhelm.agents.hospital.elements import NewResource
from pytest_medhelm.agents.hospital.office import OFFICE, Chart, Maker, When, by
from pytest_medhelm.agents.hospital.values import (
    TERMS,
    Words,
    attachment,
    concept,
    dosage,
    medicine,
    moment,
    problem,
    quantity,
    test_or_service,
)
from pytest_medhelm.util.errors import DataError


def resource(words: Words, patient: str, now: dt.datetime) -> NewResource:
    """The FHIR resource that some words stand for, without an id unless they give one. Raises DataError.

    ``patient``: id of the patient whose chart it is, unless the words name another one.
    """
    kind = words.get("kind", "")
    make = _MAKERS.get(kind)
    if make is None:
        raise DataError(f"{kind!r} is no kind of chart entry: write one of {', '.join(_MAKERS)}")
    chart = {"reference": f"Patient/{words.get('patient', patient)}"}
    try:
        content = make(words, chart, lambda key, default: moment(str(words.get(key, default)), now))
    except KeyError as missing:
        raise DataError(f"a {kind} needs {missing.args[0]!r}") from None
    return {**content, "id": str(words["id"])} if "id" in words else content


def _medicine_order(words: Words, chart: Chart, when: When) -> NewResource:
    order = {
        "resourceType": "MedicationRequest", "status": words.get("status", "active"), "intent": "order",
        "medicationCodeableConcept": medicine(words["medicine"]), "subject": chart, "authoredOn": when("when", "now"),
        "requester": by(words), "dosageInstruction": [dosage(words)],
    }  # fmt: skip
    if "priority" in words:
        order["priority"] = words["priority"]
    if "reason" in words:
        order["reasonCode"] = [{"text": words["reason"]}]
    return order


def _home_medicine(words: Words, chart: Chart, when: When) -> NewResource:
    return {
        "resourceType": "MedicationStatement", "status": words.get("status", "active"),
        "medicationCodeableConcept": medicine(words["medicine"]), "subject": chart,
        "effectivePeriod": {"start": when("since", "1 year ago")[:10]}, "dosage": [dosage(words)],
    }  # fmt: skip


def _dose_given(words: Words, chart: Chart, when: When) -> NewResource:
    given = dosage(words)
    dose = {"dose": given["doseAndRate"][0]["doseQuantity"]} if "doseAndRate" in given else {}
    return {
        "resourceType": "MedicationAdministration", "status": words.get("status", "completed"),
        "medicationCodeableConcept": medicine(words["medicine"]), "subject": chart, "effectiveDateTime": when("when",
        "now"),
        "dosage": {"text": given["text"], **dose, **({"route": given["route"]} if "route" in given else {})},
    }  # fmt: skip


def _allergy(words: Words, chart: Chart, when: When) -> NewResource:
    to = words["to"]
    code = medicine(to) if to in codes.MEDICINES else {"text": to}
    return {
        "resourceType": "AllergyIntolerance", "clinicalStatus": concept(f"{TERMS}/allergyintolerance-clinical",
        words.get("status", "active"), words.get("status", "active")),
        "verificationStatus": concept(f"{TERMS}/allergyintolerance-verification", "confirmed", "confirmed"),
        "category": ["medication"], "criticality": words.get("criticality", "high"), "code": code, "patient": chart,
        "recordedDate": when("when", "2 years ago")[:10],
        "reaction": [{"manifestation": [{"text": words.get("reaction", "rash")}]}],
    }  # fmt: skip


def _problem_entry(words: Words, chart: Chart, when: When) -> NewResource:
    status = words.get("status", "active")
    return {
        "resourceType": "Condition", "clinicalStatus": concept(f"{TERMS}/condition-clinical", status, status),
        "verificationStatus": concept(f"{TERMS}/condition-ver-status", "confirmed", "confirmed"),
        "category": [concept(f"{TERMS}/condition-category", "problem-list-item", "problem list")],
        "code": problem(words["name"]), "subject": chart, "onsetDateTime": when("since", "3 years ago")[:10],
    }  # fmt: skip


def _result(words: Words, chart: Chart, when: When) -> NewResource:
    name = words["test"]
    if name not in codes.TESTS:
        raise DataError(f"no test is called {name!r}")
    code, unit, category = codes.TESTS[name]
    value = str(words["value"])
    given = quantity(value if " " in value else f"{value} {unit}")
    result = {
        "resourceType": "Observation", "status": words.get("status", "final"),
        "category": [concept(f"{TERMS}/observation-category", category, category)],
        "code": concept(codes.LOINC, code, name), "subject": chart, "effectiveDateTime": when("when", "now"),
        "valueQuantity": given,
    }  # fmt: skip
    if "comment" in words:
        result["note"] = [{"text": words["comment"]}]
    return result


def _note(words: Words, chart: Chart, when: When) -> NewResource:
    return {
        "resourceType": "DocumentReference", "status": words.get("status", "current"), "docStatus": "final",
        "type": {"text": words["title"]}, "subject": chart, "date": when("when", "now"), "author": [by(words)],
        "description": words["title"], "content": [{"attachment": attachment(words["text"])}],
    }  # fmt: skip


def _order(words: Words, chart: Chart, when: When) -> NewResource:
    order = {
        "resourceType": "ServiceRequest", "status": words.get("status", "active"), "intent": "order",
        "priority": words.get("priority", "routine"), "code": test_or_service(words["of"]), "subject": chart,
        "authoredOn": when("when", "now"), "requester": by(words),
    }  # fmt: skip
    if "due" in words:
        order["occurrenceDateTime"] = when("due", "now")
    if "reason" in words:
        order["reasonCode"] = [{"text": words["reason"]}]
    if "text" in words:
        order["note"] = [{"text": words["text"]}]
    return order


def _care_plan(words: Words, chart: Chart, when: When) -> NewResource:
    return {
        "resourceType": "CarePlan", "status": words.get("status", "active"), "intent": "plan", "title": words["title"],
        "description": words.get("text", words["title"]), "subject": chart, "created": when("when", "now"),
    }  # fmt: skip


def _immunization(words: Words, chart: Chart, when: When) -> NewResource:
    name = words["vaccine"]
    if name not in codes.VACCINES:
        raise DataError(f"no vaccine is called {name!r}")
    return {
        "resourceType": "Immunization", "status": words.get("status", "completed"),
        "vaccineCode": concept(codes.CVX, codes.VACCINES[name], name), "patient": chart,
        "occurrenceDateTime": when("when", "now")[:10],
    }  # fmt: skip


def _report(words: Words, chart: Chart, when: When) -> NewResource:
    return {
        "resourceType": "DiagnosticReport", "status": words.get("status", "final"),
        "code": test_or_service(words["of"]),
        "subject": chart, "effectiveDateTime": when("when", "now"), "conclusion": words["text"],
    }  # fmt: skip


def _procedure(words: Words, chart: Chart, when: When) -> NewResource:
    return {
        "resourceType": "Procedure", "status": words.get("status", "completed"), "code": test_or_service(words["of"]),
        "subject": chart, "performedDateTime": when("when", "now"),
    }  # fmt: skip


def _encounter(words: Words, chart: Chart, when: When) -> NewResource:
    kind = words.get("class", "AMB")
    period = {"start": when("start", "now"), **({"end": when("end", "now")} if "end" in words else {})}
    encounter = {
        "resourceType": "Encounter", "status": words.get("status", "finished" if "end" in words else "in-progress"),
        "class": {"system": f"{TERMS}/v3-ActCode", "code": kind}, "subject": chart, "period": period,
        "participant": [{"individual": by(words)}],
    }  # fmt: skip
    if "reason" in words:
        encounter["reasonCode"] = [{"text": words["reason"]}]
    return encounter


def _patient(words: Words, chart: Chart, when: When) -> NewResource:
    given, _, family = str(words["name"]).rpartition(" ")
    identifier = str(words.get("id", "new"))
    return {
        "resourceType": "Patient", "identifier": [{"system": "urn:medhelm:mrn", "value": str(words.get("mrn",
        identifier.upper()))}],
        "active": True, "name": [{"use": "official", "family": family, "given": given.split()}],
        "gender": words.get("sex", "unknown"), "birthDate": str(words["born"]),
    }  # fmt: skip


_MAKERS: Mapping[str, Maker] = {
    **OFFICE,
    "patient": _patient,
    "medicine_order": _medicine_order,
    "home_medicine": _home_medicine,
    "dose_given": _dose_given,
    "allergy": _allergy,
    "problem": _problem_entry,
    "result": _result,
    "note": _note,
    "order": _order,
    "care_plan": _care_plan,
    "immunization": _immunization,
    "report": _report,
    "procedure": _procedure,
    "encounter": _encounter,
}
