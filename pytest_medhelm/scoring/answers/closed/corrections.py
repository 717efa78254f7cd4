"""What takes an earlier statement back, or puts another in its place."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_medhelm.scoring.answers.closed import doubt_words, words
from pytest_medhelm.scoring.answers.closed.context import is_settled
from pytest_medhelm.scoring.answers.closed.grammar import (
    BAD,
    DENIED_AFTER,
    FULL_STOP,
    JOINED,
    LEAD,
    LEAD_WORD,
    PUNCT,
    SYMBOLS,
    options_at,
    sentences,
    stands,
)
from pytest_medhelm.scoring.answers.closed.options import ANY
from pytest_medhelm.scoring.answers.closed.statement import Statement, Strength, read_as
from pytest_medhelm.scoring.answers.closed.words import rx

_MARKER = rf"(?<![\w'])(?:{doubt_words.CORRECTION})(?![a-z])"
_TO_OPTION = rf"""
    (?:{PUNCT}|\bfrom {ANY}|\b(?:{doubt_words.CORRECTION}|{words.IDENTIFY}|{words.ANSWER}|{words.FILLER}
    |{words.COPULA}|{LEAD_WORD}|to|it
    |that|this|wrong|incorrect|not right|was|my|in|myself|nein|no|non|nao|нет)\b|应该是|应该|应为|而是|是|为|です
    |は){{1,14}}({ANY})
"""
_UNCHANGED = (
    r"\b(?:rather than|instead of|not|never|without|no (?:need|reason) to|considered|considering|tempted to)\W{1,3}$"
)
_NOT_BEFORE = rf"(?:not|n't)\W*{LEAD}$"
_AFTER = (
    rf"[^\x00-\x7f{SYMBOLS}]|{JOINED}|{FULL_STOP}|\s(?:{words.REASON}|{words.INSTEAD})\b|,|\s?\?|\s(?:{words.COPULA})\s"
)
_DOUBTED = rf"""
    \W*(?:{doubt_words.RECONSIDERS})\b[^.!?\n]*\b(?:not (?:so |entirely )?(?:sure|certain|confident)
    |unsure|uncertain|doubt|(?:may|might|could) be wrong|no longer)\b
"""
_TAKEN = rf"(?:{doubt_words.RETRACTION})"
_NO = r"(?:(?:wait|hm+|hold on|oh|actually),? no|no,? wait|nope|not quite|no,? that can't be)"
_TAKEN_BACK = rf"""
    (?:{PUNCT}|\b(?:wait|no|actually|hmm+|oh|sorry|oops|hold on|but|so|hang on|esperen?|nein|non
    |nao|moment|attendez)\b)*
    (?:{doubt_words.RETRACTION})(?:{PUNCT}|$)
"""


def retracted(text: str) -> Iterator[Statement]:
    """ "Wait, that's wrong": what was said before falls."""
    for start, sentence in sentences(text):
        if rx(_NO).fullmatch(sentence.strip(" .!…*_-")):
            yield Statement(start, (), Strength.PHRASE, "phrase", retracts=True)
        if rx(rf"{_DOUBTED}|\W*(?:wait|hold on)\s?[,.!…-]").match(sentence) and not rx(ANY).search(text, start):
            yield Statement(start, (), Strength.PHRASE, "phrase", retracts=True)
        if not rx(_TAKEN).search(sentence):
            continue
        for clause in rx(r"(?:^|\s-{1,2}\s|,\s|\?\s?|\.\.\.\s?)(?=\S)").finditer(sentence):
            if rx(_TAKEN_BACK).match(sentence, clause.end()):
                yield Statement(start + clause.end(), (), Strength.PHRASE, "phrase", retracts=True)
                break


def reconsidered(text: str) -> Iterator[Statement]:
    """ "Hold on. The question asks about ...": a second look, after which the next named answer counts."""
    for match in rx(rf"(?:^|[.!?]\s|\n){PUNCT}{{0,6}}(?:{doubt_words.RECONSIDERS})(?![a-z])").finditer(text):
        yield Statement(match.end(), (), Strength.CITED, "phrase", corrects=True)


def corrected(text: str) -> Iterator[Statement]:
    """ "Correction: B", "I meant B", "wait, no, it is B"."""
    for marker in rx(_MARKER).finditer(text):
        match = rx(_TO_OPTION).match(text, marker.end())
        if not match or not stands(text, match[1], match.end()) or not rx(_AFTER).match(text, match.end()):
            continue
        following = " ".join(text[match.end() : match.end() + 60].split()[:5])
        denial = rf"^(?:\W?(?:{words.COPULA})\b.*|\W{{0,2}}[-:=?(]\s?){BAD}"
        if rx(DENIED_AFTER).match(text, match.end()) or rx(denial).match(following):
            continue
        if rx(rf"{ANY}\s?$").search(text, 0, marker.start()) and marker[0].endswith(","):
            continue  # "A no, B yes": verdicts.
        if rx(_UNCHANGED).search(text[max(0, marker.start() - 30) : marker.start()]):
            continue
        if rx(_NOT_BEFORE).search(text[marker.end() : match.start(1)]):
            continue
        if is_settled(text, marker.start(), match.end()):
            named = options_at(text, match[1], match.end())
            yield Statement(match.start(1), named, Strength.PHRASE, read_as(match[1], "phrase"), corrects=True)


def announces_correction(sentence: str) -> bool:
    """A sentence that takes something back and names no option after that: the next lone option replaces it."""
    markers = list(rx(_MARKER).finditer(sentence))
    return bool(markers) and not rx(ANY).search(sentence, markers[-1].start())
