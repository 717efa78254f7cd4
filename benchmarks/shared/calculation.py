"""MedCalc-Bench: reading the result of a clinical calculation and holding it against the accepted range.

A result is a number, a calendar date, or a gestational age in completed weeks and days. Which one is asked
for shows in the way the dataset writes the reference: "25.238", "09/23/2014" or "('14 weeks', '1 days')".
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta

from pytest_medhelm import Instance, Response, answers

Value = float | date | timedelta
"""A calculated result; a gestational age is a timedelta of whole days."""

_GESTATIONAL_AGE = re.compile(r"\('(\d+) weeks', '(\d+) days'\)")
_WEEKS = r"(?<![\d.,/])(\d{1,2})[\s-]{0,2}(?:weeks?|wks?|w)"
_DAYS = r"(\d{1,3})[\s-]{0,2}(?:days?|d)\b"
_WEEKS_AND_DAYS = (
    re.compile(_WEEKS + r"['\",\s]{0,4}(?:and|plus|[&+])?\s{0,2}['\"]?" + _DAYS),
    re.compile(r"\b(\d{1,2})(?:\s{0,2}\+\s{0,2}|\s{1,2})([0-6])/7\b"),  # 14 1/7, as in obstetric notes
    re.compile(r"\(\s{0,2}(\d{1,2})\s{0,2},\s{0,2}([0-6])\s{0,2}\)"),
    re.compile(r"(?<![\d.+] )(?<![\d.+])(\d{1,2})\s{0,2}\+\s{0,2}([0-6])\b(?![./]|\s{0,2}[+=])"),  # 14+1
)
_WEEKS_ALONE = re.compile(_WEEKS + r"\b")
_ASKED_UNIT = re.compile(
    r"\bin (?:terms of |units of )?((?:[µμmkc]?[A-Za-z]{1,5})(?:/[A-Za-z]{1,4})*(?:/1\.73 m[²2])?[²]?)"
    r"(?=[.?,;\s]*$|[.?,;]\s)"
)
_DAYS_ALONE = re.compile(r"(?<![\d.,/])" + _DAYS)


def parse_value(reference: str) -> Value:
    """A reference or limit as MedCalc-Bench writes it. Raises ValueError when it is none."""
    if match := _GESTATIONAL_AGE.fullmatch(reference.strip()):
        return timedelta(weeks=int(match[1]), days=int(match[2]))
    if "/" in reference:
        return datetime.strptime(reference.strip(), "%m/%d/%Y").date()
    number = float(reference)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def read_value(response: Response, like: str, question: str = "") -> Value | None:
    """The result that a response states, in the form of the reference ``like``; None when none can be read.

    Of a value given in two units the one that the question asks for counts; else units are not compared.
    """
    expected = parse_value(like)
    if isinstance(expected, timedelta):
        return read_gestational_age(response.text)
    if isinstance(expected, date):
        return response.date
    asked = _ASKED_UNIT.findall(question)
    quantity = response.read(lambda text: answers.read_number(text, "en", asked[-1] if asked else ""))
    return quantity.value if quantity else None


def read_gestational_age(text: str) -> timedelta | None:
    """A gestational age as usually written: "14 weeks and 1 day", "14w1d", "14+1", "(14 weeks, 1 days)".

    An age behind the last final-answer phrase ("Answer:") counts, else the only one in the text. Weeks and
    days together go before weeks or days alone ("14 weeks" is 14 weeks and 0 days). None when nothing is
    found or several different ages are.
    """
    stated = answers.json_answer(text)
    text = answers.fold(answers.unwrap_latex(stated if isinstance(stated, str) else text)).replace("*", "")
    ages = answers.final_readings(text, _ages)
    if ages is None:
        ages = _ages(text)
    return ages[0] if len(ages) == 1 else None


def _ages(text: str) -> list[timedelta]:
    """The distinct gestational ages in a text, read in the first form that occurs."""
    for form in _WEEKS_AND_DAYS:
        if pairs := form.findall(text):
            break
    else:
        pairs = [(weeks, "0") for weeks in _WEEKS_ALONE.findall(text)]
        pairs += [("0", days) for days in _DAYS_ALONE.findall(text)]
    return list({timedelta(weeks=int(weeks), days=int(days)): None for weeks, days in pairs})


def medcalc_accuracy(prediction: Value, lower: str, upper: str) -> float:
    """1.0 when the result lies inside the accepted range, ends included, else 0.0 (Khandekar et al. 2024).

    The dataset's limits are 5 % around a decimal result; for scores, dates and gestational ages they equal
    the result, which is compared as a number, so "3.0" is 3. A result of another form (a number where a date
    is asked for) is 0.0. Raises ValueError when a limit is malformed.
    """
    low, high = parse_value(lower), parse_value(upper)
    if isinstance(prediction, timedelta) and isinstance(low, timedelta) and isinstance(high, timedelta):
        return float(low <= prediction <= high)
    if isinstance(prediction, date) and isinstance(low, date) and isinstance(high, date):
        return float(low <= prediction <= high)
    if isinstance(prediction, float | int) and isinstance(low, float) and isinstance(high, float):
        return float(low <= prediction <= high)
    return 0.0


def medcalc_accuracy_helm(raw_text: str, instance: Instance) -> float:
    """What MedHELM 0.8.0 scores for the same answer, to compare with its published numbers.

    It takes the whole answer as the value, so any further word makes it wrong; it compares risk, severity and
    diagnosis scores as strings; and it knows the category names of another release only, so that "lab" and
    "dosage" are always 0.0.
    """
    prediction = raw_text.strip()
    category = instance.fields["category"]
    lower, upper = instance.fields["lower"], instance.fields["upper"]
    if category in ("risk", "severity", "diagnosis"):
        return float(prediction == instance.answer)
    try:
        if category == "date":
            return _date_accuracy_helm(prediction, instance.answer, lower, upper)
        if category in ("physical", "dosage conversion"):
            return float(float(lower) <= float(prediction) <= float(upper))
    except ValueError:
        pass
    return 0.0


def _date_accuracy_helm(prediction: str, reference: str, lower: str, upper: str) -> float:
    if not _GESTATIONAL_AGE.match(reference):
        low, value, high = (datetime.strptime(text, "%m/%d/%Y") for text in (lower, prediction, upper))
        return float(low <= value <= high)
    # MedHELM matches from the start only: what follows an age does not matter.
    said = _GESTATIONAL_AGE.match(prediction)
    if said is None or not all(_GESTATIONAL_AGE.match(text) for text in (lower, upper)):
        return 0.0
    return medcalc_accuracy(parse_value(said[0]), lower, upper)
