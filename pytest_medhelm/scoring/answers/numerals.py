"""How a numeral is written: grouping and decimal marks by language, powers of ten, units."""

from __future__ import annotations

import re
from math import isfinite

from pytest_medhelm.util.patterns import compiled

_POINT_DECIMAL = ["en", "zh", "ja", "ko", "th", "hi", "he", "es-mx", "es-us", "de-ch", "de-li", "it-ch"]
_COMMA_DECIMAL = [
    "bg",
    "ca",
    "cs",
    "da",
    "de",
    "el",
    "es",
    "et",
    "eu",
    "fi",
    "fr",
    "gl",
    "hr",
    "hu",
    "id",
    "it",
    "lt",
    "lv",
    "nb",
    "nl",
    "nn",
    "no",
    "pl",
    "pt",
    "ro",
    "ru",
    "sk",
    "sl",
    "sr",
    "sv",
    "tr",
    "uk",
    "vi",
]

# Thin and no-break spaces, and the Swiss apostrophe, group digits in every language.
_GROUPERS = "'\u00a0\u2009\u202f"
_NUMERAL = r"(?:[0-9]++(?:[.,][0-9]++|[{groupers}][0-9]{{3}}(?![0-9]))*+|(?<![.])\.[0-9]++)"
_GROUPED_BY_BLANKS = rf"([1-9][0-9]{{0,2}}(?:[{_GROUPERS} ][0-9]{{3}})+)(?:[.,]([0-9]+))?"
_MAX_LENGTH = 40

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_RAISED = r"(?:\s?\^\s?\{?\s?([-+]?[0-9]{1,3})(?![0-9])\}?|([⁻⁺]?[⁰¹²³⁴-⁹]{1,3}))"
_TIMES_TEN = rf"[eE]([-+]?[0-9]{{1,3}})(?![^\W_])|\s?[xX×*·]\s?10{_RAISED}"

_SCALE = r"""(?xi)
    [ \u00a0\u202f]?(thousand|million|billion|tausend|millionen|milliarden?|mille|mila|mil|milhão|milhões|millón
    |millones|milione|milioni|millions|milliards?|тысяч[аи]?|миллион(?:а|ов)?|ribu|juta|nghìn|triệu)\b(?!\s?[/²])
  | (?:[万萬만亿億억])
"""
_SCALES = (
    ("thousand", 3), ("tausend", 3), ("milliard", 9), ("millé", 3), ("milh", 6), ("mille", 3), ("mila", 3),
    ("тысяч", 3), ("миллион", 6), ("ribu", 3), ("juta", 6), ("nghìn", 3), ("triệu", 6),
    ("万", 4), ("萬", 4), ("만", 4), ("亿", 8), ("億", 8), ("억", 8),
    ("million", 6), ("millon", 6), ("millón", 6), ("milion", 6), ("bil", 9), ("mil", 3),
)  # fmt: skip

_SPELLED_UNITS = {
    "msecs?|milliseconds?": "ms",
    "hrs?|hours?": "h",
    "mins?|minutes?": "min",
    "lit(?:er|re)s?": "l",
    "kilograms?": "kg",
}
_UNIT = r"""(?xi)
[*_$`]{0,3}[ \u00a0\u202f]?
(?:
    %|‰|°\s?[CF]?|percent|per\scent|por\s(?:ciento|cento)|prozent
  | mm\s?Hg|cm\s?H2O|kPa|k?cal|lbs?
  | [kmuµμnpfd]?(?:mol|Eq|Osm|g|gm|L|IU|U)|mcg|[cmk]?m|m?s|IE|UI|cc
  | units?|unidades|einheiten|m?secs?|seconds?|min|minutes?|mins|h|hrs?|hours?
  | days?|wks?|weeks?|months?|yrs?|years?
  | segundos?|minutos?|horas?|d[ií]as?|semanas?|meses|años?|anos?
  | stunden?|tage?|wochen?|monate?|jahre?|heures?|jours?|semaines?|mois|ans?|ore|giorni|settimane|mesi|anni
  | bpm|beats|breaths|points?|puntos?|pontos?|punti|punkte?|tablets?|capsules?|drops?
)?
(?:(?<=[^\W\d_])[\^]?[23²³](?![0-9]))?
(?:\s?[/·](?:[0-9]{1,3}(?:[.,][0-9]{1,2})?\s?|\s?)[^\W\d_]{1,8}(?:[\^]?[23²³](?![0-9]))?){0,3}
(?:(?![^\W_])|(?=[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff]))
"""


