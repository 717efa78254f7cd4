"""The one option that is left when a text puts every other aside: rejected, weighed, or somebody else's."""

from __future__ import annotations

import re
from functools import lru_cache

from pytest_medhelm.scoring.answers.closed import options, words
from pytest_medhelm.scoring.answers.closed.context import PHRASE, is_settled, scope
from pytest_medhelm.scoring.answers.closed.grammar import BAD, JOINED, LEAD, PUNCT, SYMBOLS
from pytest_medhelm.scoring.answers.closed.options import ANY
from pytest_medhelm.scoring.answers.closed.statement import Statement, Strength
from pytest_medhelm.scoring.answers.closed.words import rx

_LESSER = rf"""
    \b(?:{words.LESSER}|followed by|then|failing that|afterwards|later)\b\W*(?:(?:best|choice|option|answer|step|line
    |pick|{words.COPULA})\W+){{0,3}}{LEAD}$
    |\b(?:{words.INSTEAD})\b
"""
_UNSETTLED = rf"""
    \s?(?:[~≈:=(-]\s?)*[0-9.]+\s?%|\s(?:would|could|might|may|(?:is|was) (?:a )?close)\b
    |[^.!?;,\n{SYMBOLS}]*\b(?:adjuncts?|next|later|mimics?|resembles?|overlaps?|confused
    |(?:initial|first|original) (?:thought|guess|impression|instinct))\b
"""
"""What stands behind an option that is given its share, its condition or its turn."""
_BEATS = "beats?|trumps?|outweighs?|outperforms?|surpass(?:es)?|exceeds?|precedes?|replaces?"
_COMPARED = rf"""
    (?:>|\b(?:than|as|unlike|like|to|without|with|after|before|of|for|from|except|besides|{_BEATS})){LEAD}$
"""
"""What the other side of a comparison stands behind."""
_DEPENDENT = rf"^\W*(?!but\b|so\b)(?:{words.REASON}|who|when|where|that|if)\b"
_SAID = rf"[^.!?;,\n{SYMBOLS}]{{0,80}}"
_ENDS = rf"(?:{PUNCT}*$|[.;!](?!\w)|,?\s(?:{words.REASON})\b)"
_ASSERTED = rf"""
    \s(?:(?:{words.COPULA}|{words.ADVERB}|would|will|must|should|remains?)\s){{0,3}}(?:the\s)?
    (?:{words.CORRECT}|{words.GOOD}|what\b)
"""
_OPENS = rf"(?:\A|^(?:{PUNCT}|{words.LABEL}|primary|main|first|best)+:\s?){LEAD}\Z"
_OPENED = rf"""
    (?!,?\s?\(?(?:or )?(?:possibly|perhaps|maybe)\b)
    (?:[,.;:]\s|\s?\(|\s?>|\s-\s|\s(?:{_BEATS}|wins|{words.REASON})\b)
"""


def left_standing(text: str) -> Statement | None:
    """The letter that stands by itself at the end or the beginning, where every other named option is put aside."""
    mentions = list(rx(ANY).finditer(text))
    kept = list(asserted(text))
    left = {options.index(one[0]) for one in kept}
    if len(left) != 1 or {options.index(one[0]) for one in mentions} == left:
        return None
    for one in (kept[-1], kept[0]):
        if options.is_text(one[0]) or options.index(one[0]) < 0:
            continue
        before = scope(text, one.start(), PHRASE)
        is_last = one.start() == mentions[-1].start() and not rx(_DEPENDENT).search(before) and _is_apart(text, one)
        ends = is_last and (rx(_ENDS).match(text, one.end()) or rx(_ASSERTED).match(text, one.end()))
        if ends or (rx(_OPENS).search(text[: one.start()]) and rx(_OPENED).match(text, one.end())):
            return Statement(one.start(), tuple(left), Strength.WEAK, "phrase")
    return None


@lru_cache(maxsize=8)
def asserted(text: str) -> tuple[re.Match[str], ...]:
    """The mentions that are not put aside; options that are named together share their fate."""
    kept: list[re.Match[str]] = []
    group: list[re.Match[str]] = []
    for one in [*rx(ANY).finditer(text), None]:
        joined = one and group and rx(JOINED).match(text, group[-1].end())
        if one and joined and joined.end() == one.end() and not rx(r"->|→").search(joined[0]):
            group.append(one)
            continue
        if not any(_is_aside(text, other.start()) for other in group):
            kept += group
        group = [one] if one else []
    return tuple(kept)


def _is_aside(text: str, start: int) -> bool:
    """Whether a mention is rejected, compared with, second best, or said in a clause that settles nothing."""
    before = since_option(scope(text, start, PHRASE))
    after = rx(_SAID).match(text, start + 1)
    said = rx(rf"\b(?:{words.REASON})\b").split(after[0] if after else "", maxsplit=1)[0]
    return bool(
        rx(f"{BAD}|{_LESSER}|{_COMPARED}").search(before)
        or rx(BAD).search(said)
        or rx(_UNSETTLED).match(text, start + 1)
        or not is_settled(text, start, start + 1)
    )


def _is_apart(text: str, one: re.Match[str]) -> bool:
    """A new clause begins between the option and the one before it."""
    return bool(rx(PHRASE).search(since_option(text[: one.start()])))


def since_option(text: str) -> str:
    """What stands behind the last option of a text."""
    return rx(ANY).split(text)[-1]
