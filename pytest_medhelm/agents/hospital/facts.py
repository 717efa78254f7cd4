"""A resource in the plain words of ``shorthand``: what checks compare, and what a clinician reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pytest_medhelm.agents.hospital import codes
from pytest_medhelm.agents.hospital.dosing import dosage, plain_quantity
from pytest_medhelm.agents.hospital.elements import (
    NewResource,
    Resource,
    codings,
    reference_of,
    text_of_binary,
    text_of_concept,
    values_at,
)
from pytest_medhelm.agents.hospital.state import Change, Hospital, patients_of

Facts = NewResource


def facts(resource: Resource) -> Facts:
    """What a resource says, flat; ``kind`` names what it is. Unknown parts are absent, never guessed."""
    read = _READERS.get(resource["resourceType"])
    fields: Facts = {"kind": _KINDS.get(resource["resourceType"], resource["resourceType"])}
    if read is not None:
        fields |= read(resource)
    if patients := patients_of(resource):
        fields["patient"] = patients[0]
    if status := _status(resource):
        fields["status"] = status
    if isinstance(resource.get("priority"), str):
        fields["priority"] = resource["priority"]
    return {name: value for name, value in fields.items() if value not in ("", None, [])}


def _status(resource: Resource) -> str:
    """Of a resource; where it is not what its type says, why: what is proposed or forbidden is no order."""
    kind = resource["resourceType"]
    if kind in ("MedicationRequest", "ServiceRequest"):
        if resource.get("doNotPerform") is True:
            return "forbidden"
        if resource.get("intent") in ("proposal", "plan", "option", "directive"):
            return "proposed"
    verified = [str(coding.get("code")) for coding in codings(resource.get("verificationStatus"))]
    unsure = next((code for code in verified if code in ("refuted", "entered-in-error")), "")
    status = resource.get("status")
    return unsure or (status if isinstance(status, str) else "")


def concept_name(value: Any) -> str:
    """What the hospital calls a concept: by its code where the tables hold it, else by its text."""
    for coding in codings(value):
        if name := codes.name_of(str(coding.get("system", "")), str(coding.get("code", ""))):
            return name
    text = text_of_concept(value)
    known = {name.lower(): name for name in (*codes.MEDICINES, *codes.TESTS, *codes.SERVICE_CODES, *codes.PROBLEMS)}
    return known.get(text.lower().strip(), text)


def _first(resource: Any, path: str) -> Any:
    return next(values_at(resource, path), None)


def _medicine(resource: Resource, dose: str) -> Facts:
    return {"medicine": concept_name(resource.get("medicationCodeableConcept")), **dosage(resource, dose)}


def _result(resource: Resource) -> Facts:
    value = plain_quantity(resource.get("valueQuantity"))
    shown = value if value is not None else resource.get("valueString")
    return {"test": concept_name(resource.get("code")), "value": shown, "when": resource.get("effectiveDateTime")}


def _joined(resource: Resource, *paths: str) -> str:
    return "\n".join(str(value) for path in paths for value in values_at(resource, path) if isinstance(value, str))


def _note(resource: Resource) -> Facts:
    texts = [text_of_binary(value) for value in values_at(resource, "content.attachment") if isinstance(value, Mapping)]
    return {
        "title": resource.get("description") or text_of_concept(resource.get("type")),
        "text": "\n".join(filter(None, texts)),
    }


def _people(resource: Resource, path: str) -> list[str]:
    return [reference_of(value).partition("/")[2] for value in values_at(resource, path)]


def _message(resource: Resource) -> Facts:
    patients = patients_of(resource)
    to = ["patient" if person in patients else person for person in _people(resource, "recipient")]
    return {"text": _joined(resource, "payload.contentString"), "to": to[0] if len(to) == 1 else to,
            "answers": next(iter(_people(resource, "inResponseTo")), "")}  # fmt: skip


def _appointment(resource: Resource) -> Facts:
    actors = [reference_of(value) for value in values_at(resource, "participant.actor")]
    staff = [actor.partition("/")[2] for actor in actors if actor.startswith("Practitioner/")]
    return {"of": concept_name(_first(resource, "specialty") or _first(resource, "serviceType")),
    "start": resource.get("start"),
            "with": next(iter(staff), ""), "slot": next(iter(_people(resource, "slot")), "")}  # fmt: skip


def _claim(resource: Resource) -> Facts:
    return {
        "use": resource.get("use"), "of": concept_name(_first(resource, "item.productOrService")),
        "diagnoses": [concept_name(value) for value in values_at(resource, "diagnosis.diagnosisCodeableConcept")],
        "coverage": next(iter(_people(resource, "insurance.coverage")), ""), "text": _joined(resource,
        "supportingInfo.valueString"),
    }  # fmt: skip


def _patient(resource: Resource) -> Facts:
    return {"name": name_of_person(resource), "born": resource.get("birthDate"), "sex": resource.get("gender")}


def name_of_person(resource: Resource) -> str:
    """Given and family name of a patient or practitioner."""
    name = _first(resource, "name")
    if not isinstance(name, Mapping):
        return ""
    return " ".join([*map(str, name.get("given", ())), str(name.get("family", ""))]).strip() or str(
        name.get("text", "")
    )


_KINDS = {
    "Patient": "patient", "Practitioner": "practitioner", "MedicationRequest": "medicine_order",
    "MedicationStatement": "home_medicine",
    "MedicationAdministration": "dose_given", "AllergyIntolerance": "allergy", "Condition": "problem",
    "Observation": "result",
    "DocumentReference": "note", "ServiceRequest": "order", "Slot": "slot", "Schedule": "schedule",
    "Appointment": "appointment", "Task": "task",
    "Communication": "message", "Coverage": "coverage", "Claim": "claim", "ClaimResponse": "claim_response",
    "CarePlan": "care_plan",
    "Immunization": "immunization", "DiagnosticReport": "report", "Procedure": "procedure", "Encounter": "encounter",
    "Binary": "binary",
}  # fmt: skip
_READERS: Mapping[str, Callable[[Resource], Facts]] = {
    "Patient": _patient,
    "MedicationRequest": lambda resource: _medicine(resource, "dosageInstruction") | {"reason": _joined(resource,
    "reasonCode.text", "note.text")},
    "MedicationStatement": lambda resource: _medicine(resource, "dosage"),
    "MedicationAdministration": lambda resource: _medicine(resource, "dosage"),
    "AllergyIntolerance": lambda resource: {"to": concept_name(resource.get("code")),
    "criticality": resource.get("criticality")},
    "Condition": lambda resource: {"name": concept_name(resource.get("code")),
    "clinical": text_of_concept(resource.get("clinicalStatus"))},
    "Observation": _result,
    "DocumentReference": _note,
    "ServiceRequest": lambda resource: {
        "of": concept_name(resource.get("code")), "due": resource.get("occurrenceDateTime"),
        "text": _joined(resource, "reasonCode.text", "note.text", "patientInstruction"),
    },
    "Slot": lambda resource: {"of": concept_name(_first(resource, "specialty")), "start": resource.get("start")},
    "Appointment": _appointment,
    "Task": lambda resource: {"text": _joined(resource, "description", "code.text", "reasonCode.text", "note.text",
    "businessStatus.text", "input.valueString", "output.valueString"),
                           "owner": next(iter(_people(resource, "owner")), "")},
    "Communication": _message,
    "Coverage": lambda resource: {"payer": _joined(resource, "payor.display"), "number": resource.get("subscriberId")},
    "Claim": _claim,
    "CarePlan": lambda resource: {"title": resource.get("title"), "text": _joined(resource, "description", "note.text",
    "activity.detail.description")},
    "Immunization": lambda resource: {"vaccine": concept_name(resource.get("vaccineCode")),
    "when": resource.get("occurrenceDateTime")},
    "DiagnosticReport": lambda resource: {"of": concept_name(resource.get("code")), "text": resource.get("conclusion")},
    "Procedure": lambda resource: {"of": concept_name(resource.get("code"))},
    "Encounter": lambda resource: {"reason": _joined(resource, "reasonCode.text")},
}  # fmt: skip
_VERBS = {
    "medicine_order": "ordered", "order": "ordered", "note": "wrote the note", "message": "sent the message",
    "appointment": "booked",
    "task": "set the task", "dose_given": "recorded as given", "claim": "filed", "care_plan": "planned",
    "allergy": "recorded an allergy to",
    "problem": "recorded the problem", "result": "recorded", "home_medicine": "recorded as taken at home",
    "immunization": "recorded",
}  # fmt: skip
LONGEST = 160
"""Characters of a text that a line shows."""


def in_words(change: Change, state: Hospital) -> str:
    """One entry of the audit log as a clinician reads it: "ordered potassium chloride 40 mmol oral for ..."."""
    resource = change.after or change.before or {"resourceType": change.key[0]}
    if "address" in resource and "body" in resource:  # a POST that was acknowledged and kept
        return f"posted to {resource['address']}: {json.dumps(resource['body'], ensure_ascii=False)[:300]}"
    fields = facts(resource)
    what = _what(fields)
    if change.did == "created":
        sentence = f"{_VERBS.get(fields['kind'], 'created the ' + fields['kind'].replace('_', ' '))} {what}"
    elif change.did == "deleted":
        sentence = f"deleted the {fields['kind'].replace('_', ' ')} {what}"
    else:
        before = facts(change.before or {"resourceType": change.key[0]})
        sentence = f"changed the {fields['kind'].replace('_', ' ')} {what}: {_differences(before, fields) or 'details'}"
    person = state.get(("Patient", change.patient)) if change.patient else None
    name = (
        f" for {name_of_person(person)} ({change.patient})"
        if person is not None
        else f" for {change.patient}"
        if change.patient
        else ""
    )
    return f"{sentence.strip()}{name}"


def _what(fields: Facts) -> str:
    parts = [
        _shown(fields[key])
        for key in ("medicine", "of", "test", "to", "name", "vaccine", "title", "payer")
        if fields.get(key) and not (key == "to" and fields["kind"] == "message")
    ]
    parts += [
        _shown(fields[key])
        for key in ("dose", "doses", "value", "route", "often", "start", "use", "due")
        if fields.get(key)
    ]
    if fields.get("text") and fields["kind"] in ("note", "message", "task", "order", "care_plan", "claim"):
        text = str(fields["text"]).replace("\n", " ")
        parts.append(f'"{text[:LONGEST]}{"..." if len(text) > LONGEST else ""}"')
    return " ".join(parts)


def _shown(value: Any) -> str:
    if isinstance(value, tuple) and len(value) == 2:
        return f"{value[0]:g} {value[1]}".strip()
    return ", ".join(map(_shown, value)) if isinstance(value, list) else str(value)


def _differences(before: Facts, after: Facts) -> str:
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(
        f"{name} {_shown(before.get(name, 'none'))} -> {_shown(after.get(name, 'none'))}" for name in names
    )[:400]