def decimal_mark(language: str | None) -> str:
    """ "." or ",", or "" where the language (a BCP 47 code) is not given or not known here."""
    code = (language or "").lower().replace("_", "-")
    for name in (code, code.partition("-")[0]):
        if name in _POINT_DECIMAL:
            return "."
        if name in _COMMA_DECIMAL:
            return ","
    return ""


def numeral(decimal: str) -> re.Pattern[str]:
    """The digits of one number with their marks. A plain blank groups digits where the comma is decimal."""
    groupers = _GROUPERS + (" " if decimal == "," else "")
    return compiled(_NUMERAL.format(groupers=groupers))


def to_float(digits: str, exponent: int, decimal: str) -> float | None:
    """The value of an unsigned numeral times ten to the exponent, or None where it is not certain.

    Two different marks, a repeated mark and a group that has not three digits decide by themselves. A single
    mark before exactly three digits is decided by the language, and uncertain without one. A comma that
    neither groups nor is the decimal mark ("7,4" in English) may separate two numbers: None.
    """
    plain = None if len(digits) > _MAX_LENGTH else _plain_digits(digits, decimal)
    if plain is None:
        return None
    value = float(f"{plain}e{exponent}")
    return value if isfinite(value) else None


def _plain_digits(digits: str, decimal: str) -> str | None:
    if not digits.isdecimal() and any(mark in digits for mark in _GROUPERS + " "):
        grouped = compiled(_GROUPED_BY_BLANKS).fullmatch(digits)
        if not grouped:
            return None
        return re.sub(r"[^0-9]", "", grouped[1]) + "." + (grouped[2] or "0")
    marks = re.findall(r"[.,]", digits)
    if not marks:
        return digits
    if len(set(marks)) == 2:
        whole, _, fraction = digits.rpartition(marks[-1])
        plain = _ungrouped(whole)
        return f"{plain}.{fraction}" if plain else None
    if len(marks) > 1:
        return _ungrouped(digits)
    whole, mark, fraction = digits.partition(marks[0])
    plain = _ungrouped(digits)
    if mark == decimal or (not plain and not (decimal == "." and mark == ",")):
        return f"{whole or '0'}.{fraction}"
    return plain if decimal else None


def _ungrouped(digits: str) -> str | None:
    """Digits in groups of three behind one repeated mark, without the marks."""
    for mark in ".,":
        if re.fullmatch(rf"[1-9][0-9]{{0,2}}(?:[{mark}][0-9]{{3}})+", digits):
            return digits.replace(mark, "")
    return None


def power_at(text: str, digits: str, position: int) -> tuple[str, int, int]:
    """Read a power of ten behind a numeral: the mantissa, the exponent, and where the number ends."""
    match = compiled(_TIMES_TEN).match(text, position)
    if not match and digits == "10" and (match := compiled(_RAISED).match(text, position)):
        digits = "1"
    if not match:
        return digits, 0, position
    exponent = next(group for group in match.groups() if group)
    return digits, int(exponent.translate(_SUPERSCRIPTS)), match.end()


def scale_at(text: str, position: int, decimal: str) -> tuple[int, int]:
    """The exponent of a word such as "thousand" behind a numeral, and where it ends.

    "mil" and "mille" are words where the comma is decimal; a billion is 10^9 only where the point is.
    """
    match = compiled(_SCALE).match(text, position)
    if not match:
        return 0, position
    word = (match[1] or match[0]).lower()
    if word.startswith("bil") and decimal != ".":
        return 0, position
    if word in ("mil", "mille", "mila") and decimal == ".":
        return 0, position
    return next(power for stem, power in _SCALES if word.startswith(stem)), match.end()


def same_unit(one: str, other: str) -> bool:
    """Whether two units are the same but for case, blanks and signs: µ or u, ² or ^2."""

    def plain(unit: str) -> str:
        for sign, letter in (("µ", "u"), ("μ", "u"), ("²", "2"), ("³", "3"), ("^", ""), (" ", ""), ("mcg", "ug")):
            unit = unit.replace(sign, letter)
        unit = unit.lower()
        for word, sign in _SPELLED_UNITS.items():
            unit = re.sub(rf"(?<![a-z]){word}(?![a-z])", sign, unit)
        return unit

    return plain(one) == plain(other)


def unit_at(text: str, position: int) -> tuple[str, int]:
    """The unit that stands at a position, as written, and where it ends; ("", position) when none does."""
    match = compiled(_UNIT).match(text, position)
    unit = match[0].strip("*_$` \u00a0\u202f") if match else ""
    return (unit, match.end()) if match and unit else ("", position)
