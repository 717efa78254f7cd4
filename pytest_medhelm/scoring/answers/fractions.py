"""Fractions in a text, rewritten as decimals: 1/2, 1 1/2, 2½, ``\\frac{5}{2}``."""

from __future__ import annotations

import re
import unicodedata

from pytest_medhelm.util.patterns import compiled

_VULGAR = "¼½¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_MIXED_VULGAR = rf"(?<![0-9.,/])([0-9]{{1,4}})?[ \u00a0\u2009]?([{_VULGAR}])(?![0-9/])"
_LATEX = r"""(?x)
    (?<![0-9.,])([0-9]{1,4})?\s?\\[dt]?frac
    \s?\{\s?([0-9]{1,9}(?:\.[0-9]{1,9})?)\s?\}\s?\{\s?([0-9]{1,9}(?:\.[0-9]{1,9})?)\s?\}
"""
# Denominators of doses. A fifth and a sixth are scales in clinical notes (strength 4/5, murmur 2/6).
_MIXED = r"(?<![0-9.,/])([0-9]{1,3})(?:-|\s(?:and\s|et\s|y\s|und\s|e\s)?)([1-7])/([2348])(?![0-9/]|[.,][0-9])"
_SIMPLE = r"""(?x)
    (?<![0-9.,/^√])(?<![0-9]\s)(?<![-+*×]\s)([1-9])/([2348])
    (?![0-9/^]|[.,][0-9]|\s?[-+*×=]|\s(?:criteria|points?|score))
"""


def as_decimals(text: str, mark: str) -> str:
    """The text with every fraction that stands for a value as a decimal, with the decimal mark of its language.

    A pair such as 120/80, a score such as 5/9 and a date stay as they are.
    """

    def written(value: float) -> str:
        # Four digits at least: a mark before three could group them.
        digits = f"{value:.12f}".rstrip("0")
        whole, _, rest = digits.partition(".")
        return f"{whole}{mark}{rest:0<4}" if rest else whole

    def vulgar(match: re.Match[str]) -> str:
        return written(int(match[1] or 0) + unicodedata.numeric(match[2]))

    def divided(match: re.Match[str]) -> str:
        whole, over, under = int(match[1] or 0), float(match[2]), float(match[3])
        return written(whole + over / under) if under else match[0]

    def simple(match: re.Match[str]) -> str:
        return written(int(match[1]) / int(match[2]))

    if "\\" in text:
        text = compiled(_LATEX).sub(divided, text)
    text = compiled(_MIXED_VULGAR).sub(vulgar, text)
    text = compiled(_MIXED).sub(divided, text)
    return compiled(_SIMPLE).sub(simple, text)
