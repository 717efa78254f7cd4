"""FHIR values from plain words: times, quantities, codes, dosages."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from pytest_medhelm.agents.hospital import codes
from pytest_medhelm.agents.hospital.elements import NewResource
from pytest_medhelm.agents.hospital.when import moment_of, stamp
from pytest_medhelm.util.errors import DataError

Words = Mapping[str, Any]
TERMS = "http://terminology.hl7.org/CodeSystem"
_AGO = re.compile(r"(?:in )?(\d+) (minute|hour|day|week|year)s?( ago)?(?: at (\d\d:\d\d))?")
_SPAN = {"minute": dt.timedelta(minutes=1), "hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1)}
_SPAN |= {"week": dt.timedelta(weeks=1), "year": dt.timedelta(days=365)}
_QUANTITY = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(\S.*)?")
OFTEN: Mapping[str, tuple[int, float, str]] = {
    "once": (1, 0, ""),
    "daily": (1, 1, "d"),
    "twice daily": (2, 1, "d"),
    "three times daily": (3, 1, "d"),
    "four times daily": (4, 1, "d"),
    "every 4 hours": (1, 4, "h"),
    "every 6 hours": (1, 6, "h"),
    "every 8 hours": (1, 8, "h"),
    "every 12 hours": (1, 12, "h"),
    "every 24 hours": (1, 24, "h"),
    "every 48 hours": (1, 48, "h"),
    "weekly": (1, 1, "wk"),
}
"""How often, as frequency, period and unit of FHIR's Timing."""


def moment(text: str, now: dt.datetime) -> str:
    """``2 hours ago``, ``in 3 days at 08:00`` or a date, as FHIR writes it. Raises DataError."""
    if text == "now":
        return stamp(now)
    match = _AGO.fullmatch(text)
    if match is None:
        try:
            moment_of(text)
        except ValueError:
            raise DataError(
                f"{text!r} is no time: write 2 hours ago, in 3 days at 08:00, or 2026-03-02T08:30"
            ) from None
        return text if "T" not in text else stamp(moment_of(text))
    count, unit, ago, clock = match.groups()
    there = now - int(count) * _SPAN[unit] if ago else now + int(count) * _SPAN[unit]
    if clock:
        there = there.replace(hour=int(clock[:2]), minute=int(clock[3:]), second=0)
    return stamp(there)


def quantity(text: Any) -> NewResource:
    """``40 mmol`` as a Quantity. Raises DataError."""
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise DataError(f"{text!r} is no quantity such as 40 mg")
    number = float(match[1])
    amount: NewResource = {"value": int(number) if number.is_integer() else number}
    if match[2]:
        amount |= {"unit": match[2], "system": "http://unitsofmeasure.org", "code": match[2].replace("units", "[iU]")}
    return amount


def concept(system: str, code: str, text: str) -> NewResource:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def medicine(name: str) -> NewResource:
    """A medicine of the formulary. Raises DataError."""
    if name not in codes.MEDICINES:
        raise DataError(f"the formulary has no {name!r}")
    return concept(codes.FORMULARY, codes.MEDICINES[name].code, name)


def test_or_service(name: str) -> NewResource:
    """What can be ordered: a laboratory test, a measurement or a service. Raises DataError."""
    if name in codes.TESTS:
        return concept(codes.LOINC, codes.TESTS[name][0], name)
    if name in codes.SERVICE_CODES:
        return concept(codes.SERVICES, codes.SERVICE_CODES[name], name)
    raise DataError(f"neither a test nor a service is called {name!r}")


def problem(name: str) -> NewResource:
    """A diagnosis. Raises DataError."""
    if name not in codes.PROBLEMS:
        raise DataError(f"no problem is called {name!r}")
    return concept(codes.ICD10, codes.PROBLEMS[name], name)


def dosage(words: Words) -> NewResource:
    """Dose, route and how often, as a Dosage."""
    often = str(words.get("often", "once"))
    if often.removesuffix(" as needed") not in OFTEN and often != "as needed":
        raise DataError(f"{often!r} is not one of {', '.join(OFTEN)}")
    instruction: NewResource = {"text": " ".join(str(words[key]) for key in ("dose", "route", "often") if key in words)}
    if (frequency := OFTEN.get(often.removesuffix(" as needed"))) and frequency[2]:
        times, period, unit = frequency
        instruction["timing"] = {"repeat": {"frequency": times, "period": period, "periodUnit": unit}}
    elif often == "once":
        instruction["timing"] = {"repeat": {"count": 1}}
    if "as needed" in often:
        instruction["asNeededBoolean"] = True
    if "route" in words:
        instruction["route"] = concept(codes.SNOMED, codes.ROUTES[words["route"]], words["route"])
    if "dose" in words:
        instruction["doseAndRate"] = [{"doseQuantity": quantity(words["dose"])}]
    return instruction


def attachment(text: str) -> NewResource:
    """A plain text as an Attachment."""
    return {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}
