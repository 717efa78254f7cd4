"""The line in which a model says how sure it is of its answer."""

from __future__ import annotations

from pytest_medhelm.tasks.prompts import CONFIDENCE_LABELS
from pytest_medhelm.util.patterns import compiled

# A line of its own, or the end of one; what follows the label is read by _NUMBER or not at all.
_LINE = (
    r"(?im)(?:^|[,;.(])[*_#>\- \t]{0,6}(?:" + "|".join(CONFIDENCE_LABELS) + r")[*_ \t]{0,4}[:：=]"
    r"[*_ \t]{0,4}([^\n]{0,40}?)[*_)\] \t]{0,6}$"
)
_NUMBER = r"([0-9]{1,3}(?:[.,][0-9]{1,6})?) ?(%|％|percent|/ ?100)?\.?"


def split_stated(text: str) -> tuple[str, float | None]:
    """The text without the lines that state a confidence, and what the last of them says, 0 to 1.

    Percent is what was asked for: 80 and 80 % are 0.8. A fraction below 1 without a sign, 0.8, is a probability.
    None where no line says it, or not as one number from 0 to 100: "80-90", "high" and "1.0" are not guessed.
    """
    pattern = compiled(_LINE)
    stated = pattern.findall(text)
    return (pattern.sub("", text).strip(), _probability(stated[-1])) if stated else (text, None)


def _probability(said: str) -> float | None:
    match = compiled(_NUMBER).fullmatch(said.strip())
    if match is None:
        return None
    number, sign = float(match[1].replace(",", ".")), match[2]
    if sign or not ("." in match[1] or "," in match[1]) or number > 1:
        return number / 100 if number <= 100 else None
    return number if number < 1 else None
