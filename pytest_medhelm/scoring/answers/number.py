"""Reads a number with its unit, in the number format of the task's language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pytest_medhelm.scoring.answers.closed import forms
from pytest_medhelm.scoring.answers.closed.cut import own_turn
from pytest_medhelm.scoring.answers.fractions import as_decimals
from pytest_medhelm.scoring.answers.markers import final_readings, json_answer
from pytest_medhelm.scoring.answers.number_context import (
    is_apart,
    is_bound,
    is_denominator,
    is_part_of_word,
    is_schedule,
    plain_signs,
    without_retracted,
)
from pytest_medhelm.scoring.answers.number_words import as_digits
from pytest_medhelm.scoring.answers.numerals import (
    decimal_mark,
    numeral,
    power_at,
    same_unit,
    scale_at,
    to_float,
    unit_at,
)
from pytest_medhelm.util.patterns import compiled

_SAME = str.maketrans("：＝，．％－−‐‑–’≃≅⁄٫٬", ":=,.%-----'≈≈/.,")
# Digits of other scripts: full width, Arabic, Persian, Devanagari, Bengali, Thai.
_SAME |= {ord(zero) + digit: ord("0") + digit for zero in "０٠۰०০๐" for digit in range(10)}
_LATEX = {
    "\\ ": " ",
    "{,}": ",",
    "\\%": "%",
    "\\times": "×",
    "\\approx": "≈",
    "\\,": " ",
    "\\cdot": "·",
    "\\sim": "~",
    "\\mu": "µ",
}

# The numbers of a list ("2. ", "Step 3") are no values.
_DENIED_BEFORE = r"""(?xi)
    \b(?:not|isn't|rather\sthan|instead\sof|nicht|no\ses|nao\se|não\sé|n'est\spas|non\sè|pas|statt)\s[~≈]?[-+]?$|(?:不是|而非)\s?$
"""
_ALONE = r"(?:^|\n)[^\w\n.,+-]{0,6}$"
_BULLET = r"""(?xim)
    ^[^\w\n.,+-]{0,6}(?:[0-9]{1,3}[.)][ \t]+(?=\S)|(?:step|paso|étape|schritt|passo|etapa)\s[0-9]{1,3}\b)
"""
# "CKD-EPI 2021", "the 2009 equation": the year of a formula.
_EDITION = (
    r"(?i)\b(ckd-epi|mdrd|equation|formula|criteria|guidelines?|version|(?=(?:19|20)\d\d\s(?:ckd|mdrd|equation|formula)))"
    r"\s?\(?(?:19|20)[0-9]{2}\b\)?"
)
_REASON = r"""(?xi)
    [,\s](?:because|since|rather\sthan|instead\sof|not|porque|ya\sque|parce\sque|car|weil|perché|pois)\s|因为
