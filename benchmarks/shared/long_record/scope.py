"""How far a negation, a doubt or a "formerly" reaches: over the words of its own clause, next to what is named.

After NegEx (Chapman et al. 2001): a cue before a mention or behind it, with few words between, and no other clause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator


def cue(*words: str) -> re.Pattern[str]:
    """Any of some regular expressions, in any case of letters."""
    return re.compile("|".join(words), re.IGNORECASE)


_CLAUSE = re.compile(
    r"\s*;\s*|[.!?]\s+|,?\s+(?=(?:but|although|though|whereas|while|however|despite|because|so that|which|who|when)\b)"
    r"|,\s+(?=(?:so|yet|and|then|not|earlier|later|since)\b)"
    r"|\s+(?=and (?:is|was|has|have|later|then|takes|continues|remains)\b)"
    r"|\s+-{1,2}\s+(?=no\b)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"['‘\"“][^'’\"”]{3,60}['’\"”](?![a-z])")
_FEW = r"(?:[\s/(]+[\w-]+){0,2}[\s(]*$"
_NOT_BEFORE = re.compile(
    r"\b(?:no|not|never|nor|neither|without|rather than|instead of|in place of|deni\w+|against|exclud\w+|ruled out"
    r"|reject\w+|dismiss\w+|free of|absence of|lacks?|n't|cannot|unlikely"
    r"|strike|delete|disregard)" + _FEW,
    re.IGNORECASE,
)
_REFUTED = (
    r"(?:not|never)(?: \w+)? (?:confirmed|proven|established|upheld|borne out|substantiated|observed|found)|ruled out"
    r"|excluded|refuted|rejected|dismissed|withdrawn|disproved|discarded|abandoned|unlikely|taken off|removed|deleted"
    r"|struck|obsolete|superseded|replaced|given up|(?:did|does) not hold|proved (?:wrong|false)|(?:not|never) valid"
    r"|no longer|out of date|outdated|not (?:the case|true)|gave way|(?:is|was|were) (?:wrong|incorrect|false|mistaken)"
    r"|(?:could|can)(?:not| not) be (?:upheld|confirmed)"
)
_NOT_AFTER = re.compile(rf"^[^,;]{{0,45}}?\b(?:{_REFUTED})", re.IGNORECASE)
TENTATIVE = cue(
    r"\bwhether\b", r"\bif\b", r"\bpending\b", r"to be (decided|discussed|determined)", r"undecided", r"\bunclear\b",
    r"\bdecision (about|on)\b", r"\bmight\b", r"\bconsider(ed|ing|ation)?\b", r"suspect", r"possibl", r"differential",
    r"\bquestion of\b",
)  # fmt: skip
"""Nothing is said to be so."""
FORMER = cue(
    r"former", r"earlier", r"\bolder?\b", r"initial", r"at first", r"\bfirst\b", r"original", r"previous", r"until\b",
    r"\bbefore\b", r"taken for", r"mistaken for", r"thought to", r"had been", r"put down to", r"ascribed", r"assum",
    r"impression", r"s/p\b", r"labell?ed", r"working diagnosis", r"misdiagnos", r"copied", r"\bonce\b", r"used to",
)  # fmt: skip
"""It was so, or was held to be so."""


def unquoted(text: str) -> str:
    """Without what stands in quotation marks: that is told of a record, and not said of the patient."""
    return _QUOTED.sub("...", text)


def clauses(sentence: str) -> list[str]:
    """The parts of a sentence beyond which no negation reaches."""
    return [part for part in _CLAUSE.split(sentence) if part and part.strip()]


def around(term: re.Pattern[str], clause: str, other: re.Pattern[str] | None = None) -> Iterator[tuple[str, str]]:
    """What stands before and behind each mention of a term, up to a mention of another one."""
    for found in term.finditer(clause):
        before, after = clause[: found.start()], clause[found.end() :]
        if other is not None:
            before, after = other.split(before)[-1] or "", other.split(after)[0] or ""
        yield before, after


def denied(term: re.Pattern[str], sentence: str, other: re.Pattern[str] | None = None) -> bool:
    """Every mention of a term in a sentence is negated or refuted; False where there is none."""
    found = [sides for clause in clauses(sentence) for sides in around(term, clause, other)]
    return bool(found) and all(_NOT_BEFORE.search(before) or _NOT_AFTER.search(after) for before, after in found)


def past_or_doubtful(term: re.Pattern[str], sentence: str, other: re.Pattern[str] | None = None) -> bool:
    """Every mention of a term is of what was held to be so, or might be; False where there is none."""
    found = [sides for clause in clauses(sentence) for sides in around(term, clause, other)]
    return bool(found) and all(
        any(pattern.search(side) for pattern in (FORMER, TENTATIVE) for side in (before, after[:40]))
        for before, after in found
    )
