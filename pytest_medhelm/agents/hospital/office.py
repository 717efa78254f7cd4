"""Entries of the office in a few plain words: slots, appointments, tasks, messages, coverage and claims."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from pytest_medhelm.agents.hospital.elements import NewResource
from pytest_medhelm.agents.hospital.values import TERMS, Words, concept, problem, test_or_service
from pytest_medhelm.agents.hospital.when import moment_of, stamp

When = Callable[[str, str], str]
"""(word, what it says where it is absent) -> the moment."""
Chart = NewResource
"""The reference to a patient."""
Maker = Callable[[Words, Chart, When], NewResource]


def by(words: Words, key: str = "by") -> NewResource:
    """The reference to who did it."""
    return {"reference": f"Practitioner/{words.get(key, 'dr-osei')}"}


def _slot(words: Words, chart: Chart, when: When) -> NewResource:
    start = when("start", "now")
    end = stamp(moment_of(start) + dt.timedelta(minutes=30))
    return {
        "resourceType": "Slot", "schedule": {"reference": f"Schedule/{words['schedule']}"},
        "status": words.get("status", "free"),
        "start": start, "end": end, "specialty": [test_or_service(words["of"])],
    }  # fmt: skip


def _appointment(words: Words, chart: Chart, when: When) -> NewResource:
    start = when("start", "now")
    appointment = {
        "resourceType": "Appointment", "status": words.get("status", "booked"), "start": start,
        "end": stamp(moment_of(start) + dt.timedelta(minutes=30)), "specialty": [test_or_service(words["of"])],
        "participant": [{"actor": chart, "status": "accepted"}, {"actor": by(words, "with"), "status": "accepted"}],
    }  # fmt: skip
    if "slot" in words:
        appointment["slot"] = [{"reference": f"Slot/{words['slot']}"}]
    return appointment


def _task(words: Words, chart: Chart, when: When) -> NewResource:
    return {
        "resourceType": "Task", "status": words.get("status", "requested"), "intent": "order",
        "priority": words.get("priority", "routine"), "description": words["text"], "for": chart,
        "authoredOn": when("when", "now"), "owner": by(words, "owner"),
    }  # fmt: skip


def _message(words: Words, chart: Chart, when: When) -> NewResource:
    patient = str(chart["reference"])
    to, sender = words.get("to", "patient"), words.get("from", "dr-osei")
    message = {
        "resourceType": "Communication", "status": "completed", "subject": chart, "sent": when("when", "now"),
        "recipient": [{"reference": patient if to == "patient" else f"Practitioner/{to}"}],
        "sender": {"reference": patient if sender == "patient" else f"Practitioner/{sender}"},
        "payload": [{"contentString": words["text"]}],
    }  # fmt: skip
    if "answers" in words:
        message["inResponseTo"] = [{"reference": f"Communication/{words['answers']}"}]
    return message


def _coverage(words: Words, chart: Chart, when: When) -> NewResource:
    return {
        "resourceType": "Coverage", "status": words.get("status", "active"), "beneficiary": chart,
        "subscriberId": str(words["number"]), "payor": [{"display": words["payer"]}],
        "type": {"text": words.get("plan", "standard")},
        "period": {"start": when("since", "2 years ago")[:10], **({"end": when("until",
        "now")[:10]} if "until" in words else {})},
    }  # fmt: skip


def _claim(words: Words, chart: Chart, when: When) -> NewResource:
    return {
        "resourceType": "Claim", "status": words.get("status", "active"),
        "type": concept(f"{TERMS}/claim-type", "professional", "professional"), "use": words.get("use",
        "preauthorization"),
        "patient": chart, "created": when("when", "now")[:10], "provider": by(words),
        "priority": concept(f"{TERMS}/processpriority", words.get("priority", "normal"), words.get("priority",
        "normal")),
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": f"Coverage/{words['coverage']}"}}],
        "diagnosis": [
            {"sequence": number, "diagnosisCodeableConcept": problem(name)}
            for number, name in enumerate(words.get("diagnoses", ()), start=1)
        ],
        "item": [{"sequence": 1, "productOrService": test_or_service(words["of"])}],
        "supportingInfo": [
            {"sequence": 1, "category": {"text": "justification"}, "valueString": words.get("text", "")}
        ] if words.get("text") else [],
    }  # fmt: skip


OFFICE: Mapping[str, Maker] = {
    "slot": _slot,
    "appointment": _appointment,
    "task": _task,
    "message": _message,
    "coverage": _coverage,
    "claim": _claim,
}
"""By kind of entry."""
