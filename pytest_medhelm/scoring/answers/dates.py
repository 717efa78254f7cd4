"""Reads a calendar date."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

from pytest_medhelm.scoring.answers.closed.cut import own_turn
from pytest_medhelm.scoring.answers.folding import fold
from pytest_medhelm.scoring.answers.markers import final_readings, json_answer
from pytest_medhelm.scoring.answers.number_context import without_retracted
from pytest_medhelm.util.patterns import compiled

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan enero ene",
            "february feb febrero",
            "march mar marzo",
            "april apr abril abr",
            "may mayo",
            "june jun junio",
            "july jul julio",
            "august aug agosto ago",
            "september sept sep septiembre setiembre set",
            "october oct octubre",
            "november nov noviembre",
            "december dec diciembre dic",
        ),
        start=1,
    )
    for name in names.split()
}


_MONTH = f"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})"
_DENIED = r"\b(?:not|isn't|rather than|instead of|no|no es)\s(?:on\s|el\s)?$"
_DATE = rf"""(?xa)
    (?<![\d/.-])(?:
        (?P<iso_y>\d{{4}})[-/.](?P<iso_m>\d{{1,2}})[-/.](?P<iso_d>\d{{1,2}})
      | (?P<first>\d{{1,2}})(?P<sep>[-/.])(?P<second>\d{{1,2}})(?P=sep)(?P<num_y>\d{{2,4}})
      | (?P<dmy_d>\d{{1,2}})(?:st|nd|rd|th|\.)?[\s-]{{0,2}}(?:(?:of|de)\s)?(?P<dmy_m>{_MONTH})\b\.?
        ,?[\s-]{{0,2}}(?:del?\s)?(?P<dmy_y>\d{{2,4}})
      | \b(?P<mdy_m>{_MONTH})\b\.?[\s-]{{0,2}}(?P<mdy_d>\d{{1,2}})(?:st|nd|rd|th)?
        (?:,\s{{0,2}}|[\s-]{{1,2}}(?:del?\s)?)(?P<mdy_y>\d{{2,4}})
    )(?![\d/])
"""


def read_date(text: str, order: Literal["mdy", "dmy"] = "mdy") -> date | None:
    """The date that a text gives as its answer, or None.

    Reads ISO dates, numeric dates in the given order, and dates with an English or Spanish month name. A
    date behind the last final-answer phrase counts, else the only one in the text. A year of two digits,
    an impossible date and different dates without a final-answer phrase are None.
    """
    answer = json_answer(text)
    folded = fold(without_retracted(answer if isinstance(answer, str) else own_turn(text)))
    readings = final_readings(folded, lambda claim: _settled(claim, order))
    if readings is None:
        readings = _settled(folded, order)
    return readings[0] if len(readings) == 1 else None


def _settled(text: str, order: Literal["mdy", "dmy"]) -> list[date | None]:
    """The distinct dates; of several, the one outside brackets, or behind the last equals sign."""
    dates = _dates(text, order)
    if len(dates) < 2:
        return dates
    for part in (
        compiled(r"\([^()\n]{0,200}\)|\[[^\[\]\n]{0,200}\]").sub(" ", text),
        compiled(r"(?s).*(?:=|→|->|\b(?:gives|yields|results in|comes to)\b)").sub("", text),
        compiled(r",?\s(?:based on|calculated from|counting from|from an? lmp)\s[^.;\n]{0,60}").sub("", text),
    ):
        rest = _dates(part, order)
        if len(rest) == 1:
            return rest
    return dates


def _dates(text: str, order: Literal["mdy", "dmy"]) -> list[date | None]:
    """The distinct dates in a text; None stands for one that cannot be read."""
    return list(
        dict.fromkeys(
            _to_date(match, order)
            for match in compiled(_DATE).finditer(text)
            if not compiled(_DENIED).search(text[max(0, match.start() - 16) : match.start()])
        )
    )


def _to_date(match: re.Match[str], order: Literal["mdy", "dmy"]) -> date | None:
    part = match.groupdict()
    if part["iso_y"]:
        year, month, day = part["iso_y"], part["iso_m"], part["iso_d"]
    elif part["num_y"]:
        year, month, day = part["num_y"], part["first"], part["second"]
        if order == "dmy":
            month, day = day, month
    else:
        kind = "dmy" if part["dmy_y"] else "mdy"
        year, month, day = part[f"{kind}_y"], str(_MONTHS[part[f"{kind}_m"]]), part[f"{kind}_d"]
    if len(year) != 4:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
