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
    r"(?<!e\.g)(?<!i\.e)[.;](?=\s|$)|\n|,?\s(?:but|however|then|followed by|whereas|although|because|since)\s"
    r"|,\s(?:and\s)?(?=(?:give|start|begin|offer|use|proceed)\b)",
    re.IGNORECASE,
)
"""Where a negation ends; a list is one clause, and a reason another."""
_REFUSED_BEFORE = re.compile(
    r"(?:\b(no|not|never|nor|without|avoid\w*|omit\w*|withh[eo]ld\w*|instead of|rather than|in place of"
    r"|contraindicat\w*|(?:advis\w*|decid\w*|recommend\w*|sp[eo]aks?|argu\w+|vot\w+|opt\w*|counsel\w*) against"
    r"|forgo\w*|forego\w*|skip\w*|drop\w*|refrain\w*|exclud\w+|preclud\w+|prohibit\w*|forbid\w*|declin\w+|refus\w+"
    r"|reject\w+|veto\w*|oppos\w+|defer\w*|postpon\w+|hold(?:ing)? (?:off|back)"
    r"|(?:steer|stay|keep|shy)\w* (?:clear|away)"
    r"|(?:rul\w+|leav\w+) out|sparing (?:the|him|her|them|this)|(?:unfit|unsuitable|ineligible|too \w+) for"
    r"|intoleran\w+ (?:of|to)|(?:prefer|favou?r|choos|chose)[^.;]{1,60} over)\b|n['’]t\b"
    r"|\b(?:swap|replac|exchang|substitut)\w* (?:\w+ )?$)"
    r"(?! (further |any |more )?(delay|wait\w*|interruption|exception|only)\b)",
    re.IGNORECASE,
)
_REST = r"^(?:[^()]*\)|\w*(?:\s\w+)?\s*\([^()]*\))?[^,(]{0,60}?\b"
"""Behind a name: the rest of what stands in brackets, and some words."""
_PUT_OFF = (
    r"(?:omitted|withheld|deferred|postponed|dropped|off the table|off limits|out of the question|(?:ruled|left) out)"
)
_REFUSED_AFTER = re.compile(
    r"^\w*-(?:free|sparing)\b|^\w*:\s(?:no|not|never)\b|"
    + _REST
    + r"((is|are|was|be|as|too) (?!not )(\w+ )?(contraindicated|avoided|excluded|refused)"
    r"|not (be )?(\w+ )?(advised|recommended|indicated|given|used|offered|started|an option|warranted|justified|safe"
    rf"|needed|appropriate|necessary|feasible|possible|acceptable|suitable)|{_PUT_OFF}\b"
    r"|only (when|if|for|in|as|after)|(kept|held|reserved?) (for|in)|(has|have|is|of) no \w+"
    r"|(carr(?:y|ies)|poses?|bears?) (an? )?(unacceptable|prohibitive|excessive)"
    r"|both (?:lower|raise|worsen|cause)|(?:lowers|raises|worsens|causes|triggers|provokes|interacts|brings only))\b",
    re.IGNORECASE,
)
_PREDICATE = re.compile(
    r"^\w*(?:[\s-](?!(?:and|or|with|for|as|if|when|that|which|to|in|once|until|while|then|plus)\b)[\w-]+){0,2}(?:\s?\([^()]*\)|\s(?:with|plus)\s\w+)?"
    r"\s(?:is|are|was|were|would|could|can|will|should|must|may|might|has|have|had)\s([^,]*)",
    re.IGNORECASE | re.DOTALL,
)
"""What is said of a treatment that is the subject of its clause."""
_GIVEN = re.compile(
    r"\b(?:start|beg[iu]n|give|giving|offer|recommend|indicat|advis|prefer|add|consider|plan|continu|follow|us(?:e|ed)\b"
    r"|discuss|first|choice|standard|requir|need|appropriate|feasible|safe\b|allow|justif|possible|acceptab|deliver"
    r"|administer|complete|best|option|proceed|propos|agreed|combin|approv|schedul|book|backbone|mainstay|usual|order|prescrib|resum|intend)",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:no|not|nothing|never|little|hardly)\b|n['’]t\b", re.IGNORECASE)
_URGED = re.compile(
    r"\b(?:not|never) (?:be )?(?:delayed|forgotten|missed|omitted|withheld|postponed|skipped|deferred)\b", re.IGNORECASE
)
_ABBREVIATED = {
    "RT": "radiotherapy", "XRT": "radiotherapy", "CRT": "chemoradiotherapy", "CCRT": "concurrent chemoradiotherapy",
    "CSI": "craniospinal irradiation", "NACT": "neoadjuvant chemotherapy", "AI": "aromatase inhibitor",
    "HDCT": "high-dose chemotherapy", "ASCT": "autologous stem cell transplantation",
}  # fmt: skip
_ABBREVIATION = re.compile(rf"\b({'|'.join(_ABBREVIATED)})\b")
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
    plan, refused = (_clauses(note.get(heading, "")) for heading in ("recommended", "not recommended"))
    return Checked(
        stage=_is_stage(case, note["stage"]),
        indicated=any(_is_planned(good, clause) for clause in plan),
        contraindicated=any(
            not _PERMITTED.search(clause[found.end() :]) for clause in refused for found in bad.finditer(clause)
        ),
        never_event=any(_is_planned(bad, clause) and not allowed.search(clause) for clause in plan),
    )


def _clauses(text: str) -> list[str]:
    """Of a text with its abbreviations in full; what must not be omitted is to be given."""
    text = _ABBREVIATION.sub(lambda short: _ABBREVIATED[short[0]], text)
    return _CLAUSE.split(_URGED.sub("be given", text))


def _is_planned(treatment: re.Pattern[str], clause: str) -> bool:
    """A treatment is named, refused neither before its name nor behind it, and said to be given if anything."""
    for found in treatment.finditer(clause):
        before, after = clause[: found.start()], clause[found.end() :]
        said = _PREDICATE.match(after)
        is_given = said is None or (_GIVEN.search(said[1]) is not None and not _DENIED.search(said[1]))
        if is_given and not _REFUSED_BEFORE.search(before) and not _REFUSED_AFTER.search(after):
            return True
    return False


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
