"""An option that a short answer says in its own words: "a second agent should be added" for "Add a second agent"."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_medhelm.scoring.answers.closed.context import is_settled
from pytest_medhelm.scoring.answers.closed.grammar import BAD
from pytest_medhelm.scoring.answers.closed.words import rx, vocabulary
from pytest_medhelm.scoring.answers.folding import fold

_SHORT = 300
_LEAST = 2
"""Words that an option must have to be found by them; figures are part of too many other things."""
_STEM = 5
_WORD = r"[^\W_]+(?:'t\b)?"
_CLAUSE = r"[.!?;:](?=\s|$)|\n|,?\s(?:so|therefore|thus|hence|but|because|since|whereas)\s"
_EMPTY = vocabulary(r"""
    a|an|the|this|that|these|his|her|their|its|it|he|she|they|of|to|in|on|at|by|with|for|from|and|or|as|is|are|was|be
    |been|being|do|does|did|should|would|will|must|can|patients?|who
""")
_SAME = {"has": "have", "had": "have", "having": "have"}
_NOT = frozenset({"not", "no", "without", "never", "cannot", "neither", "nor", "none"})


def in_other_words(text: str, choices: Sequence[str]) -> int | None:
    """The one option all of whose words stand in a clause that settles something and denies as often as the option."""
    if len(text) > _SHORT:
        return None
    given = [_words(choice) for choice in choices]
    worded = {n for n, words in enumerate(given) if len(words) >= _LEAST and not any(map(str.isnumeric, words))}
    named: set[int] = set()
    start = 0
    for end in [*(one.end() for one in rx(_CLAUSE).finditer(text)), len(text)]:
        clause, middle = text[start:end], start + (end - start) // 2
        said = _words(clause)
        covered = {n for n in worded if _covers(said, given[n])}
        most = {n for n in covered if not any(set(given[n]) < set(given[other]) for other in covered)}
        denied = bool(rx(BAD).search(clause)) and not any(rx(BAD).search(fold(choices[n])) for n in most)
        if most and not denied and is_settled(text, middle, middle):
            named |= most
        start = end
    return named.pop() if len(named) == 1 else None


def _words(text: str) -> list[str]:
    """The words that say something; every denial is "not"."""
    parts = (_SAME.get(word, word) for word in rx(_WORD).findall(fold(text)))
    return ["not" if word in _NOT or word.endswith("n't") else word for word in parts if not rx(_EMPTY).fullmatch(word)]


def _covers(said: Sequence[str], words: Sequence[str]) -> bool:
    return said.count("not") == words.count("not") and all(any(_alike(one, word) for one in said) for word in words)


def _alike(one: str, other: str) -> bool:
    """Forms of one word: refer, referral; add, added."""
    shorter, longer = sorted((one, other), key=len)
    return (
        one == other
        or (len(shorter) >= 3 and longer.startswith(shorter) and len(longer) - len(shorter) < 4)
        or (len(shorter) >= _STEM and shorter[:_STEM] == longer[:_STEM])
    )