"""
_DENIAL = r"(?i)\W{0,4}(?:not|nicht|no|pas|non|não)\s"
_SENTENCE_END = r"[.!?;](?=\s|$)|。"
_NO_VALUE = r"\s?/\s?[0-9]|:[0-9]|\s?\^|[⁰¹²³⁴-⁹]"
_OPENING = r"[\s~*_$`(\[{\\]*"
_CLOSING = r"[\s.!*_$`)\]}\\。]*"
_REMARK = r"\([^()\n]{0,200}\)|\[[^\[\]\n]{0,200}\]"
_ROUNDED = (
    r"(?i)(?:[≈~→(\[,\s]|=|or|i\.e\.|about|approximately|approx\.?|roughly|circa|ca\.?|which|rounds?|rounded|so|to|is)*"
)
_SAYS_ROUNDED = r"(?i)[≈~→]|\b(?:about|approx|approximately|roughly|circa|ca|round(?:s|ed)?|i\.e)\b"
_LONGEST_FOOTING = 60
_OPERATOR_BEFORE = r"[-+×x*/·÷√^]\s?[({\[]?\s?$"


@dataclass(frozen=True)
class Quantity:
    """A number, and the unit as written: empty when none of the usual clinical ones follows."""

    value: float
    unit: str


class _Candidate(NamedTuple):
    start: int
    end: int
    quantity: Quantity | None
    """None for a number that cannot be read with certainty."""
    aside: bool = False
    """A bound, a duration or a schedule: no value where one stands before it."""


def read_number(text: str, language: str | None, unit: str = "") -> Quantity | None:
    """The number that a text gives as its answer, or None.

    ``language`` is a BCP 47 code and decides what commas and points mean: ``1,200`` is 1200 in English, 1.2
    in Spanish and unreadable where the language is not known. The number is looked for behind the last
    final-answer phrase; else it is the only distinct number of the text; else the one behind the last equals
    sign, if it ends the text. Remarks in brackets and a rounding of the number do not count. Of values in several
    units the one in ``unit`` counts. Pairs ("120/80"), ranges, bounds ("< 5") and rival candidates are None.
    """
    answer = json_answer(text)
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        return Quantity(float(answer), "")
    if isinstance(answer, str):
        text = answer
    text = without_retracted(own_turn(text))
    decimal = decimal_mark(language)
    text = as_digits(_tidy(text, decimal), language)
    readings = final_readings(text, lambda claim: _claimed(claim, decimal, unit))
    if readings is None:
        readings = _settle(text, decimal, unit)
    return readings[0] if len(readings) == 1 else None


def _tidy(text: str, decimal: str) -> str:
    """The text in plain signs: no LaTeX, no list numbers, fractions as decimals, a minus at its number."""
    text = forms.rewritten(text.translate(_SAME))
    if "\\" in text or "{" in text:
        text = compiled(r"(?<=[0-9])\\,(?=[0-9]{3}(?![0-9]))").sub("", text)
        for command, plain in _LATEX.items():
            text = text.replace(command, plain)
        text = compiled(r"_\{([^{}\n]{0,40})\}").sub(r"\1", text)
    text = as_decimals(text, decimal or ".")
    text = compiled(_EDITION).sub(r"\1", compiled(_BULLET).sub("", text))
    if text.count("\n- ") + text.startswith("- ") > 1:
        text = compiled(r"(?m)^\s{0,4}-\s").sub("", text)
    return plain_signs(compiled(r"[ \t]{2,}").sub(" ", text))


def _claimed(claim: str, decimal: str, unit: str) -> list[Quantity | None]:
    """The distinct numbers of the first sentence with a number behind a final-answer phrase."""
    if compiled(_DENIAL).match(claim):
        return [None]
    claim = compiled(_REASON).split(claim, maxsplit=1)[0]
    first = next(_candidates(claim, decimal), None)
    if first is None:
        return []
    end = compiled(_SENTENCE_END).search(claim, first.end)
    return _settle(claim[: end.end() if end else len(claim)], decimal, unit)


def _settle(text: str, decimal: str, unit: str) -> list[Quantity | None]:
    """The distinct numbers; of several, the one in the unit asked for, behind the last equals sign, or unbracketed."""
    remark = compiled(rf"(?:{_REMARK})[\s.]*\Z").search(text)
    if remark and "=" in text[: remark.start()] and len(_distinct(_candidates(remark[0], decimal))) != 1:
        text = text[: remark.start()]  # "BMI = 85 / 2.89 = 29.41 (overweight is 25 to 29.9)".
    candidates = _without_asides(text, _without_roundings(text, list(_candidates(text, decimal))))
    distinct = _distinct(candidates)
    if len(distinct) < 2:
        return distinct
    if unit:
        asked = _distinct(c for c in candidates if c.quantity and same_unit(c.quantity.unit, unit))
        if asked:
            return asked
    last = candidates[-1]
    equals = max(text.rfind("="), text.rfind("≈"))
    ends_text = compiled(_CLOSING).fullmatch(text, last.end)
    coefficient = compiled(r"(?:^|[\s:;(])[a-zα-ω]\s?$").search(text[max(0, equals - 3) : max(0, equals)])
    bare = last.quantity is not None and not last.quantity.unit
    follows = equals >= 0 and not (coefficient and bare) and compiled(_OPENING).fullmatch(text, equals + 1, last.start)
    if ends_text and follows and text[max(0, equals - 1)] not in "<>!":
        return distinct if _converts(text, candidates, equals) else [last.quantity]
    found = _heading(text, candidates) or _footing(text, candidates)
    return found or _unbracketed(text, candidates) or distinct


def _heading(text: str, candidates: list[_Candidate]) -> list[Quantity | None]:
    """The number that is all of the first paragraph, before an explanation: "27.5\\n\\nExplanation: ..."."""
    first, blank, explanation = text.strip().partition("\n\n")
    if not blank or not explanation[:1].isalpha():
        return []
    leading = [one for one in candidates if one.end <= text.find(first) + len(first)]
    if len(leading) != 1 or leading[0].aside:
        return []
    rest = f"{text[: leading[0].start]}{text[leading[0].end :]}"[: len(first)]
    alone = compiled(r"[^\w\n]*").fullmatch(rest.partition("\n\n")[0])
    return [leading[0].quantity] if alone else []


def _footing(text: str, candidates: list[_Candidate]) -> list[Quantity | None]:
    """The number that is all of the last paragraph, below a calculation that comes to the same."""
    _, blank, last = text.strip().rpartition("\n\n")
    final = candidates[-1]
    if not blank or final.quantity is None or not compiled(_CLOSING).fullmatch(text, final.end):
        return []
    before = text[: final.start].rpartition("\n\n")[2]
    values = [one.quantity.value for one in candidates[:-1] if one.quantity]
    alone = compiled(_OPENING).fullmatch(before) and len(last) < _LONGEST_FOOTING
    return [final.quantity] if alone and values and values[-1] == final.quantity.value else []


def _converts(text: str, candidates: list[_Candidate], equals: int) -> bool:
    """ "2.5 mg/dL = 221 µmol/L": one value in two units, and not a calculation with its result."""
    before = candidates[-2]
    if before.quantity is None or candidates[-1].quantity is None or text[before.end : equals].strip():
        return False
    units = before.quantity.unit, candidates[-1].quantity.unit
    alone = not compiled(_OPERATOR_BEFORE).search(text[max(0, before.start - 4) : before.start])
    return alone and bool(units[0]) and not same_unit(*units)


def _unbracketed(text: str, candidates: list[_Candidate]) -> list[Quantity | None]:
    """The one number outside brackets, unless the brackets hold the same value in another unit."""
    remarks = [match.span() for match in compiled(_REMARK).finditer(text)]
    inside = [c for c in candidates if any(start <= c.start < end for start, end in remarks)]
    outside = _distinct(c for c in candidates if c not in inside)
    if len(outside) != 1 or not inside or outside[0] is None:
        return []
    other = inside[0].quantity if len(inside) == 1 else None
    converted = other is not None and other.unit and outside[0].unit and not same_unit(other.unit, outside[0].unit)
    return [] if converted else outside


def _without_roundings(text: str, candidates: list[_Candidate]) -> list[_Candidate]:
    """Without a number that only rounds the one before it: "60.83 ≈ 61"."""
    kept: list[_Candidate] = []
    for candidate in candidates:
        exact = kept[-1].quantity if kept else None
        between = text[kept[-1].end : candidate.start] if kept else ""
        if exact is not None and candidate.quantity is not None and compiled(_SAYS_ROUNDED).search(between):
            digits = text[candidate.start : candidate.end].partition(".")[2]
            decimals = len(digits) - len(digits.lstrip("0123456789"))
            is_rounding = abs(exact.value - candidate.quantity.value) <= 0.5000001 * 10**-decimals
            if is_rounding and compiled(_ROUNDED).fullmatch(between):
                unit = exact.unit or candidate.quantity.unit
                kept[-1] = kept[-1]._replace(quantity=Quantity(exact.value, unit), end=candidate.end)
                continue
        kept.append(candidate)
    return kept


def _without_asides(text: str, candidates: list[_Candidate]) -> list[_Candidate]:
    """Without the bounds and schedules behind a value: "12.5 mg every 8 hours", "447 ms, which is below 450"."""
    first = next((one for one in candidates if one.quantity and not one.aside), None)
    if first is None:
        return candidates
    return [
        one
        for one in candidates
        if not one.aside or one.start < first.start or not (one.quantity or is_apart(text[first.end : one.start]))
    ]


def _distinct(candidates: Iterable[_Candidate]) -> list[Quantity | None]:
    """One quantity per value, with the unit where it was given once; None for what is uncertain."""
    by_value: dict[float | None, Quantity | None] = {}
    for candidate in candidates:
        quantity = candidate.quantity
        key = quantity.value if quantity else None
        known = by_value.get(key)
        if known is None or not known.unit:
            by_value[key] = quantity
    return list(by_value.values())


def _candidates(text: str, decimal: str) -> Iterator[_Candidate]:
    """The numbers of a text from left to right, without those that are part of a word."""
    pattern = numeral(decimal)
    position = 0
    while match := pattern.search(text, position):
        position = match.end()
        before = text[max(0, match.start() - 8) : match.start()]
        digits, exponent, number_end = power_at(text, match[0], match.end())
        scale, number_end = scale_at(text, number_end, decimal)
        is_pair = compiled(r"\s?/\s?[0-9]|\sover\s[0-9]{2,3}\b(?!\s?(?:min|h|d|s|w))").match(text, number_end)
        unit, end = ("", number_end) if is_pair else unit_at(text, number_end)
        if is_part_of_word(before, text, end):
            continue
        if compiled(_DENIED_BEFORE).search(text[max(0, match.start() - 20) : match.start()]):
            position = end
            continue
        unit_power = match[0] == "10" and digits == "1" and text[number_end : number_end + 1] == "/"
        if is_denominator(before) or unit_power:  # "10^9/L" alone is a unit.
            position = end
            continue
        position = end
        signed = before[-1:] in ("-", "+") and not (before[-2:-1].isalnum() or before[-2:-1] in (")", "]"))
        value = to_float(digits, exponent + scale, decimal)
        start = match.start() - signed
        scheduled = is_schedule(text, start, end, unit)
        if is_bound(text, start, end) and not scheduled:
            yield _Candidate(start, end, None, aside=True)
        elif value is None or is_pair or compiled(_NO_VALUE).match(text, end) or before.rstrip().endswith("±"):
            yield _Candidate(start, end, None)
        else:
            negative = signed and before[-1] == "-"
            yield _Candidate(start, end, Quantity(-value if negative else value, unit), scheduled)
