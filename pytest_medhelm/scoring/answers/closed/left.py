"""The one option that is left when a text puts every other aside: rejected, weighed, or somebody else's."""

from __future__ import annotations

import re

from pytest_medhelm.scoring.answers.closed import options, words
from pytest_medhelm.scoring.answers.closed.context import PHRASE, is_settled, scope
from pytest_medhelm.scoring.answers.closed.grammar import BAD, JOINED, LEAD, PUNCT, SYMBOLS
from pytest_medhelm.scoring.answers.closed.options import ANY
from pytest_medhelm.scoring.answers.closed.statement import Statement, Strength
from pytest_medhelm.scoring.answers.closed.words import rx

_LESSER = rf"\b(?:{words.LESSER}|{words.INSTEAD})\b"
_COMPARED = rf"""
    (?:>|\b(?:than|as|unlike|like|to|without|with|after|before|of|for|from|except|besides|beats?|trumps?|outweighs?
    |outperforms?|exceeds?|precedes?|replaces?)){LEAD}$
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
_OPENED = rf"(?!,?\s?\(?(?:or )?(?:possibly|perhaps|maybe)\b)(?:[,.;:]\s|\s?\(|\s?>|\s-\s|\s(?:beats?|trumps?|outweighs?|wins|{words.REASON})\b)"


def left_standing(text: str) -> Statement | None:
    """The letter that stands by itself at the end or the beginning, where every other named option is put aside."""
    mentions = list(rx(ANY).finditer(text))
    kept: list[re.Match[str]] = []
    for number, one in enumerate(mentions):
        previous = mentions[number - 1] if number else None
        joined = previous and rx(JOINED).match(text, previous.end())
        follows = joined and joined.end() == one.end() and not rx(r"->|→").search(joined[0])
        if not _is_aside(text, one.start()) and (not follows or previous in kept):
            kept.append(one)
    left = {options.index(one[0]) for one in kept}
    if len(left) != 1 or {options.index(one[0]) for one in mentions} == left:
        return None
    for one in (kept[-1], kept[0]):
        if options.is_text(one[0]) or options.index(one[0]) < 0:
            continue
        before = scope(text, one.start(), PHRASE)
        is_last = one is mentions[-1] and not rx(_DEPENDENT).search(before) and _is_apart(text, one.start())
        ends = is_last and (rx(_ENDS).match(text, one.end()) or rx(_ASSERTED).match(text, one.end()))
        if ends or (rx(_OPENS).search(text[: one.start()]) and rx(_OPENED).match(text, one.end())):
            return Statement(one.start(), tuple(left), Strength.WEAK, "phrase")
    return None


def _is_aside(text: str, start: int) -> bool:
    """Whether a mention is rejected, compared with, second best, or said in a clause that settles nothing."""
    before = rx(rf"[^{SYMBOLS}]*\Z").search(scope(text, start, PHRASE))
    after = rx(_SAID).match(text, start + 1)
    said = rx(rf"\b(?:{words.REASON})\b").split(after[0] if after else "", maxsplit=1)[0]
    return bool(
        (before and (rx(BAD).search(before[0]) or rx(_LESSER).search(before[0]) or rx(_COMPARED).search(before[0])))
        or rx(BAD).search(said)
        or not is_settled(text, start, start + 1)
    )


def _is_apart(text: str, start: int) -> bool:
    """A new clause begins between the option and the one before it."""
    between = rx(rf"[^{SYMBOLS}]*\Z").search(text[:start])
    return bool(between and rx(PHRASE).search(between[0]))
