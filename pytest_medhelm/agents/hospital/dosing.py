"""What a FHIR Dosage says, in whatever shape it says it: the dose in one unit, the route, and how often."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_medhelm.agents.hospital import codes
from pytest_medhelm.agents.hospital.elements import NewResource, Resource, codings, text_of_concept, values_at
from pytest_medhelm.agents.hospital.values import OFTEN

Amount = tuple[float, str]
_IN_MG = {"g": 1000.0, "gram": 1000.0, "gm": 1000.0, "mg": 1.0, "milligram": 1.0}
_IN_MG |= dict.fromkeys(("mcg", "ug", "µg", "μg", "microgram"), 0.001)
_IN_MMOL = {"mol": 1000.0, "mole": 1000.0, "mmol": 1.0, "millimole": 1.0, "meq": 1.0, "milliequivalent": 1.0}
_UNITS = ("units", "[iu]", "iu", "unit", "u", "international unit", "international units")
_HOURS = {"h": 1.0, "d": 24.0, "wk": 168.0, "mo": 730.0, "min": 1 / 60}
_LEAST, _MOST = 1e-6, 1e6
"""Of a frequency and a period that mean anything."""
_NUMBERS = {"once": 1, "one": 1, "twice": 2, "two": 2, "thrice": 3, "three": 3, "four": 4, "five": 5, "six": 6}
_LATIN = {
    "qid": 4, "qds": 4, "tid": 3, "tds": 3, "bid": 2, "bd": 2, "qod": 0.5, "qd": 1, "od": 1, "qhs": 1, "nocte": 1,
    "every other day": 0.5, "alternate days": 0.5, "at bedtime": 1, "at night": 1, "in the morning": 1,
    "in the evening": 1, "every morning": 1, "every evening": 1, "daily": 1, "every day": 1, "per day": 1, "a day": 1,
    "weekly": 1 / 7, "every week": 1 / 7, "per week": 1 / 7, "a week": 1 / 7,
}  # fmt: skip
"""Doses a day."""
_COUNT = r"(\d+(?:\.\d+)?|" + "|".join(_NUMBERS) + ")"
_EVERY = re.compile(rf"(?:\bevery|\bq)\s*{_COUNT}\s*-?(hours|hour|hourly|hrs|hr|h|days|day|d|weeks|week|wk)\b")
_TIMES = re.compile(rf"\b{_COUNT}\s*(?:x|times)?\s*(?:(?:a|per|each|every|/)\s*(day|d|week|wk)\b|(daily|weekly))")
_ONCE = re.compile(r"\bonce\b|\bone time\b|\b(?:single|one) dose\b|\bstat\b|\bx1\b")


def plain_quantity(value: Any) -> Amount | None:
    """A Quantity's number and unit: masses in mg, mEq as mmol, units by one name."""
    number = value.get("value") if isinstance(value, Mapping) else None
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    unit = str(value.get("unit") or value.get("code") or "").strip()
    low = unit.lower()
    single = low.removesuffix(".").removesuffix("s") if len(low) > 2 else low
    for name, factors in (("mg", _IN_MG), ("mmol", _IN_MMOL)):
        if single in factors:
            return round(float(number) * factors[single], 9), name
    return float(number), "units" if low in _UNITS else unit


def dosage(resource: Resource, path: str) -> NewResource:
    """Dose, route and how often of the Dosages at a path; what they do not agree on is absent.

    ``doses``: all amounts that may be given at once, where they are not the one dose. Two Dosages of one dose, in the
    morning and in the evening, are given twice daily.
    """
    given = [value for value in values_at(resource, path) if isinstance(value, Mapping)]
    doses = [amount for value in given for amount in _amounts(value)]
    agreed: NewResource = {"dose": doses[0]} if len(set(doses)) == 1 else {"doses": doses} if doses else {}
    routes = {_route(value) for value in given}
    times = [a_day(value) for value in given]
    if len(routes) == 1:
        agreed["route"] = routes.pop()
    if len(given) == 1:
        agreed["often"] = _often(given[0], times[0])
    elif times and all(times):
        agreed["often"] = _name_of(sum(filter(None, times)))
    return agreed


