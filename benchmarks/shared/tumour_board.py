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
_CLAUSE = re.compile(
    r"(?<!e\.g)(?<!i\.e)[.;](?=\s|$)|\n|,?\s(?:but|however|then|followed by|whereas|although)\s"
    r"|,\s(?:and\s)?(?=(?:give|start|begin|offer|use|proceed)\b)",
    re.IGNORECASE,
)
"""Where a negation ends; a list is one clause."""
_REFUSED_BEFORE = re.compile(
    r"\b(no|not|never|nor|without|avoid\w*|omit\w*|withhold\w*|instead of|rather than|in place of|contraindicat\w*"
    r"|(?:advis\w*|decid\w*|recommend\w*|speaks?|argues?) against|n['’]t)\b"
    r"(?! (further |any |more )?(delay|wait\w*|interruption|exception|only)\b)",
    re.IGNORECASE,
)
_REST = r"^(?:[^()]*\)|\w*(?:\s\w+)?\s*\([^()]*\))?[^,]{0,60}?\b"
"""Behind a name: the rest of what stands in brackets, and some words."""
_REFUSED_AFTER = re.compile(
    _REST + r"((is|are|was|be|as) (?!not )(\w+ )?(contraindicated|avoided|omitted|withheld|excluded|refused)"
    r"|not (be )?(\w+ )?(advised|recommended|indicated|given|used|offered|started|an option)|ruled out)",
    re.IGNORECASE,
)
_PERMITTED = re.compile(
    _REST + r"(not (be )?(contraindicated|excluded)|(may|can|could|should) be (given|used|offered|considered))",
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
    bad, good = (re.compile(case[name], re.IGNORECASE) for name in ("contraindicated_pattern", "indicated_pattern"))
    allowed = re.compile(case["allowed_pattern"] or r"(?!)", re.IGNORECASE)
    plan = _CLAUSE.split(note["recommended"])
    refused = _CLAUSE.split(note.get("not recommended", ""))
    return Checked(
        stage=_is_stage(case, note["stage"]),
        indicated=any(_is_planned(good, clause) for clause in plan),
        contraindicated=any(
            not _PERMITTED.search(clause[found.end() :]) for clause in refused for found in bad.finditer(clause)
        ),
        never_event=any(_is_planned(bad, clause) and not allowed.search(clause) for clause in plan),
    )


def _is_planned(treatment: re.Pattern[str], clause: str) -> bool:
    """A treatment is named and neither refused before its name nor behind it."""
    return any(
        not _REFUSED_BEFORE.search(clause[: found.start()]) and not _REFUSED_AFTER.search(clause[found.end() :])
        for found in treatment.finditer(clause)
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
