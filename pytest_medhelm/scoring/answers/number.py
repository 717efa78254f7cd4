"""Reads a number with its unit, in the number format of the task's language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pytest_medhelm.scoring.answers.folding import unwrap_latex
from pytest_medhelm.scoring.answers.markers import final_readings, json_answer
from pytest_medhelm.scoring.answers.numerals import decimal_mark, numeral, power_at, to_float, unit_at
from pytest_medhelm.util.patterns import compiled

_SAME = str.maketrans("０１２３４５６７８９：＝，．％－−‐‑–’", "0123456789:=,.%-----'")
_LATEX = {"{,}": ",", "\\%": "%", "\\times": "×", "\\approx": "≈", "\\,": " ", "\\cdot": "·"}

# The numbers of a list ("2. ", "Step 3") are no values.
_BULLET = r"""(?xim)
    ^[^\w\n.,+-]{0,6}(?:[0-9]{1,3}[.)][ \t]+(?=\S)|(?:step|paso|étape|schritt|passo|etapa)\s[0-9]{1,3}\b)
"""
_REASON = r"""(?xi)
    [,\s](?:because|since|rather\sthan|instead\sof|not|porque|ya\sque|parce\sque|car|weil|perché|pois)\s|因为
"""
_DENIAL = r"(?i)\W{0,4}(?:not|nicht|no|pas|non|não)\s"
_SENTENCE_END = r"[.!?;](?=\s|$)|。"
_OPENING = r"[\s~*_$`(\[{\\]*"
_CLOSING = r"[\s.!*_$`)\]}\\。]*"
_BOUND = r"(?:(?:^|[\s(~$*])[<>]|[<>]=|[≤≥±])\s?$"
_NO_VALUE = r"\s?/\s?[0-9]|:[0-9]|\s?\^|[⁰¹²³⁴-⁹]"


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


def read_number(text: str, language: str | None) -> Quantity | None:
    """The number that a text gives as its answer, or None.

    ``language`` is a BCP 47 code and decides what commas and points mean: ``1,200`` is 1200 in English, 1.2
    in Spanish and unreadable where the language is not known. The number is looked for behind the last
    final-answer phrase; else it is the only distinct number of the text; else the one behind the last equals
    sign, if it ends the text. Ranges, fractions, bounds ("< 5") and rival candidates are None.
    """
    answer = json_answer(text)
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        text = repr(answer)
        language = "en"
    elif isinstance(answer, str):
        text = answer
    text = _tidy(text)
    decimal = decimal_mark(language)
    readings = final_readings(text, lambda claim: _claimed(claim, decimal))
    if readings is None:
        readings = _settle(text, list(_candidates(text, decimal)))
    return readings[0] if len(readings) == 1 else None


def _tidy(text: str) -> str:
    text = text.translate(_SAME)
    if "\\" in text or "{" in text:
        text = unwrap_latex(text)
        for command, plain in _LATEX.items():
            text = text.replace(command, plain)
    return compiled(_BULLET).sub("", text)


def _claimed(claim: str, decimal: str) -> list[Quantity | None]:
    """The distinct numbers of the first sentence with a number behind a final-answer phrase."""
    if compiled(_DENIAL).match(claim):
        return [None]
    claim = compiled(_REASON).split(claim, maxsplit=1)[0]
    first = next(_candidates(claim, decimal), None)
    if first is None:
        return []
    end = compiled(_SENTENCE_END).search(claim, first.end)
    claim = claim[: end.end() if end else len(claim)]
    return _settle(claim, list(_candidates(claim, decimal)))


def _settle(text: str, candidates: list[_Candidate]) -> list[Quantity | None]:
    """The distinct numbers; of several, the one behind the last equals sign if it ends the text."""
    distinct = _distinct(candidates)
    if len(distinct) < 2:
        return distinct
    last = candidates[-1]
    equals = max(text.rfind("="), text.rfind("≈"))
    ends_text = compiled(_CLOSING).fullmatch(text, last.end)
    follows = equals >= 0 and compiled(_OPENING).fullmatch(text, equals + 1, last.start)
    if ends_text and follows and text[max(0, equals - 1)] not in "<>!":
        return [last.quantity]
    return distinct


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
    while found := pattern.search(text, position):
        position = found.end()
        before = text[max(0, found.start() - 8) : found.start()]
        digits, exponent, number_end = power_at(text, found[0], found.end())
        unit, end = unit_at(text, number_end)
        if _is_part_of_word(before, text, end) or _is_denominator(before):
            continue
        position = end
        signed = before[-1:] in ("-", "+") and not (before[-2:-1].isalnum() or before[-2:-1] in (")", "]"))
        value = to_float(digits, exponent, decimal)
        start = found.start() - signed
        if (
            value is None
            or compiled(_NO_VALUE).match(text, end)
            or compiled(_BOUND).search(text[max(0, start - 4) : start])
        ):
            yield _Candidate(start, end, None)
        else:
            negative = signed and before[-1] == "-"
            yield _Candidate(start, end, Quantity(-value if negative else value, unit))


def _is_part_of_word(before: str, text: str, end: int) -> bool:
    """CHA2DS2, T4, COVID-19, 2nd, 65-year-old."""
    after = text[end : end + 2]
    return bool(
        before[-1:].isalpha()
        or (before[-1:] == "-" and before[-2:-1].isalpha())
        or (before[-1:].isdigit() and not before[-1:].isdecimal())
        or after[:1].isalpha()
        or (after[:1] == "-" and after[1:].isalpha())
    )


def _is_denominator(before: str) -> bool:
    """The 1.73 of "per 1.73 m²"; a fraction is caught at its first number."""
    return bool(compiled(r"(?:/|\bper)\s?$").search(before))
