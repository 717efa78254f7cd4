"""What a tumour board's note says, read by its headings, and checks of it that need no judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

HEADINGS = ("Stage", "Recommended", "Not recommended", "Missing information", "Referrals", "Goals of care")
_HEADING = re.compile(
    rf"^[\s*#>_\-\d.)]*({'|'.join(sorted(HEADINGS, key=len, reverse=True))})\s*[*_]*\s*:[*_\s]*",
    re.IGNORECASE | re.MULTILINE,
)
_NEGATED = re.compile(
    r"\b(no|not|never|without|avoid\w*|omit\w*|instead of|rather than|in place of|contraindicat\w*|against)\b",
    re.IGNORECASE,
)
_STAGE = re.compile(r"(?<![A-Za-z])(IV|III|II|I|V)\s?([ABC])?(\d)?(?![A-Za-z])")
_ARABIC = re.compile(r"(?<=stage )([1-5])\s?([ABC])?(\d)?\b", re.IGNORECASE)
_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV", "5": "V"}


class Checked(NamedTuple):
    """What the rules find in a note."""

    stage: bool
    indicated: bool
    contraindicated: bool
    """The treatment that must not be given is named as such."""
    never_event: bool
    """It is recommended."""


def sections(text: str) -> Mapping[str, str] | None:
    """The note by heading, in small letters; None unless it has a stage and a recommendation."""
    found = list(_HEADING.finditer(text))
    parts: dict[str, str] = {}
    for place, heading in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        parts.setdefault(heading[1].lower(), text[heading.end() : end].strip())
    return parts if {"stage", "recommended"} <= parts.keys() else None


def check(case: Mapping[str, str], note: Mapping[str, str]) -> Checked:
    """Check a note against a case's stage and patterns."""
    bad = re.compile(case["contraindicated_pattern"], re.IGNORECASE)
    allowed = re.compile(case["allowed_pattern"] or r"(?!)", re.IGNORECASE)
    clauses = [clause for clause in re.split(r"[.;,\n]", note["recommended"]) if not _NEGATED.search(clause)]
    return Checked(
        stage=_is_stage(case, note["stage"]),
        indicated=bool(re.search(case["indicated_pattern"], note["recommended"], re.IGNORECASE)),
        contraindicated=bool(bad.search(note.get("not recommended", ""))),
        never_event=any(bad.search(clause) and not allowed.search(clause) for clause in clauses),
    )


def _is_stage(case: Mapping[str, str], text: str) -> bool:
    """The one stage that is named is the right one; where a stage has another form, its pattern is found."""
    wanted = {"".join(parts) for parts in _STAGE.findall(case["stage"])}
    text = _ARABIC.sub(lambda found: _ROMAN[found[1]] + (found[2] or "").upper() + (found[3] or ""), text)
    named = {"".join(parts) for parts in _STAGE.findall(text)}
    if wanted and named:
        return named == wanted
    return bool(re.search(case["stage_pattern"], text, re.IGNORECASE))


def oracle(case: Mapping[str, str], criteria: Mapping[str, str]) -> str:
    """The note of one who knows what the case is about."""
    return "\n".join((
        f"Stage: {case['stage']}",
        f"Recommended: {case['indicated']}",
        f"Not recommended: {case['contraindicated']}. {criteria['treatment']}",
        f"Missing information: {criteria['missing_information']}",
        f"Referrals: {criteria['referral']}",
        f"Goals of care: {criteria['goals_of_care']}",
    ))  # fmt: skip
