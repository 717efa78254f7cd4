"""Whether the clause around a statement leaves it standing."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

from pytest_medhelm.scoring.answers.closed import doubt_words
from pytest_medhelm.scoring.answers.closed.words import rx

SENTENCE = r"[.!?;。！？\n]"
CLAUSE = r"""
    (?:[.!?;。！？\n]|,\s(?:and\s)?then\b
    |,?\s(?:but|however|yet|though|although|whereas|while|so|therefore|thus|hence|pero|sin embargo|mais
    |mas|porem|aber|ma|maar|tetapi|nhung|lakini|но|однако|لكن|लेकिन|কিন্তু)\b|\s-{1,2}\s|但是?|然而|所以|因此|しかし|하지만
    |그러나)
"""
PHRASE = CLAUSE + "|,"
"""Where a sentence, a clause and a part of a clause begin."""
OTHER_CASE = r"""
    ^\W*(?:in|at|with|for|after|during|among|when|before|by|per|under)
    (?! (?:this|these|that|such|the (?:present|given|above|current)|my|our|all|fact|short|summary|conclusion
    |general|re-?(?:view|check|read|consider|think|evaluat)\w*|more|further|careful|checking|considering|thinking))
    \s[^:\n]*$
"""
_REACH = 300
_LONGEST_OPENING = 20
"""Characters that one beginning of a clause takes at most."""

_ATTRIBUTED = rf"(?<![\w'])(?:{doubt_words.ATTRIBUTED})"
_OWN = r"""
    (?<![\w'])(?:i|we)(?:'d|'ll|'ve|'m)? (?!may|might|could|was|thought|initially|first)(?:\w+ ){0,2}
    (?:think|believe|say|choose|pick|select|would|suggest|recommend|conclude|answer|argue|prefer|favou?r)
"""
_CONTRARY = r"""
    \b(?:contrary to|unlike|despite|in spite of|regardless of|no matter|whatever|contrariamente
    |contrairement|entgegen)\b
"""
_OWN_PAST = rf"(?<![\w'])(?:{doubt_words.OWN_PAST})(?![a-z])"
_WEIGHED = rf"(?:(?<![\w'])(?:{doubt_words.WEIGHED})(?![a-z])|可能是|也许|或许|かもしれ|아마)"
_CONDITION_AFTER = r"""
    [^.!?\n]{0,80}?(?<!even\s)(?<!as\s)\b(?:if|only if|only when|falls|wenn|provided that
    |(?:in|by|according to) (?:older|earlier|previous|past|former)|years ago)\b
"""


# "Would be correct in pregnancy": said of another patient than this one.
_ELSEWHERE = r"""
    [^.!?\n]{0,60}?\b(?:in|with|during|when|after|among|for) (?!this|the|that|these|our|her|his|their|him|them|such
    |given|me
    |a (?:case|patient|setting) like|my|now)\w
"""
_CONDITIONAL = r"\b(?:would|could|might)\b"

_GROUP = (
    r"\b(?:in|for) (?:children|adults|adolescents|infants|neonates|pregnan\w+|the elderly|men|women|older|younger)\b"
)
_CONCESSION = r"^\W*(?:while|although|though|even though|whereas)\s[^,.\n]*,\s(?=[^,]*$)"
"""What is conceded before something is said: "While many choose B, A is correct"."""
_POPULATIONS = rf"{_GROUP}[^.\n]{{0,120}}[;,][^.\n]{{0,120}}{_GROUP}"


def scope(text: str, start: int, opening: str) -> str:
    """The text before a position, back to where its sentence, clause or phrase began."""
    starts, ends = _openings(text, opening)
    number = bisect_right(starts, start)
    return text[max(ends[number - 1] if number else 0, start - _REACH) : start]


@lru_cache(maxsize=8)
def _openings(text: str, opening: str) -> tuple[list[int], list[int]]:
    """Where what opens the sentences, clauses or phrases of a text begins and ends."""
    spans = [one.span() for one in rx(opening).finditer(text)]
    return [start for start, _ in spans], [end for _, end in spans]


def is_settled(text: str, start: int, end: int) -> bool:
    """Whether what stands from start to end is neither conditional, somebody else's, superseded nor weighed."""
    begin = max(0, start - _REACH - _LONGEST_OPENING)
    return _is_settled(text[begin : end + _REACH // 2 + 1], start - begin, end - begin)


@lru_cache(maxsize=4096)
def _is_settled(text: str, start: int, end: int) -> bool:
    """The same of the part of a text that can matter; a model that repeats itself is judged once."""
    said = text[start:end]
    following = rx(r"[^.!?;。\n]{0,100}").match(text, end)
    if rx(doubt_words.HYPOTHETICAL).search(scope(text, start, SENTENCE) + said):
        return False
    if rx(r"\b(?:suppose|supposing|assume|imagine|say)\b[^.!?\n]*;\s*(?:then|so)\b").search(
        scope(text, start, r"[.!?\n]")
    ):
        return False
    if following and rx(_CONDITION_AFTER).match(following[0]):
        return False
    if following and rx(_CONDITIONAL).search(said + following[0][:10]) and rx(_ELSEWHERE).match(following[0]):
        return False
    if rx(_POPULATIONS).search(scope(text, start, r"[.!?。！？\n]") + text[start : end + _REACH // 2]):
        return False
    clause = rx(_CONCESSION).sub("", scope(text, start, CLAUSE)) + said
    if rx(_ATTRIBUTED).search(clause) and not rx(f"{_OWN}|{_CONTRARY}").search(clause):
        return False
    if rx(_OWN_PAST).search(clause) or rx(_WEIGHED).search(scope(text, start, PHRASE) + said):
        return False
    return not text[end : end + 2].lstrip(" *)\"'").startswith(("?", "吗", "嗎"))
