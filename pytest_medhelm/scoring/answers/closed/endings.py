"""Closing words that only reject options: they say nothing about which one stands."""

from __future__ import annotations

from pytest_medhelm.scoring.answers.closed import options, verdicts
from pytest_medhelm.scoring.answers.closed.grammar import BAD, SYMBOLS, TIGHT_LEAD, sentences
from pytest_medhelm.scoring.answers.closed.options import ANY
from pytest_medhelm.scoring.answers.closed.words import rx

_NOT = r"""
    (?:(?:definitely|certainly|clearly) )?
    (?:not|rather than|instead of|as opposed to|over|en lugar de|en vez de|y no|plutot que|et non|et pas|statt|und nicht
    |em vez de|e nao|invece di|piuttosto che|e non|bukan|chu khong|а не|而不是|而非|不是|ではなく)(?![a-z])
"""
_LETTER = rf"""
    [\s,;:.(-]{{1,4}}(?:\b(?:and|but|as|because|since|while|whereas)\s)?
    (?:{_NOT}\s(?:option\s)?(?P<not>(?-i:[A-Z]))
    |(?:option\s)?(?P<is>(?-i:[A-Z]))\s(?:is|was)\s(?:clearly |definitely )?(?:not (?:correct|right|indicated
    |the answer)|wrong
    |incorrect|false|contraindicated))
    [\s).!]*\Z
"""
_TAIL = 200
_GROUP = rf"{ANY}(?:\s?(?:,|/|,?\s(?:and|or)\s)\s?{ANY})*"
_REJECTING = rf"""
    (?:\A|[\s,;:.(-]{{1,4}})(?:\b(?:and|but|as|because|since|while|whereas)\s)?
    (?:{_NOT}{TIGHT_LEAD}{_GROUP}
    |{TIGHT_LEAD}(?:{ANY}\s?(?:is|was|being)|{_GROUP}\s?(?:are
    |were))\s[^.!?;\n{SYMBOLS}]{{0,40}}?{BAD}[^.!?;\n{SYMBOLS}]{{0,20}})
    [\s).!]*\Z
"""
"""The end of a text that rejects an option: "not C", "rather than C", "C is wrong"."""
_DANGLING = r"(?:\b(?:and|or|y|o|e|et|ou|und|oder)|[&,/])$"
_OR_RATHER = rf"{_NOT}{TIGHT_LEAD}{ANY}\s?,\s?{ANY}\W*\Z"
"""Two with a comma alone between them: "Not A, B." may name B."""
_ALL_BUT = rf"\b(?:all|everything|every|any|none|nothing)\b[^.!?\n{SYMBOLS}]{{0,60}}{ANY}"
_EVERY = r"\b(?:all|everything|every|any|none|nothing|only|but|except)\b[^.!?\n]{0,20}\Z"


def split_rejections(text: str, count: int) -> tuple[str, set[str]]:
    """A text without the letters that its last words reject ("..., not C", "... C is wrong"), and those letters."""
    rejected: set[str] = set()
    for _ in options.LETTERS:
        match = rx(_LETTER).search(text, max(0, len(text) - _TAIL))
        letter = (match["not"] or match["is"]) if match else ""
        kept = text[: match.start()].rstrip(" ,;:(-") if match else ""
        if match and match[0][0] in ".:":
            kept += match[0][0]  # What ended its sentence, or breaks off, still does.
        dangling = rx(_DANGLING).search(kept) or rx(_EVERY).search(kept[-_TAIL:])
        if not kept or dangling or options.LETTERS.index(letter) >= count:
            break
        text = kept
        rejected.add(letter)
    return text, rejected


def without_rejections(text: str) -> str:
    """The text up to the closing words that only reject options: they say nothing about which one stands."""
    for _ in options.LETTERS:
        body = _without_rejecting_sentences(text)
        tail = rx(_REJECTING).search(body, max(0, len(body) - _TAIL))
        if (
            tail
            and not rx(_OR_RATHER).search(tail[0])
            and not rx(_ALL_BUT).search(body, max(0, tail.start() - _TAIL), tail.end())
        ):
            kept = body[: tail.start()].rstrip()
            body = body if rx(_DANGLING).search(kept) else kept
        if body == text:
            break
        text = body
    return text


def _without_rejecting_sentences(text: str) -> str:
    denied = {one.position for one in verdicts.verdicts(text) if one.denied}
    end = len(text)
    for start, sentence in reversed(list(sentences(text))[1:]):
        mentions = [start + match.start() for match in rx(ANY).finditer(sentence)]
        if not mentions or not denied.issuperset(mentions):
            break
        end = start
    return text[:end].rstrip() if end < len(text) else text