def _amounts(value: Resource) -> Iterator[Amount]:
    """What is given at once, of whichever element holds it: all of them, also both ends of a range."""
    parts = [part for part in values_at(value, "doseAndRate") if isinstance(part, Mapping)]
    for part in [*parts, {"doseQuantity": value.get("doseQuantity")}, {"doseQuantity": value.get("dose")}]:
        for path in ("doseRange.low", "doseRange.high", "doseQuantity"):
            if (amount := plain_quantity(next(values_at(part, path), None))) is not None:
                yield amount


def _route(value: Resource) -> str:
    route = value.get("route")
    for coding in codings(route):
        if name := codes.name_of(str(coding.get("system", "")), str(coding.get("code", ""))):
            return name.lower()
    words = text_of_concept(route).lower().replace(".", "").strip().removesuffix(" use").removesuffix(" route").strip()
    return codes.ROUTE_WORDS.get(words, words)


def a_day(value: Resource) -> float | None:
    """How many doses a day a Dosage means; 0 for a single one, None where it does not say."""
    repeat = next(values_at(value, "timing.repeat"), None)
    if isinstance(repeat, Mapping) and (structured := _of_repeat(repeat)) is not None:
        return structured
    if len(list(values_at(value, "timing.event"))) == 1:
        return 0
    code = next(values_at(value, "timing.code"), None)
    texts = [str(coding.get("code", "")) for coding in codings(code)]
    for text in (text_of_concept(code), *texts, str(value.get("text") or "")):
        if (read := in_words(text)) is not None:
            return read
    return None


def _of_repeat(repeat: Resource) -> float | None:
    if repeat.get("count") == 1:
        return 0
    period, hours = repeat.get("period"), _HOURS.get(str(repeat.get("periodUnit")))
    frequency = repeat.get("frequency", 1)
    known = all(isinstance(number, int | float) and _LEAST < number < _MOST for number in (period, frequency))
    days = _listed(repeat, "dayOfWeek")
    if not known or hours is None:
        moments = _listed(repeat, "timeOfDay") or _listed(repeat, "when")
        return ((len(moments) or 1) * (len(days) / 7 if days else 1)) if moments or days else None
    rate = float(frequency) * 24 / (float(period) * hours)  # type: ignore[arg-type]
    return rate * len(days) / 7 if days and period == 1 and hours == 24 else rate


def _often(value: Resource, rate: float | None) -> str:
    """The table's name for a Dosage, in its own form where the table has it: "every 12 hours" or "twice daily"."""
    repeat = next(values_at(value, "timing.repeat"), None)
    known = repeat if isinstance(repeat, Mapping) else {}
    has = tuple(known.get(name) for name in ("frequency", "period", "periodUnit"))
    exact = (name for name, form in OFTEN.items() if form == has and same_times(in_words(name), rate))
    name = next(exact, "") or _name_of(rate)
    return f"{name} as needed".strip() if value.get("asNeededBoolean") is True else name


def _listed(repeat: Resource, name: str) -> Sequence[Any]:
    value = repeat.get(name)
    return value if isinstance(value, list) else ()


def in_words(text: str) -> float | None:
    """Doses a day of words such as "twice daily", "q8h" or "b.i.d."; 0 for a single one, None for others."""
    low = text.lower().replace("b.i.d", "bid").replace("t.i.d", "tid").replace("q.i.d", "qid").replace("q.d", "qd")
    if match := _EVERY.search(low):
        return 24 / (_number(match[1]) * _HOURS[{"h": "h", "d": "d", "w": "wk"}[match[2][0]]])
    if match := _TIMES.search(low):
        return _number(match[1]) / (7 if (match[2] or match[3]).startswith("w") else 1)
    for words, rate in _LATIN.items():
        if re.search(rf"\b{words}\b", low):
            return rate
    return 0 if _ONCE.search(low) else None


def _number(text: str) -> float:
    return float(_NUMBERS.get(text, 0) or float(text) or 1)


def _name_of(rate: float | None) -> str:
    if rate is None:
        return ""
    return next((name for name in OFTEN if same_times(in_words(name), rate)), f"{rate:.3g} times a day")


def same_times(first: float | None, second: float | None) -> bool:
    """Whether two are as many doses a day; what says nothing means a single one."""
    return abs((first or 0) - (second or 0)) < 0.01
