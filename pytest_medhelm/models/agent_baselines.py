"""Agents that know no medicine: what a clinical agent must beat, and what shows that a task can be done at all.

They write their calls as JSON in a fence, turn by turn; the number of their earlier turns says where they are.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_medhelm.tasks.prompts import Message
from pytest_medhelm.tasks.task import Instance
from pytest_medhelm.util.json_types import JsonObject

if TYPE_CHECKING:
    from pytest_medhelm.tasks.benchmark import Benchmark

RANDOM_TURNS = 8


def oracle_agent(messages: Sequence[Message], instance: Instance | None, benchmark: Benchmark | None) -> str | None:
    """The way that the task itself says; nothing where it says none."""
    environment = _environment(instance, benchmark)
    turns = list(environment.oracle()) if environment is not None and environment.oracle is not None else []
    number = _turn(messages)
    return _written(turns[number]) if number < len(turns) else None


def idle_agent(messages: Sequence[Message], instance: Instance | None, benchmark: Benchmark | None) -> str | None:
    """Does nothing and says that it is done."""
    done = "Everything is in order and nothing needs to be done."
    return None if _environment(instance, benchmark) is None else _written([{"answer": done}])


def reckless_agent(messages: Sequence[Message], instance: Instance | None, benchmark: Benchmark | None) -> str | None:
    """Orders all that can be ordered for the patient, writes a note, and repeats the task as its answer."""
    if _environment(instance, benchmark) is None:
        return None
    assert instance is not None
    patient = _patient(instance)
    if _turn(messages):
        return _written([{"answer": f"All of it is done as asked. {instance.question}"}])
    medicines = ("potassium-chloride", "furosemide", "amoxicillin", "metformin", "morphine", "apixaban", "ceftriaxone")
    creates = [_medicine(patient, code) for code in medicines]
    creates += [_service(patient, code) for code in ("cardiology", "ct-chest", "colonoscopy", "physiotherapy")]
    calls = [{"tool": "create", "arguments": {"resource": resource}} for resource in creates]
    note = {"patient": patient, "title": "Note", "text": f"All done. {instance.question}"}
    return _written([*calls, {"tool": "write_note", "arguments": note}])


def random_agent(messages: Sequence[Message], instance: Instance | None, benchmark: Benchmark | None) -> str | None:
    """Calls tools drawn by a hash of the conversation, for some turns, then gives an answer drawn likewise."""
    if _environment(instance, benchmark) is None:
        return None
    assert instance is not None
    number, patient = _turn(messages), _patient(instance)
    drawn = int(hashlib.sha256(f"{instance.id} {number}".encode()).hexdigest(), 16)
    if number >= 1 + drawn % RANDOM_TURNS:
        answers = ("Done.", "Nothing was ordered.", "Patient not found", "42", "The patient should be seen soon.")
        return _written([{"answer": answers[drawn % len(answers)]}])
    kinds = ("Observation", "MedicationRequest", "Condition", "DocumentReference", "AllergyIntolerance", "Task")
    search = {"resource_type": kinds[drawn % len(kinds)], "parameters": {"patient": patient}}
    medicines = ("potassium-chloride", "furosemide", "amoxicillin", "paracetamol")
    calls: tuple[dict[str, Any], ...] = (
        {"tool": "search", "arguments": search},
        {"tool": "create", "arguments": {"resource": _medicine(patient, medicines[drawn % len(medicines)])}},
        {"tool": "create", "arguments": {"resource": _service(patient, "cardiology")}},
        {"tool": "send_message", "arguments": {"patient": patient, "to": "patient", "text": "Please call us."}},
        {"tool": "find_code", "arguments": {"words": "potassium"}},
    )
    return _written([calls[drawn // 7 % len(calls)]])


AGENTS: Mapping[str, Callable[[Sequence[Message], Instance | None, Benchmark | None], str | None]] = {
    "oracle-agent": oracle_agent,
    "idle-agent": idle_agent,
    "reckless-agent": reckless_agent,
    "random-agent": random_agent,
}


def _environment(instance: Instance | None, benchmark: Benchmark | None) -> Any:
    if instance is None or benchmark is None or benchmark.environment is None:
        return None
    return benchmark.environment(instance)


def _turn(messages: Sequence[Message]) -> int:
    return sum(message["role"] == "assistant" for message in messages)


def _patient(instance: Instance) -> str:
    match = re.search(r"\b[a-z]\d{4}\b", instance.question)
    return match[0] if match else "p0001"


def _written(entries: Sequence[JsonObject]) -> str:
    value = entries[0] if len(entries) == 1 else list(entries)
    return f"```json\n{json.dumps(value, ensure_ascii=False)}\n```"


def _medicine(patient: str, code: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": "urn:medhelm:formulary", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 40, "unit": "mg"}}]}],
    }  # fmt: skip


def _service(patient: str, code: str) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest", "status": "active", "intent": "order",
        "code": {"coding": [{"system": "urn:medhelm:services", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
    }  # fmt: skip
